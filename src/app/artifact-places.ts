// Where artifacts may be besides the tree, and where the parts of uploads that are under way lie.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ArtifactPlaces } from '../artifacts/artifact-repository.ts'
import type { Config } from './config.ts'

export const uploadsFolder = ({ home }: Pick<Config, 'home'>): string => join(home, 'uploads')

/** A folder, or a server's address, is one to go to when the operator sends new experiments there. */
export function artifactPlaces({ host, port, allowedHosts, mlflow }: Config): ArtifactPlaces {
  const root = mlflow.defaultArtifactRoot
  const folder = root.startsWith('file:') ? fileURLToPath(root) : root.startsWith('/') ? root : undefined
  const named = /^(?:https?|mlflow-artifacts):\/\/(?<host>[^\/@?#]+)/v.exec(root)?.groups?.['host']
  const names = [...allowedHosts, ...mlflow.allowedHosts, named]
  const own = new Set([`${host}:${port}`, `127.0.0.1:${port}`, `localhost:${port}`, ...names])
  return {
    folders: folder === undefined ? [] : [folder.replace(/\/+$/v, '')],
    s3: mlflow.s3,
    isOwnHost: (name) => own.has(name),
  }
}
