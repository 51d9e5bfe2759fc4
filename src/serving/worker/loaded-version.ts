// A model version in a worker's memory: loaded from its bytes by digest, warmed, and with its queues.
import { join } from 'node:path'
import type { LoadedModel } from '../../models/inference.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Variant } from '../gateway-config.ts'
import { runBudgetMs } from '../contract/gateway-limits.ts'
import type { Compute, RemoteModel, RemoteVersion } from './compute/compute.ts'
import { loadLocally, measure, type LocalDeps } from './local-version.ts'
import { createVersionQueue, type VersionQueue } from './runs/version-queue.ts'

export interface LoadedVersion {
  readonly version: string
  readonly digest: string
  /** Requests that are answered. */
  readonly queue: VersionQueue
  /** The same model as a shadow: what is scored without an answer. */
  readonly shadowQueue: VersionQueue
  /** Nothing may be put into its queues any more. */
  readonly isReleased: boolean
  /** When nothing waits in its queues any more. */
  release(): Promise<void>
}

export interface LoadDeps extends LocalDeps {
  readonly compute: Compute
}

/**
 * A version whose single row takes longer than the budget of a run is held by the compute process alone; one whose batches do, by both: small
 * batches are answered here, large ones there.
 * @throws DomainError as models/inference.ts `loadModel`; Error when the bytes are not on this disk
 */
export async function loadVersion(deps: LoadDeps, variant: Variant): Promise<LoadedVersion> {
  const { version, digest, signature } = variant
  const path = join(deps.modelDirectory, digest)
  const { model, measured } = await loadLocally(deps, variant)
  let local: LoadedModel | undefined = model
  const isSlow = Math.max(measured.oneMs, measured.manyMs) > runBudgetMs
  let remote = isSlow ? await loadElsewhere(deps, variant, path) : undefined
  if (remote && measured.oneMs > runBudgetMs) {
    await local.release()
    local = undefined
  }
  const queues = [false, true].map(() => createVersionQueue(version, { signature, local, remote })) as [
    VersionQueue,
    VersionQueue,
  ]
  for (const queue of queues) Object.assign(queue.cost, measured.cost)
  let isReleased = false
  const addRemote = (found: RemoteModel): void => {
    remote = found
    for (const queue of queues) queue.remote = found
    if (isReleased) void found.release()
  }
  if (!remote) addRemoteWhenSlow(deps, { version, path, signature }, { queues, add: addRemote })
  return {
    version,
    digest,
    queue: queues[0],
    shadowQueue: queues[1],
    get isReleased() {
      return isReleased
    },
    async release() {
      isReleased = true
      await local?.release()
      await remote?.release()
    },
  }
}

/** Undefined: the compute process could not take it, and it stalls this one rather than not to serve at all. */
async function loadElsewhere(deps: LoadDeps, variant: Variant, path: string): Promise<RemoteModel | undefined> {
  const { version, signature } = variant
  try {
    const remote = await deps.compute.load({ version, path, signature })
    await measure(deps, variant, { runner: remote })
    return remote
  } catch (error) {
    deps.log.warn('a slow version could not be moved out', { version, error: messageOf(error) })
    return undefined
  }
}

/** Live rows may cost more than made-up ones. */
function addRemoteWhenSlow(
  { compute, log }: LoadDeps,
  source: RemoteVersion,
  { queues, add }: { queues: readonly VersionQueue[]; add: (remote: RemoteModel) => void },
): void {
  const moveOut = (): void => {
    for (const queue of queues) queue.moveOut = undefined
    compute.load(source).then(add, (error: unknown) => {
      log.warn('a slow version could not be moved out', { version: source.version, error: messageOf(error) })
    })
  }
  for (const queue of queues) queue.moveOut = moveOut
}
