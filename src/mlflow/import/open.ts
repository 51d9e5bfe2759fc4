// Where an import reads from: a database as it is, or anything else, staged as one first.
import { realpath, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { stageFolder } from './folder/stage.ts'
import { openSource, type MlflowSource } from './source.ts'
import { openStaging } from './staging.ts'

export interface OpenedImport extends AsyncDisposable {
  readonly source: MlflowSource
  /** Where it is, without secrets: the same of the same source. */
  readonly origin: string
  /** What of it could not be read, or not whole: a sentence each. */
  readonly notes: readonly string[]
  /** For the end of an import that is whole. */
  finish(): Promise<void>
}

export interface OpenOptions {
  /** What is staged is kept there until the import is whole. */
  readonly home: string
  /** The folder that the source's server stored artifacts into; may be missing. */
  readonly artifacts: string
  /** How far reading is. */
  readonly tell: (what: string) => void
}

/** The address without the name and password in it. */
export const withoutSecrets = (url: string): string => url.replace(/:\/\/[^@\/]*@/v, '://')

/**
 * @param url of a database, or the path of its file or of an `mlruns` folder
 * @throws DomainError import_source
 */
export async function openImport(url: string, options: OpenOptions): Promise<OpenedImport> {
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return openFolder(path, options)
  const source = await openSource(url)
  return {
    source,
    origin: withoutSecrets(url),
    notes: [],
    finish: async () => {},
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

async function openFolder(path: string, { home, artifacts, tell }: OpenOptions): Promise<OpenedImport> {
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
    finish: () => staging.remove(),
    [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
  }
}
