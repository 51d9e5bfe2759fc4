// A model version loaded into this process: from what it was found to be when it was prepared, or from its bytes, and with what its runs cost.
import { join } from 'node:path'
import type { Baseline } from '../../models/baseline.ts'
import { createBatch } from '../../models/batch.ts'
import type { LoadedModel } from '../../models/inference.ts'
import type { MeasuredRun } from '../../models/preparation.ts'
import { appendColumns, type ColumnInput } from '../../models/rows.ts'
import type { Signature } from '../../models/signature.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import type { Variant } from '../gateway-config.ts'
import { createRunCost, learnRun, type RunCost } from './runs/run-cost.ts'
import type { ModelMemory } from './model-memory.ts'
import type { Runner } from './runs/version-queue.ts'
import { readStored } from './stored-model.ts'

export interface LocalVersion {
  readonly model: LoadedModel
  readonly measured: Measured
  /** Milliseconds of loading and warming; the thread was busy for most of them. */
  readonly loadMs: number
}

export interface LocalDeps {
  readonly modelDirectory: string
  readonly nowMs: () => number
  readonly log: Log
  /** Whether what was prepared is known to be whole; else it is looked at. */
  readonly isTrusting?: boolean
  /** See `StoredModel`. */
  readonly memory?: ModelMemory | undefined
}

/** @throws DomainError as models/inference.ts `loadModel`; Error when the bytes are not on this disk */
export async function loadLocally(deps: LocalDeps, variant: Variant): Promise<LocalVersion> {
  const { modelDirectory, isTrusting = false, memory, log, nowMs } = deps
  const { version, digest, signature } = variant
  const stored = { path: join(modelDirectory, digest), signature, isTrusted: isTrusting, memory }
  const { load, runs } = await readStored(stored, (reason) =>
    log.warn('what was prepared of a model is not used', { version, reason }),
  )
  // Reading and the engine's own start are not counted: nobody waits for the one, and the other is but once in a process.
  const startMs = nowMs()
  const model = await load()
  const measured = await measure(deps, variant, { runner: model, known: runs })
  return { model, measured, loadMs: nowMs() - startMs }
}

/** What a version costs, from runs on made-up rows: the least of a few, since a busy machine makes some of them slow. */
export interface Measured {
  readonly cost: RunCost
  readonly oneMs: number
  readonly manyMs: number
  readonly runs: readonly MeasuredRun[]
}

/** Rows of the larger runs; fewer where they would take long. */
const manyRows = 32
const warmBudgetMs = 200

/**
 * The first runs are the slow ones; the later ones teach what a run costs.
 * @param known of runs elsewhere on this machine: then one is made here, and nothing is learned from it
 */
export async function measure(
  { nowMs, log }: Pick<LocalDeps, 'nowMs' | 'log'>,
  { version, signature, baseline }: Variant,
  { runner, known = [] }: { runner: Runner; known?: readonly MeasuredRun[] },
): Promise<Measured> {
  const runs = [...known]
  const run = async (rows: number): Promise<MeasuredRun> => {
    const batch = createBatch(signature, rows)
    appendColumns(batch, plausibleColumns(signature, baseline, rows))
    const startMs = nowMs()
    await runner.run(batch)
    return { rows, ms: runner.lastRunMs ?? nowMs() - startMs }
  }
  try {
    await run(1)
    if (known.length === 0) {
      runs.push(await run(1), await run(1))
      const rows = Math.min(manyRows, Math.max(2, Math.floor(warmBudgetMs / leastMs(runs))))
      await run(rows)
      runs.push(await run(rows), await run(rows))
    }
  } catch (error) {
    // Made-up rows may be ones that a good model refuses; live rows will tell.
    log.warn('a model failed on its warm-up rows', { version, error: messageOf(error) })
  }
  const cost = createRunCost()
  for (const { rows, ms } of runs) learnRun(cost, rows, ms)
  const [one, many] = [runs.filter(({ rows }) => rows === 1), runs.filter(({ rows }) => rows > 1)]
  return { cost, oneMs: leastMs(one), manyMs: leastMs(many), runs }
}

/** 0: of none. */
const leastMs = (runs: readonly MeasuredRun[]): number =>
  runs.length === 0 ? 0 : Math.min(...runs.map(({ ms }) => ms))

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
