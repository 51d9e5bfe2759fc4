// Uploads in parts, and links to up- and download files by: URLs of this server for what it keeps, of the bucket for what lies in one.
import { artifactRepository, type PlaceLinks } from '../../artifacts/artifact-repository.ts'
import { assertWritesArtifact } from '../../experiments/artifact-scope.ts'
import { loggedModelUri, runUri } from '../../experiments/artifact-uris.ts'
import { getLoggedModel } from '../../experiments/logged-models.ts'
import { assertWritesIn, assertWritesRun } from '../../experiments/write-scope.ts'
import type { Caller } from '../../governance/access.ts'
import {
  abortUpload,
  beginUpload,
  completeUpload,
  uploadMsMax,
  uploadPartsMax,
} from '../../artifacts/artifact-upload.ts'
import { joinArtifactPath, treePathOf, writableArtifactPath } from '../../artifacts/artifact.ts'
import type { FastifyRequest } from 'fastify'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import type { Methods } from '../wire/method.ts'
import type { ArtifactDeps } from './deps.ts'
import { linkUrl } from './links.ts'
import { attachment } from './sending.ts'

const secondsMax = 7 * 86_400
/** Of a link to upload by. */
const uploadSecondsDefault = 900

export const artifactUploadMethods: Methods<ArtifactDeps> = {
  createMultipartUpload: {
    permission: 'run.write',
    async handle(deps, { request, actor, caller, http }) {
      const count = Number(request.num_parts ?? 1)
      if (count < 1 || count > uploadPartsMax) {
        throw invalidParameter(`num_parts must be between 1 and ${uploadPartsMax} (got ${count}).`)
      }
      const path = destinationOf(http, request.path)
      await assertWritesArtifact(deps.db, caller, path)
      const id = await beginUpload(deps, actor, path)
      const credentials = Array.from({ length: count }, (_, index) => ({
        url: linkUrl(deps, http, { action: 'part', subject: `${id}/${index + 1}`, lifeMs: uploadMsMax }),
        part_number: index + 1,
      }))
      return { upload_id: id, credentials }
    },
  },
  completeMultipartUpload: {
    permission: 'run.write',
    async handle(deps, { request, caller, http }) {
      const path = destinationOf(http, request.path)
      await assertWritesArtifact(deps.db, caller, path)
      const parts = (request.parts ?? []).map(({ part_number: number, etag = '' }) => ({
        number: Number(number ?? 0),
        digest: etag.replaceAll('"', ''),
      }))
      await completeUpload(deps, { id: request.upload_id ?? '', path, parts })
      return {}
    },
  },
  abortMultipartUpload: {
    permission: 'run.write',
    async handle(deps, { request, caller, http }) {
      const path = destinationOf(http, request.path)
      await assertWritesArtifact(deps.db, caller, path)
      await abortUpload(deps, { id: request.upload_id ?? '', path })
      return {}
    },
  },
  getPresignedDownloadUrl: {
    permission: 'run.read',
    async handle(deps, { http }) {
      const path = writableArtifactPath((http.params as { '*': string })['*'])
      const { bytes } = await artifactRepository(deps, 'mlflow-artifacts:/').open(path)
      const link = { action: 'read', subject: path, lifeMs: deps.downloadSeconds * 1000 } as const
      return { url: linkUrl(deps, http, link), headers: {}, file_size: bytes }
    },
  },
  createPresignedDownloadUrl: {
    permission: 'run.read',
    async handle(deps, { request, http }) {
      const path = writableArtifactPath(request.path ?? '')
      const lifeMs = lifeOf(request.expiration ?? deps.downloadSeconds)
      const uri = await runUri(deps.db, request.run_id ?? '')
      const links = bucketLinks(deps, uri)
      if (links) {
        const { url, headers, bytes } = await links.read(path, { lifeMs, disposition: attachment(path) })
        return { presigned_url: url, headers, file_size: bytes }
      }
      const subject = joinArtifactPath(treeOf(uri, 'download'), path)
      const { bytes } = await artifactRepository(deps, 'mlflow-artifacts:/').open(subject)
      return { presigned_url: linkUrl(deps, http, { action: 'read', subject, lifeMs }), headers: {}, file_size: bytes }
    },
  },
  createPresignedUploadUrl: {
    permission: 'run.write',
    async handle(deps, { request, caller, http }) {
      const { run_id: run, model_id: model } = request
      if (Boolean(run) === Boolean(model))
        throw invalidParameter('Exactly one of run_id and model_id must be provided.')
      const path = writableArtifactPath(request.path ?? '')
      const uri = run ? await runUri(deps.db, run) : await loggedModelUri(deps.db, model ?? '')
      const links = bucketLinks(deps, uri)
      if (links) {
        await assertWritesOwner(deps, caller, { run, model })
        const { url, headers } = await links.write(path, { lifeMs: lifeOf(request.expiration ?? uploadSecondsDefault) })
        return { presigned_url: url, headers }
      }
      const subject = joinArtifactPath(treeOf(uri, 'upload'), path)
      await assertWritesArtifact(deps.db, caller, subject)
      return {
        presigned_url: linkUrl(deps, http, {
          action: 'write',
          subject,
          lifeMs: lifeOf(request.expiration ?? uploadSecondsDefault),
        }),
        headers: {},
      }
    },
  },
}

/** Clients send the path of their own file, of which only the name is meant. */
function destinationOf(http: FastifyRequest, localPath = ''): string {
  const name = localPath.slice(Math.max(localPath.lastIndexOf('/'), localPath.lastIndexOf('\\')) + 1)
  return writableArtifactPath(`${(http.params as { '*': string })['*'].replace(/\/+$/v, '')}/${name}`)
}

function lifeOf(expiration: number | bigint): number {
  const seconds = Number(expiration)
  if (seconds >= 1 && seconds <= secondsMax) return seconds * 1000
  throw invalidParameter(`expiration must be between 1 and ${secondsMax} seconds (got ${seconds}).`)
}

const bucketLinks = (deps: ArtifactDeps, uri: string): PlaceLinks | undefined =>
  uri.startsWith('s3://') ? artifactRepository(deps, uri).links : undefined

/** @throws DomainError run_scope, logged_model_not_found */
async function assertWritesOwner(
  { db }: ArtifactDeps,
  caller: Caller,
  { run, model }: { run: string | undefined; model: string | undefined },
): Promise<void> {
  if (run) await assertWritesRun(db, caller, run)
  else await assertWritesIn(db, caller, (await getLoggedModel(db, model ?? '')).experimentId)
}

/** @throws MlflowError NOT_IMPLEMENTED: a folder, or a store of another kind, signs no URLs */
function treeOf(uri: string, what: 'download' | 'upload'): string {
  const path = treePathOf(uri)
  if (path !== undefined) return path
  throw mlflowError('NOT_IMPLEMENTED', `Presigned ${what} is not supported for the current artifact repository`)
}
