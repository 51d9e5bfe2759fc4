// Logging metrics, params and tags: batches of many clients in one transaction, each of them whole or refused alone.
import type { Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { loggedModelNotFound } from './logged-model.ts'
import type { LoggedPoint } from './metric.ts'
import { setRunTags } from './run-tags.ts'
import { batchMax, paramsChanged, runDeleted, runNotFound, type ParamChange, type Run } from './run.ts'
import { findLoggedModel, type LoggedModelTables } from './stores/logged-model-store.ts'
import { addPoints } from './stores/metric-store.ts'
import { addModelPoints } from './stores/model-point-store.ts'
import { insertParams, readParams } from './stores/param-store.ts'
import { readDeletions } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

export type LogTables = ExperimentTables & LoggedModelTables
type Trx = Transaction<LogTables>

export interface Batch {
  readonly metrics?: readonly LoggedPoint[] | undefined
  readonly params?: Run['params'] | undefined
  readonly tags?: Run['tags'] | undefined
}
export interface RunBatch extends Batch {
  readonly runId: string
}

type Accepted = { readonly [Part in keyof Batch]-?: NonNullable<Batch[Part]> }

/** {@link logBatches} of one. @throws DomainError run_not_found, run_deleted, param_changed, batch_too_large, logged_model_not_found */
export async function logBatch(trx: Trx, runId: string, batch: Batch): Promise<void> {
  const [refusal] = await logBatches(trx, [{ runId, ...batch }])
  if (refusal) throw refusal
}

/**
 * Answers why each batch was refused: run_not_found, run_deleted, param_changed, batch_too_large or logged_model_not_found; undefined for one
 * that is stored. All of a batch or nothing, as if they came one after the other. Idempotent: the same points, params and tags change nothing
 * when they come again. Telemetry: not audited.
 */
export async function logBatches(trx: Trx, batches: readonly RunBatch[]): Promise<(DomainError | undefined)[]> {
  const known = await readKnown(trx, batches)
  const accepted = new Map<string, Accepted>()
  const refusals = batches.map((batch) => {
    const refusal = refusalOf(batch, known)
    if (!refusal) accept(batch, { known, accepted })
    return refusal
  })
  // In one order for all writers: no two wait for each other.
  const runs = [...accepted].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [runId, { params, tags }] of runs) {
    await insertParams(trx, runId, params)
    await setRunTags(trx, runId, tags)
  }
  const points = runs.map(([runId, { metrics }]) => ({ runId, points: metrics }))
  await addPoints(trx, points)
  await addModelPoints(trx, points)
  return refusals
}

/** What batches are held against. */
interface Known {
  /** When each was deleted. */
  readonly runs: ReadonlyMap<string, number | null>
  /** By run id; batches that were accepted add theirs. */
  readonly params: ReadonlyMap<string, Map<string, string>>
  /** Those that exist. */
  readonly models: ReadonlySet<string>
}

async function readKnown(trx: Trx, batches: readonly RunBatch[]): Promise<Known> {
  const runs = await readDeletions(trx, [...new Set(batches.map(({ runId }) => runId))])
  const params = new Map<string, Map<string, string>>()
  for (const runId of runs.keys()) {
    const keys = batches.filter((batch) => batch.runId === runId).flatMap((batch) => Object.keys(batch.params ?? {}))
    params.set(runId, await readParams(trx, runId, keys))
  }
  const models = new Set<string>()
  for (const id of new Set(batches.flatMap(({ metrics = [] }) => metrics.flatMap(({ model }) => model?.id ?? [])))) {
    if (await findLoggedModel(trx, id)) models.add(id)
  }
  return { runs, params, models }
}

function refusalOf(batch: RunBatch, known: Known): DomainError | undefined {
  const { runId, metrics = [], params = {}, tags = {} } = batch
  const tooLarge = excessOf({
    metrics: metrics.length,
    params: Object.keys(params).length,
    tags: Object.keys(tags).length,
  })
  if (tooLarge) return tooLarge
  const deletedAtMs = known.runs.get(runId)
  if (deletedAtMs === undefined) return runNotFound(runId)
  if (deletedAtMs !== null) return runDeleted(runId)
  const stored = known.params.get(runId)
  const changes = Object.entries(params).flatMap(([key, to]): ParamChange[] => {
    const from = stored?.get(key)
    return from === undefined || from === to ? [] : [{ key, from, to }]
  })
  if (changes.length > 0) return paramsChanged(runId, changes)
  const unknown = metrics.find(({ model }) => model && !known.models.has(model.id))
  return unknown?.model && loggedModelNotFound(unknown.model.id)
}

function excessOf(counts: Record<keyof typeof batchMax, number>): DomainError | undefined {
  for (const [what, max] of Object.entries(batchMax)) {
    const count = counts[what as keyof typeof batchMax]
    if (count <= max) continue
    const message = `${count} ${what} in one batch: send at most ${max} and the rest in further batches`
    return new DomainError('too_large', 'batch_too_large', message, { what, count, max })
  }
  return undefined
}

function accept(
  { runId, metrics = [], params = {}, tags = {} }: RunBatch,
  { known, accepted }: { known: Known; accepted: Map<string, Accepted> },
): void {
  const stored = known.params.get(runId)!
  const fresh = Object.entries(params).filter(([key]) => !stored.has(key))
  for (const [key, value] of fresh) stored.set(key, value)
  const before = accepted.get(runId)
  accepted.set(runId, {
    metrics: before ? [...before.metrics, ...metrics] : metrics,
    params: { ...before?.params, ...Object.fromEntries(fresh) },
    tags: { ...before?.tags, ...tags },
  })
}
