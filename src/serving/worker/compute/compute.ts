// A worker's compute process: started when a version first needs it, watched, and started again with all it held when it hangs or ends.
import type { Batch } from '../../../models/batch.ts'
import type { Predictions } from '../../../models/inference.ts'
import type { Signature } from '../../../models/signature.ts'
import { DomainError } from '../../../platform/errors.ts'
import { createComputeCalls, type ComputeCalls, type ComputeCallsDeps } from './compute-calls.ts'
import { packRows } from './packed-rows.ts'

export type { ComputeLoss } from './compute-calls.ts'

/** A model in the compute process. */
export interface RemoteModel {
  /**
   * The batch may be changed as soon as this returns.
   * @throws DomainError model_failed, compute_lost (the promise rejects with them)
   */
  run(batch: Batch): Promise<Predictions>
  /** Milliseconds of the last run in the engine, without the way there and back. */
  readonly lastRunMs: number
  release(): Promise<void>
}

export interface RemoteVersion {
  readonly version: string
  /** Of its bytes. */
  readonly path: string
  readonly signature: Signature
}

export interface Compute {
  /** Loads into the process. @throws DomainError compute_lost; Error as `loadModel` says it */
  load(version: RemoteVersion): Promise<RemoteModel>
  /** Ends the process; what is under way fails. */
  close(): void
}

export interface ComputeDeps extends ComputeCallsDeps {
  /** Bytes there and back of a run. */
  readonly copied: (bytes: number) => void
}

export function createCompute(deps: ComputeDeps): Compute {
  const held = new Map<string, RemoteVersion>()
  const calls = createComputeCalls(deps, {
    *again() {
      for (const [key, { version, path, signature }] of held)
        yield { version, order: { kind: 'load', key, path, signature } }
    },
  })
  let lastKey = 0
  return {
    async load({ version, path, signature }) {
      const key = String(++lastKey)
      const answer = await calls.post(version, { kind: 'load', key, path, signature })
      if (answer.kind === 'failed') throw new Error(answer.message)
      held.set(key, { version, path, signature })
      return remoteModel({ calls, copied: deps.copied, forget: () => held.delete(key) }, { key, version })
    },
    close: () => calls.close(),
  }
}

interface RemoteDeps {
  readonly calls: ComputeCalls
  readonly copied: (bytes: number) => void
  readonly forget: () => void
}

function remoteModel(
  { calls, copied, forget }: RemoteDeps,
  { key, version }: { key: string; version: string },
): RemoteModel {
  let lastRunMs = 0
  return {
    async run(batch) {
      const { rows } = batch
      const bytes = packRows(batch)
      const answer = await calls.post(version, { kind: 'run', key, rows, bytes })
      if (answer.kind !== 'ran') throw modelFailed(answer.kind === 'failed' ? answer.message : 'it gave no answer')
      const { width, values, ms } = answer
      lastRunMs = ms
      copied(bytes.length + values.byteLength)
      return { rows, width, values }
    },
    get lastRunMs() {
      return lastRunMs
    },
    async release() {
      forget()
      // A process that ended holds nothing any more.
      await calls.post(version, { kind: 'release', key }).catch(() => undefined)
    },
  }
}

const modelFailed = (message: string): DomainError => new DomainError('unavailable', 'model_failed', message)
