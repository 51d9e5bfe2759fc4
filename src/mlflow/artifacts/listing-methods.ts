// What directories of artifacts hold, and their deletion.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { artifactRepository, type ArtifactRepository } from '../../artifacts/artifact-repository.ts'
import { loggedModelUri, runUri } from '../../experiments/artifact-uris.ts'
import { assertWritesArtifact } from '../../experiments/artifact-scope.ts'
import { joinArtifactPath, readArtifactPath, type ArtifactEntry } from '../../artifacts/artifact.ts'
import { deleteTree } from '../../artifacts/artifacts.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { FileInfo } from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import type { ArtifactDeps } from './deps.ts'

/** Of one answer, where the method has pages. */
export const listedMax = 10_000
const pageMax = 1_000

export const artifactListingMethods: Methods<ArtifactDeps> = {
  listArtifacts: {
    permission: 'run.read',
    async handle(deps, { request }) {
      const path = readArtifactPath(request.path ?? '')
      const uri = await runUri(deps.db, request.run_id || request.run_uuid || '')
      return listBelow(deps, uri, { path, token: request.page_token })
    },
  },
  listLoggedModelArtifacts: {
    permission: 'run.read',
    async handle(deps, { request }) {
      const path = readArtifactPath(request.artifact_directory_path ?? '')
      const uri = await loggedModelUri(deps.db, request.model_id ?? '')
      return listBelow(deps, uri, { path, token: request.page_token })
    },
  },
  listProxiedArtifacts: {
    permission: 'run.read',
    async handle(deps, { request }) {
      const tree = artifactRepository(deps, 'mlflow-artifacts:/')
      const { entries } = await listAll(tree, readArtifactPath(request.path ?? ''))
      return filesOf(entries, '')
    },
  },
  deleteArtifact: {
    permission: 'run.write',
    async handle({ db }, { actor, caller, http }) {
      const path = readArtifactPath((http.params as { '*': string })['*'])
      if (path === '') throw invalidParameter('Invalid path')
      await assertWritesArtifact(db, caller, path)
      await deleteTree(db, actor, path)
      return {}
    },
  },
}

async function listBelow(
  deps: ArtifactDeps,
  uri: string,
  { path, token }: { path: string; token: string | undefined },
): Promise<{ root_uri: string; files?: FileInfo[]; next_page_token?: string }> {
  const { entries, next } = await listAll(artifactRepository(deps, uri), path, {
    after: token || undefined,
    max: listedMax,
  })
  return {
    root_uri: uri,
    ...filesOf(entries, path),
    ...(next === undefined ? {} : { next_page_token: next }),
  }
}

/** By name, as far as one answer goes. */
async function listAll(
  repository: ArtifactRepository,
  path: string,
  { after, max = Number.POSITIVE_INFINITY }: { after?: string | undefined; max?: number } = {},
): Promise<{ entries: ArtifactEntry[]; next?: string | undefined }> {
  const entries: ArtifactEntry[] = []
  let next = after
  do {
    const page = await repository.list(path, { after: next, limit: Math.min(pageMax, max - entries.length) })
    entries.push(...page.entries)
    next = page.next
    if (next !== undefined) await nextTurn() // Others get theirs while a long directory is read.
  } while (next !== undefined && entries.length < max)
  return { entries: entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)), next }
}

const filesOf = (entries: readonly ArtifactEntry[], directory: string): { files?: FileInfo[] } =>
  entries.length === 0 ? {} : { files: entries.map((entry) => fileInfoOf(entry, directory)) }

/** An empty file has no size, as MLflow's server answers it. */
const fileInfoOf = ({ name, bytes }: ArtifactEntry, directory: string): FileInfo => ({
  path: joinArtifactPath(directory, name),
  is_dir: bytes === null,
  ...(bytes ? { file_size: bytes } : {}),
})
