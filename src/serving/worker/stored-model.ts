// A model on the gateway's disk: its graph by digest, and what was prepared of it, if that is there and of use.
import { open, readFile } from 'node:fs/promises'
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
import { DomainError, messageOf } from '../../platform/errors.ts'
import { readTo } from '../../platform/file-reads.ts'
import { createModelMemory, type ModelMemory } from './model-memory.ts'

export interface StoredModel {
  /** Of the graph's bytes; its name is their digest. */
  readonly path: string
  readonly signature: Signature
  /** Whether what was prepared is known to be whole; else it is looked at. */
  readonly isTrusted: boolean
  /** Where what was prepared is read to, until the model is released; by default in memory of its own. */
  readonly memory?: ModelMemory | undefined
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
  const { path, signature, memory = createModelMemory() } = model
  const graph = (): Promise<Uint8Array> => readFile(path)
  const found = await readPreparation({ ...model, memory }, warn)
  const bytes = found ? undefined : await graph()
  await openEngine()
  const load = async (): Promise<LoadedModel> => {
    if (!found) return loadModel(bytes!, { signature })
    const giveBack = (): void => memory.giveBack(found.bytes)
    try {
      return lent(await loadPrepared(found.preparation, { signature, graph }), giveBack)
    } catch (error) {
      giveBack()
      throw error
    }
  }
  return { load, runs: found?.preparation.runs ?? [] }
}

/** A model whose memory is another's after its release: a run that came later would answer from that. */
function lent(model: LoadedModel, giveBack: () => void): LoadedModel {
  let isReleased = false
  return {
    ...model,
    run(batch) {
      if (isReleased) throw new DomainError('unavailable', 'model_failed', 'the model was let go before this run')
      return model.run(batch)
    },
    async release() {
      if (isReleased) return
      isReleased = true
      await model.release()
      giveBack()
    },
  }
}

interface FoundPreparation {
  readonly preparation: Preparation
  /** Where it stands, with what may follow it. */
  readonly bytes: Buffer
}

/** Undefined: there is none that is of use; the graph itself is. */
async function readPreparation(
  { path, signature, isTrusted, memory }: StoredModel & { memory: ModelMemory },
  warn: (reason: string) => void,
): Promise<FoundPreparation | undefined> {
  let bytes: Buffer | undefined
  try {
    const file = await open(join(dirname(path), preparationName(basename(path), signature)))
    try {
      const { size } = await file.stat()
      bytes = memory.take(size)
      const read = await readTo(bytes, file, size)
      if (read.length < size) warn(`it ended after ${read.length} of ${size} bytes`)
      else if (!isTrusted && !isPreparationWhole(read)) warn('it is not whole')
      else {
        const preparation = await decodePreparation(read, signature)
        if (preparation) return { preparation, bytes }
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') warn(messageOf(error))
  }
  if (bytes) memory.giveBack(bytes)
  return undefined
}
