// A model version in a worker's memory: loaded from its bytes by digest, warmed, and with its queues.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBatch } from '../../models/batch.ts'
import { loadModel, openEngine, type LoadedModel } from '../../models/inference.ts'
import { appendColumns, type ColumnInput } from '../../models/rows.ts'
import type { Baseline } from '../../models/baseline.ts'
import type { Signature } from '../../models/signature.ts'
import type { Log } from '../../platform/log.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Variant } from '../gateway-config.ts'
import { runBudgetMs } from '../contract/gateway-limits.ts'
import type { Compute, RemoteModel, RemoteVersion } from './compute/compute.ts'
import { createRunCost, learnRun, type RunCost } from './runs/run-cost.ts'
import { createVersionQueue, type Runner, type VersionQueue } from './runs/version-queue.ts'

export interface LoadedVersion {
  readonly version: string
  readonly digest: string
  /** Requests that are answered. */
  readonly queue: VersionQueue
  /** The same model as a shadow: what is scored without an answer. */
  readonly shadowQueue: VersionQueue
  /** Milliseconds of loading and warming; the thread was busy for most of them. */
  readonly loadMs: number
  /** When nothing waits in its queues any more. */
  release(): Promise<void>
}

export interface LoadDeps {
  readonly modelDirectory: string
  readonly nowMs: () => number
  readonly log: Log
  readonly compute: Compute
}

/** What a version costs, from runs on made-up rows: the least of a few, since a busy machine makes some of them slow. */
interface Measured {
  readonly cost: RunCost
  oneMs: number
  manyMs: number
}

/** Rows of the larger runs; fewer where they would take long. */
const manyRows = 32
const warmBudgetMs = 200

/**
 * A version whose single row takes longer than the budget of a run is held by the compute process alone; one whose batches do, by both: small
 * batches are answered here, large ones there.
 * @throws DomainError as models/inference.ts `loadModel`; Error when the bytes are not on this disk
 */
export async function loadVersion(deps: LoadDeps, variant: Variant): Promise<LoadedVersion> {
  const { version, digest, signature } = variant
  const path = join(deps.modelDirectory, digest)
  const bytes = await readFile(path)
  // The engine's own start, once in a process, is not the model's: what is told here decides whether the next worker must be a new one.
  await openEngine()
  const startMs = deps.nowMs()
  let local: LoadedModel | undefined = await loadModel(bytes, { signature })
  const measured = await measure(deps, variant, local)
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
    loadMs: deps.nowMs() - startMs,
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
    await measure(deps, variant, remote)
    return remote
  } catch (error) {
    deps.log.warn('a slow version could not be moved out', { version, error: messageOf(error) })
    return undefined
  }
}

/** The first runs are the slow ones; the later ones teach what a run costs. */
async function measure(
  { nowMs, log }: LoadDeps,
  { version, signature, baseline }: Variant,
  runner: Runner,
): Promise<Measured> {
  const measured = { cost: createRunCost(), oneMs: Infinity, manyMs: 0 }
  const run = async (rows: number): Promise<number> => {
    const batch = createBatch(signature, rows)
    appendColumns(batch, plausibleColumns(signature, baseline, rows))
    const startMs = nowMs()
    await runner.run(batch)
    return runner.lastRunMs ?? nowMs() - startMs
  }
  try {
    await run(1)
    const one = [await run(1), await run(1)]
    measured.oneMs = Math.min(...one)
    for (const ms of one) learnRun(measured.cost, 1, ms)
    const rows = Math.min(manyRows, Math.max(2, Math.floor(warmBudgetMs / measured.oneMs)))
    const many = [await run(rows), await run(rows), await run(rows)].slice(1)
    measured.manyMs = Math.min(...many)
    for (const ms of many) learnRun(measured.cost, rows, ms)
  } catch (error) {
    // Made-up rows may be ones that a good model refuses; live rows will tell.
    log.warn('a model failed on its warm-up rows', { version, error: messageOf(error) })
  }
  if (measured.oneMs === Infinity) measured.oneMs = 0
  return measured
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

/** Rows that look like the training data: middles of bins, known categories. */
function plausibleColumns(signature: Signature, baseline: Baseline, rows: number): Record<string, ColumnInput> {
  const columns = Object.create(null) as Record<string, ColumnInput>
  for (const { name, type } of signature.inputs) {
    const feature = baseline.features.find((found) => found.name === name && found.derive === 'value')
    const values: readonly unknown[] =
      feature?.bins.kind === 'category' ? feature.bins.categories : (feature?.bins.edges.slice(0, -1) ?? [])
    columns[name] = Array.from({ length: rows }, (_, row) => plausible(type, values[row % Math.max(1, values.length)]))
  }
  return columns
}

function plausible(type: Signature['inputs'][number]['type'], value: unknown): unknown {
  if (type === 'string') return typeof value === 'string' ? value : ''
  if (type === 'datetime') return null
  // Whole numbers of the graph's own cannot be missing.
  if (typeof value !== 'number') return type === 'float' || type === 'double' ? null : 0
  if (type === 'boolean') return value >= 0.5
  return type === 'float' || type === 'double' ? value : Math.round(value)
}
