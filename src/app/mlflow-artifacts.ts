// What MLflow's methods and routes about artifacts are given in this home.
import { createHmac } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { artifactNotFound } from '../experiments/artifact.ts'
import type { ArtifactPlaces } from '../experiments/artifact-repository.ts'
import type { ArtifactDeps } from '../mlflow/artifacts/deps.ts'
import { findStorageLocation } from '../models/model-version-store.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import { uploadsFolder } from './uploads.ts'

export function artifactDeps(config: Config, { db, blobs, clock, secrets }: Context): ArtifactDeps {
  return {
    db,
    blobs,
    clock,
    uploads: uploadsFolder(config),
    linkKey: createHmac('sha256', secrets.stepKey).update('artifact links').digest('base64url'),
    places: artifactPlaces(config),
    async versionUri({ name, version }) {
      const number = /^[1-9]\d{0,8}$/v.test(version) ? Number(version) : 0
      const uri = await findStorageLocation(db, { model: name, version: number })
      if (uri === null) throw artifactNotFound(`models:/${name}/${version}`)
      return uri
    },
  }
}

/** A folder, or a server's address, is one to go to when new experiments are sent there by the operator. */
function artifactPlaces({ host, port, allowedHosts, mlflow }: Config): ArtifactPlaces {
  const root = mlflow.defaultArtifactRoot
  const folder = root.startsWith('file:') ? fileURLToPath(root) : root.startsWith('/') ? root : undefined
  const own = new Set([`${host}:${port}`, `127.0.0.1:${port}`, `localhost:${port}`, ...allowedHosts])
  const named = URL.parse(root.replace(/^mlflow-artifacts:/v, 'http:'))?.host
  if (named) own.add(named)
  return {
    folders: folder === undefined ? [] : [folder.replace(/\/+$/v, '')],
    s3: mlflow.s3,
    isOwnHost: (name) => own.has(name),
  }
}
