// A model on the gateway's disk: its graph by digest, and what was prepared of it, if that is there and of use.
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { loadModel, openEngine, type LoadedModel } from '../../models/inference.ts'
import {
  decodePreparation,
  isPreparationWhole,
  loadPrepared,
  preparationName,
  type MeasuredRun,
  type Preparation,
} from '../../models/preparation.ts'
import type { Signature } from '../../models/signature.ts'
import { messageOf } from '../../platform/errors.ts'

export interface StoredModel {
  /** Of the graph's bytes; its name is their digest. */
  readonly path: string
  readonly signature: Signature
  /** Whether what was prepared is known to be whole; else it is looked at. */
  readonly isTrusted: boolean
}

/** What was read of a model. */
export interface ReadModel {
  /** Without waiting for the disk or the engine. */
  readonly load: () => Promise<LoadedModel>
  /** Of its preparation; empty: nothing is known of what its runs cost. */
  readonly runs: readonly MeasuredRun[]
}

/**
 * Reads what is needed from the disk, and opens the engine.
 * @param warn is told why what was prepared is of no use
 * @throws Error when the bytes are not on this disk; `load` DomainError as models/inference.ts `loadModel`
 */
export async function readStored(model: StoredModel, warn: (reason: string) => void): Promise<ReadModel> {
  const { path, signature } = model
  const graph = (): Promise<Uint8Array> => readFile(path)
  const preparation = await readPreparation(model, warn)
  const bytes = preparation ? undefined : await graph()
  await openEngine()
  const load = (): Promise<LoadedModel> =>
    preparation ? loadPrepared(preparation, { signature, graph }) : loadModel(bytes!, { signature })
  return { load, runs: preparation?.runs ?? [] }
}

/** Undefined: there is none that is of use; the graph itself is. */
async function readPreparation(
  { path, signature, isTrusted }: StoredModel,
  warn: (reason: string) => void,
): Promise<Preparation | undefined> {
  try {
    const bytes = await readFile(join(dirname(path), preparationName(basename(path), signature)))
    if (isTrusted || isPreparationWhole(bytes)) return await decodePreparation(bytes, signature)
    warn('it is not whole')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') warn(messageOf(error))
  }
  return undefined
}
