// From the URI under which a run, a model or a trace keeps its artifacts to the place itself.
import { isAbsolute, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseS3Url } from '../platform/blobs-s3.ts'
import { DomainError } from '../platform/errors.ts'
import { readArtifactPath, treePathOf } from './artifact.ts'
import { openBucketFolder } from './repositories/bucket.ts'
import { openFolder } from './repositories/folder.ts'
import type { ArtifactRepository, OutsideRepository } from './repositories/repository.ts'
import { openTree, type TreeDeps } from './repositories/tree.ts'

export type { ArtifactRepository, OutsideRepository, PlaceLinks, StoredFile } from './repositories/repository.ts'

/** Which places besides the tree the operator lets the server reach. */
export interface ArtifactPlaces {
  /** Absolute folders; what lies below them may be read and written. */
  readonly folders: readonly string[]
  /** Settings of buckets. */
  readonly s3: { readonly region?: string | undefined; readonly endpoint?: string | undefined }
  /** Whether `host:port` is this server's own, so that its URL means the tree. */
  readonly isOwnHost: (host: string) => boolean
}

export interface RepositoryDeps extends TreeDeps {
  readonly places: ArtifactPlaces
}

const proxyPath = '/api/2.0/mlflow-artifacts/artifacts'

const rootForeign = (uri: string, why: string): DomainError =>
  new DomainError(
    'invalid',
    'artifact_root_foreign',
    `artifacts at "${uri.slice(0, 300)}" cannot be reached from this server: ${why}; it reaches its own (mlflow-artifacts:/…), buckets (s3://…) and folders below the one that it was started with`,
    { uri },
  )

/** @throws DomainError artifact_root_foreign, artifact_path_invalid */
export function artifactRepository(deps: RepositoryDeps, uri: string): ArtifactRepository {
  const { places } = deps
  const path = treePathOf(uri) ?? proxiedPathOf(uri, places)
  return path === undefined ? outsideRepository(places, uri) : openTree(deps, path)
}

/** Of a URI that does not mean the tree. @throws DomainError artifact_root_foreign, artifact_path_invalid */
export function outsideRepository(places: ArtifactPlaces, uri: string): OutsideRepository {
  if (uri.startsWith('s3://')) return openBucketFolder(bucketOf(uri, places))
  const { base, root } = folderOf(uri, places)
  return openFolder(base, root)
}

/** Of a URL of this server's, in the forms in which MLflow writes them. */
function proxiedPathOf(uri: string, { isOwnHost }: ArtifactPlaces): string | undefined {
  if (!/^(?:https?|mlflow-artifacts):\/\//v.test(uri)) return undefined
  const url = URL.parse(uri.replace(/^mlflow-artifacts:/v, 'http:'))
  if (!url || !isOwnHost(url.host)) throw rootForeign(uri, 'it is on another server')
  if (url.search || url.hash || url.username || url.password) throw rootForeign(uri, 'it is more than a path')
  if (uri.startsWith('mlflow-artifacts:')) return readArtifactPath(url.pathname.slice(1))
  const at = url.pathname.indexOf(proxyPath)
  const rest = at === -1 ? undefined : url.pathname.slice(at + proxyPath.length)
  if (rest === undefined || !/^(?:\/|$)/v.test(rest)) throw rootForeign(uri, 'it is no path of the artifacts here')
  return readArtifactPath(rest.slice(1))
}

function bucketOf(uri: string, { s3 }: ArtifactPlaces): ReturnType<typeof parseS3Url> {
  const url = new URL(uri)
  if (url.search || url.hash) throw rootForeign(uri, 'it is more than a bucket and a prefix')
  const parsed = parseS3Url(uri)
  return {
    ...parsed,
    prefix: readArtifactPath(parsed.prefix),
    region: s3.region ?? parsed.region,
    endpoint: s3.endpoint ?? parsed.endpoint,
  }
}

/** The folder is named by who made the experiment, so it is looked at as a path of theirs: decoded, and below a folder of the operator's. */
function folderOf(uri: string, { folders }: ArtifactPlaces): { base: string; root: string } {
  const path = pathOfFileUri(uri)
  if (path === undefined) throw rootForeign(uri, 'places of this kind are not supported')
  const clean = `/${readArtifactPath(path.slice(1))}`
  if (normalize(clean) !== clean) throw rootForeign(uri, 'it is no plain path')
  const base = folders.find((folder) => clean === folder || clean.startsWith(`${folder}/`))
  if (base === undefined) throw rootForeign(uri, 'it is outside of the folders that the server may use')
  return { base, root: clean.slice(base.length + 1) }
}

function pathOfFileUri(uri: string): string | undefined {
  if (isAbsolute(uri)) return uri
  if (!/^file:/iv.test(uri)) return undefined
  const url = URL.parse(uri)
  if (!url || url.search || url.hash || (url.hostname !== '' && url.hostname !== 'localhost')) return undefined
  url.hostname = ''
  return /%2f|%00/iv.test(url.pathname) ? undefined : fileURLToPath(url)
}
