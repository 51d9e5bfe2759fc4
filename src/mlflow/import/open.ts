// Where an import reads from: a database as it is, or anything else, staged as one first.
import { realpath, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { openBuckets, type BucketSettings } from './buckets.ts'
import type { SourceArtifacts } from './files.ts'
import { stageFolder } from './folder/stage.ts'
import { addressOf, openRemote, type Credentials } from './http/client.ts'
import { remoteFilesOf } from './http/files.ts'
import { stageServer } from './http/stage.ts'
import { openSource, type MlflowSource } from './source.ts'
import { openStaging } from './staging.ts'

export interface OpenedImport extends AsyncDisposable {
  readonly source: MlflowSource
  /** Where it is, without secrets: the same of the same source. */
  readonly origin: string
  /** What of it could not be read, or not whole: a sentence each. */
  readonly notes: readonly string[]
  readonly artifacts: SourceArtifacts
  /** For the end of an import that is whole. */
  finish(): Promise<void>
}

export interface OpenOptions {
  /** What is staged is kept there until the import is whole. */
  readonly home: string
  /** The folder that the source's server stored artifacts into; may be missing. */
  readonly artifacts: string
  /** Of the buckets that places name. */
  readonly s3: BucketSettings
  /** For a server that is asked over its API. */
  readonly credentials: Credentials
  /** How far reading is. */
  readonly tell: (what: string) => void
}

/** The address without the name and password in it. */
export const withoutSecrets = (url: string): string => url.replace(/:\/\/[^@\/]*@/v, '://')

/**
 * @param url of a database or a server, or the path of a database's file or of an `mlruns` folder
 * @throws DomainError import_source, import_unreachable, import_refused, import_method
 */
export async function openImport(url: string, options: OpenOptions): Promise<OpenedImport> {
  if (/^https?:\/\//iv.test(url)) return openServer(url, options)
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return openFolder(path, options)
  const source = await openSource(url)
  const notes: string[] = []
  return {
    source,
    origin: withoutSecrets(url),
    notes,
    artifacts: await artifactsOf(source, options, notes),
    finish: async () => {},
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

async function openFolder(path: string, { home, artifacts, s3, tell }: OpenOptions): Promise<OpenedImport> {
  const root = await realpath(path)
  const notes: string[] = []
  const staging = await openStaging(home, root)
  try {
    await stageFolder({ root, artifacts, staging, note: (what) => notes.push(what) }, tell)
  } catch (error) {
    await staging[Symbol.asyncDispose]()
    throw error
  }
  return {
    source: staging,
    origin: root,
    notes,
    artifacts: await artifactsOf(staging, { artifacts, s3 }, notes),
    finish: () => staging.remove(),
    [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
  }
}

async function artifactsOf(
  source: MlflowSource,
  { artifacts, s3 }: Pick<OpenOptions, 'artifacts' | 's3'>,
  notes: string[],
): Promise<SourceArtifacts> {
  const remote = await openBuckets({ source, s3, note: (what) => notes.push(what) })
  return { folder: artifacts, remote }
}

async function openServer(url: string, { home, artifacts, credentials, tell }: OpenOptions): Promise<OpenedImport> {
  const remote = openRemote({ url, credentials })
  const origin = addressOf(url)
  const notes: string[] = []
  const staging = await openStaging(home, origin)
  const deps = { remote, staging, note: (what: string) => notes.push(what), tell }
  try {
    await stageServer(deps)
  } catch (error) {
    await staging[Symbol.asyncDispose]()
    throw error
  }
  return {
    source: staging,
    origin,
    notes,
    artifacts: { folder: artifacts, remote: remoteFilesOf(deps) },
    finish: () => staging.remove(),
    [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
  }
}
