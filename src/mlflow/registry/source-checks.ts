// What the source of a new version may be: nothing that lets a client read files that are not its own. In MLflow's words.
import { posix } from 'node:path'
import type { LoggedModel } from '../../experiments/logged-model.ts'
import { getLoggedModel } from '../../experiments/logged-models.ts'
import { readRunSummaries } from '../../experiments/reading.ts'
import { DomainError } from '../../platform/errors.ts'
import type { Db } from '../../platform/database.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { SourceTables } from './deps.ts'
import { decodeFully, decodeOnce, hostOf, isWithin, partsOf, readModelUri, readUri } from './uri.ts'

export const invalidSource = (source: string, why: string): Error =>
  invalidParameter(`Invalid model version source: '${source}'.${why}`)
export const foreignTo = (source: string, field: 'run_id' | 'model_id'): Error =>
  invalidSource(source, ` The ${field} request parameter must identify the resource that contains the source.`)

/** A source of a version that names no logged model. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function assertOfRun(db: Db<SourceTables>, source: string, runId: string): Promise<void> {
  if (isLocal(source)) {
    const root = runId === '' ? undefined : await findRunRoot(db, runId, source)
    if (root !== undefined && isFileWithin(source, root)) return
    throw invalidSource(source, localNeeds('run_id'))
  }
  assertPlain(source)
  const { scheme, authority, path } = readUri(source)
  if (scheme === 'runs') {
    if (runId !== '' && authority === '' && path.split('/')[1] === runId) return
    throw foreignTo(source, 'run_id')
  }
  if (scheme === 'models' && readModelUri(source)?.modelId !== undefined) throw foreignTo(source, 'model_id')
  if (!isProxied(source)) return
  const root = runId === '' ? undefined : await findRunRoot(db, runId, source)
  if (root === undefined || !isWithin(source, root)) throw foreignTo(source, 'run_id')
}

/** A source of a version of a logged model. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function assertOfModel(db: Db<SourceTables>, source: string, modelId: string): Promise<void> {
  const rootOf = async (): Promise<string> => {
    const model = await findLoggedModel(db, modelId)
    if (!model) throw foreignTo(source, 'model_id')
    return model.artifactUri
  }
  if (isLocal(source)) {
    if (isFileWithin(source, await rootOf())) return
    throw invalidSource(source, localNeeds('model_id'))
  }
  assertPlain(source)
  const { scheme } = readUri(source)
  const isOfOther = scheme === 'models' && ![undefined, modelId].includes(readModelUri(source)?.modelId)
  if (isOfOther || scheme === 'runs') throw foreignTo(source, 'model_id')
  if (isProxied(source) && !isWithin(source, await rootOf())) throw foreignTo(source, 'model_id')
}

const localNeeds = (field: 'run_id' | 'model_id'): string =>
  ` To use a local path as a model version source, the ${field} request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the ${field}.`

async function findRunRoot(db: Db<SourceTables>, runId: string, source: string): Promise<string> {
  const [run] = await readRunSummaries(db, [runId])
  if (!run) throw foreignTo(source, 'run_id')
  return run.artifactUri
}

/** Undefined for a deleted one too. */
export async function findLoggedModel(db: Db<SourceTables>, id: string): Promise<LoggedModel | undefined> {
  try {
    const model = await getLoggedModel(db, id)
    return model.deletedAtMs === null ? model : undefined
  } catch (error) {
    if (error instanceof DomainError && error.code === 'logged_model_not_found') return undefined
    throw error
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE for a file of another host */
function isLocal(source: string): boolean {
  if (source === 'databricks') return false
  const uri = readUri(source)
  if (uri.scheme === '') return true
  if (uri.scheme !== 'file') return false
  const host = hostOf(uri)
  if (host === '' || host === '.' || /^(?:localhost|127\.0\.0\.1)/v.test(host)) return true
  throw invalidParameter(
    `${source} is not a valid remote uri. For remote access on windows, please consider using a different scheme such as SMB (e.g. smb://<hostname>/<path>).`,
  )
}

function isFileWithin(source: string, root: string): boolean {
  if (!isLocal(root)) return false
  const [inner, outer] = [pathOf(source), pathOf(root)]
  if (inner === undefined || outer === undefined) return false
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`)
}

/** Undefined for one that is not absolute: nobody knows where it begins. */
function pathOf(text: string): string | undefined {
  const path = decodeOnce(/^file:/iv.test(text) ? readUri(text).path : text)
  return path.startsWith('/') ? posix.resolve(path) : undefined
}

/** However often it was encoded, it is an absolute path without "..", and as short as it can be. @throws MlflowError INVALID_PARAMETER_VALUE */
function assertPlain(source: string): void {
  const decoded = decodeFully(source.replaceAll('+', ' '))
  const path = readUri(decoded).path.replace(/\/+$/v, '').replaceAll(/\/+/gv, '/')
  if (!decoded.includes('\0') && !decoded.split('/').includes('..') && posix.resolve('/', path) === path) return
  throw invalidSource(
    source,
    ' If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.',
  )
}

const proxyRoute = ['api', '2.0', 'mlflow-artifacts', 'artifacts']

function isProxied(source: string): boolean {
  const { scheme, path } = readUri(source)
  if (scheme === 'mlflow-artifacts') return true
  const parts = partsOf(path)
  return (
    (scheme === 'http' || scheme === 'https') &&
    parts.some((_, at) => proxyRoute.every((part, index) => parts[at + index] === part))
  )
}
