// What MLflow's methods and routes about artifacts are given in this home.
import { createHmac } from 'node:crypto'
import { artifactNotFound } from '../artifacts/artifact.ts'
import type { ArtifactDeps } from '../mlflow/api.ts'
import { findStorageLocation } from '../models/model-version-store.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import { artifactPlaces, uploadsFolder } from './artifact-places.ts'

export function artifactDeps(config: Config, { db, blobs, clock, secrets }: Context): ArtifactDeps {
  return {
    db,
    blobs,
    clock,
    uploads: uploadsFolder(config),
    linkKey: createHmac('sha256', secrets.stepKey).update('artifact links').digest('base64url'),
    downloadSeconds: config.mlflow.downloadSeconds,
    places: artifactPlaces(config),
    async versionUri({ name, version }) {
      const number = /^[1-9]\d{0,8}$/v.test(version) ? Number(version) : 0
      const uri = await findStorageLocation(db, { model: name, version: number })
      if (uri === null) throw artifactNotFound(`models:/${name}/${version}`)
      return uri
    },
  }
}
