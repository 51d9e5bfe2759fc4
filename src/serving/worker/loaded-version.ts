// A model version in a worker's memory: loaded from its bytes by digest, warmed, and with its queues.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadModel, type LoadedModel } from '../../models/inference.ts'
import { appendColumns, createBatch, type ColumnInput } from '../../models/rows.ts'
import type { Baseline } from '../../models/baseline.ts'
import type { Signature } from '../../models/signature.ts'
import type { Log } from '../../platform/log.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Variant } from '../gateway-config.ts'
import { learnRun } from './run-cost.ts'
import { createVersionQueue, type VersionQueue } from './version-queue.ts'

export interface LoadedVersion {
  readonly version: string
  readonly digest: string
  readonly model: LoadedModel
  /** Requests that are answered. */
  readonly queue: VersionQueue
  /** The same model as a shadow: what is scored without an answer. */
  readonly shadowQueue: VersionQueue
  /** Milliseconds of loading and warming; the thread was busy for most of them. */
  readonly loadMs: number
}

const warmRuns: readonly number[] = [1, 1, 32, 1, 32, 32]

/** @throws DomainError as models/inference.ts `loadModel`; Error when the bytes are not on this disk */
export async function loadVersion(
  deps: { modelDirectory: string; nowMs: () => number; log: Log },
  { version, digest, signature, baseline }: Variant,
): Promise<LoadedVersion> {
  const bytes = await readFile(join(deps.modelDirectory, digest))
  const startMs = deps.nowMs()
  const model = await loadModel(bytes, { signature })
  const queue = createVersionQueue(version, model)
  const shadowQueue = createVersionQueue(version, model)
  try {
    await warm(deps.nowMs, queue, baseline)
  } catch (error) {
    // Made-up rows may be ones that a good model refuses; live rows will tell.
    deps.log.warn('a model failed on its warm-up rows', { version, error: messageOf(error) })
  }
  Object.assign(shadowQueue.cost, queue.cost)
  return { version, digest, model, queue, shadowQueue, loadMs: deps.nowMs() - startMs }
}

/** The first runs are the slow ones; the later ones teach what a run costs. */
async function warm(nowMs: () => number, queue: VersionQueue, baseline: Baseline): Promise<void> {
  for (const [at, rows] of warmRuns.entries()) {
    const batch = createBatch(queue.model.signature, rows)
    appendColumns(batch, plausibleColumns(queue.model.signature, baseline, rows))
    const startMs = nowMs()
    await queue.model.run(batch)
    if (at > 0) learnRun(queue.cost, rows, nowMs() - startMs)
  }
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
  if (type === 'datetime' || typeof value !== 'number') return null
  if (type === 'boolean') return value >= 0.5
  return type === 'float' || type === 'double' ? value : Math.round(value)
}
