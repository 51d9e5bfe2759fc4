// Artifacts of a server, through its own routes: what belongs to a run, a logged model or a trace is asked of it by that.
import { DomainError } from '../../../platform/errors.ts'
import { tagKeys } from '../../../tracing/keys.ts'
import type { FileInfo } from '../../generated/messages.ts'
import type { RemoteFile, RemoteFiles } from '../remote-files.ts'
import { pagesOf, type StageDeps } from './deps.ts'

/** What lists a folder, and where a file in it is read. Paths are below the place. */
interface Tree {
  list(path: string): AsyncIterable<readonly FileInfo[]>
  pathOf(file: string): string
}

export const remoteFilesOf = (deps: StageDeps): RemoteFiles => ({
  has: () => true,
  async *below(uri) {
    const tree = await treeOf(deps, uri)
    if (tree) yield* filesBelow(deps, tree, '')
  },
  leaveOut(uri, error) {
    // One that has a status is the server's answer about these files.
    if (!(error instanceof DomainError && error.detail?.['status'] !== undefined)) throw error
    deps.note(`Files at ${uri} did not all come: ${error.message}`)
  },
})

async function* filesBelow(deps: StageDeps, tree: Tree, folder: string): AsyncGenerator<RemoteFile> {
  for await (const files of tree.list(folder)) {
    for (const { path = '', is_dir: isFolder = false, file_size: size } of files) {
      // Some servers tell the whole path, others the last of its names.
      const name = path.slice(path.lastIndexOf('/') + 1)
      const below = folder === '' ? name : `${folder}/${name}`
      if (isFolder) yield* filesBelow(deps, tree, below)
      else {
        const bytes = size === undefined ? undefined : Number(size)
        yield { path: below, bytes, read: () => deps.remote.stream(tree.pathOf(below)) }
      }
    }
  }
}

const encoded = encodeURIComponent

async function treeOf(deps: StageDeps, uri: string): Promise<Tree | undefined> {
  const { staging } = deps
  const [run] = await staging.all('select run_uuid from runs where artifact_uri = ?', [uri])
  if (run) return runTree(deps, String(run['run_uuid']))
  const [model] = await staging.all('select model_id from logged_models where artifact_location = ?', [uri])
  if (model) return modelTree(deps, String(model['model_id']))
  if (/^mlflow-artifacts:\/(?!\/)/v.test(uri)) return proxyTree(deps, uri.slice('mlflow-artifacts:/'.length))
  const [trace] = await staging.all('select request_id from trace_tags where key = ? and value = ?', [
    tagKeys.artifactLocation,
    uri,
  ])
  return trace && spansTree(deps, String(trace['request_id']))
}

const runTree = ({ remote }: StageDeps, id: string): Tree => ({
  async *list(path) {
    const pages = pagesOf((token) =>
      remote.call('listArtifacts', { run_id: id, path: path === '' ? undefined : path, page_token: token }),
    )
    for await (const { files = [] } of pages) yield files
  },
  pathOf: (file) => `/get-artifact?run_id=${encoded(id)}&path=${encoded(file)}`,
})

const modelTree = ({ remote }: StageDeps, id: string): Tree => ({
  async *list(path) {
    const pages = pagesOf((token) =>
      remote.call('listLoggedModelArtifacts', {
        model_id: id,
        artifact_directory_path: path === '' ? undefined : path,
        page_token: token,
      }),
    )
    for await (const { files = [] } of pages) yield files
  },
  pathOf: (file) =>
    `/ajax-api/2.0/mlflow/logged-models/${encoded(id)}/artifacts/files?artifact_file_path=${encoded(file)}`,
})

const proxyPath = '/api/2.0/mlflow-artifacts/artifacts'

const proxyTree = ({ remote }: StageDeps, root: string): Tree => {
  const at = (path: string): string => (path === '' ? root : `${root}/${path}`)
  return {
    async *list(path) {
      const { files = [] } = (await remote.json(`${proxyPath}?path=${encoded(at(path))}`)) as {
        files?: readonly FileInfo[]
      }
      yield files
    },
    pathOf: (file) => `${proxyPath}/${at(file).split('/').map(encoded).join('/')}`,
  }
}

/** Of a trace whose place the server alone reaches: its spans, when they are a file. */
const spansTree = ({ staging }: StageDeps, id: string): Tree => ({
  async *list() {
    const [kept] = await staging.all('select 1 as found from spans where trace_id = ? limit 1', [id])
    yield kept ? [] : [{ path: 'traces.json', is_dir: false }]
  },
  pathOf: () => `/ajax-api/2.0/mlflow/get-trace-artifact?request_id=${encoded(id)}`,
})
