// Recording a run: its beginning, what it measures on the way, and its end.
import type { Transaction } from '../platform/database.ts'
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { recordLineage, type LineageEdge, type LineageTables } from '../governance/lineage.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { runTree } from './artifact.ts'
import { nameFile } from './artifacts.ts'
import { ensureExperiment } from './experiments.ts'
import type { MetricPoint } from './metric.ts'
import {
  batchMax,
  paramChanged,
  runDeleted,
  runEnded,
  runNotFound,
  type Artifact,
  type EndState,
  type Run,
  type RunInput,
} from './run.ts'
import { insertInputs } from './stores/artifact-store.ts'
import { addPoints } from './stores/metric-store.ts'
import { insertParams, putTags, readParams } from './stores/param-store.ts'
import { insertRun, putEnvironment, readRunHeaders, updateRun, type RunHeader } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

/** What recording writes: its own tables, and audit, events and lineage. */
export type RecordingTables = ExperimentTables & AuditTables & EventTables & LineageTables
type Trx = Transaction<RecordingTables>

export interface NewRun {
  /** Made when there is none of that name. */
  readonly experiment: string
  /** Made by `actor.ids('run')` by default; given by a caller that must be able to call again. */
  readonly id?: string | undefined
  /** The id by default. */
  readonly name?: string | undefined
  /** Now by default. */
  readonly startedAtMs?: number | undefined
  readonly params?: Run['params'] | undefined
  readonly tags?: Run['tags'] | undefined
  readonly seeds?: Run['seeds'] | undefined
  readonly code?: Run['code'] | undefined
  readonly environment?: Run['environment'] | undefined
  readonly inputs?: readonly RunInput[] | undefined
  readonly pipelineRunId?: string | undefined
}

/** Answers the id. @throws DomainError experiment_deleted, run_exists */
export async function createRun(trx: Trx, actor: Actor, run: NewRun): Promise<string> {
  const experiment = await ensureExperiment(trx, actor, run.experiment)
  const id = run.id ?? actor.ids('run')
  if ((await readRunHeaders(trx, [id])).length > 0) {
    throw new DomainError('conflict', 'run_exists', `there is a run "${id}" already: leave the id out to get a new one`)
  }
  const atMs = actor.clock()
  await insertRun(trx, {
    id,
    experimentId: experiment.id,
    name: run.name ?? id,
    state: 'running',
    startedAtMs: run.startedAtMs ?? atMs,
    endedAtMs: null,
    deletedAtMs: null,
    createdBy: actor.name,
    pipelineRunId: run.pipelineRunId ?? null,
    seeds: run.seeds ?? {},
    code: run.code ?? null,
    environmentDigest: run.environment ? await putEnvironment(trx, run.environment) : null,
  })
  await insertParams(trx, id, run.params ?? {})
  await putTags(trx, id, run.tags ?? {})
  await putInputs(trx, { id, inputs: run.inputs ?? [], atMs })
  if (run.pipelineRunId) {
    const edge = {
      upstream: `pipeline_run:${run.pipelineRunId}`,
      downstream: `run:${id}`,
      relation: 'produced',
    } as const
    await recordLineage(trx, [{ ...edge, atMs }])
  }
  await recordAudit(trx, actor, { action: 'run.create', subject: `run:${id}`, detail: { experiment: experiment.name } })
  return id
}

async function putInputs(
  trx: Trx,
  { id, inputs, atMs }: { id: string; inputs: readonly RunInput[]; atMs: number },
): Promise<void> {
  await insertInputs(trx, id, inputs)
  const edges = inputs.map(({ datasetVersion, role }): LineageEdge => ({
    upstream: `dataset_version:${datasetVersion}`,
    downstream: `run:${id}`,
    relation: relationOf[role] ?? 'read',
    atMs,
  }))
  await recordLineage(trx, edges)
}

const relationOf: Readonly<Record<string, string | undefined>> = Object.assign(Object.create(null), {
  training: 'trained_on',
  evaluation: 'evaluated_on',
})

/** A run that takes writes; one that has ended does, as MLflow's clients expect. @throws DomainError run_not_found, run_deleted */
async function writableRun(trx: Transaction<ExperimentTables>, id: string): Promise<RunHeader> {
  const [run] = await readRunHeaders(trx, [id])
  if (!run) throw runNotFound(id)
  if (run.deletedAtMs !== null) throw runDeleted(id)
  return run
}

export interface Batch {
  readonly metrics?: readonly MetricPoint[] | undefined
  readonly params?: Run['params'] | undefined
  readonly tags?: Run['tags'] | undefined
}

/**
 * All or nothing, and idempotent: the same points, params and tags change nothing when they come again. Telemetry: not audited.
 * @throws DomainError run_not_found, run_deleted, param_changed, batch_too_large
 */
export async function logBatch(
  trx: Transaction<ExperimentTables>,
  runId: string,
  { metrics = [], params = {}, tags = {} }: Batch,
): Promise<void> {
  assertBatchFits({ metrics: metrics.length, params: Object.keys(params).length, tags: Object.keys(tags).length })
  await writableRun(trx, runId)
  const stored = await readParams(trx, runId, Object.keys(params))
  for (const [key, to] of Object.entries(params)) {
    const from = stored.get(key)
    if (from !== undefined && from !== to) throw paramChanged(runId, { key, from, to })
  }
  const fresh = Object.entries(params).filter(([key]) => !stored.has(key))
  await insertParams(trx, runId, Object.fromEntries(fresh))
  await putTags(trx, runId, tags)
  await addPoints(trx, runId, metrics)
}

function assertBatchFits(counts: Record<keyof typeof batchMax, number>): void {
  for (const [what, max] of Object.entries(batchMax)) {
    const count = counts[what as keyof typeof batchMax]
    if (count <= max) continue
    const message = `${count} ${what} in one batch: send at most ${max} and the rest in further batches`
    throw new DomainError('too_large', 'batch_too_large', message, { what, count, max })
  }
}

/** Adds dataset versions that the run reads, and their edges of the lineage graph. Idempotent. @throws DomainError run_not_found, run_deleted */
export async function logInputs(
  trx: Trx,
  actor: Actor,
  { runId, inputs }: { runId: string; inputs: readonly RunInput[] },
): Promise<void> {
  await writableRun(trx, runId)
  await putInputs(trx, { id: runId, inputs, atMs: actor.clock() })
}

/**
 * Names a stored blob. A name that is taken names the new blob from now on.
 * @throws DomainError run_not_found, run_deleted, artifact_path_invalid, artifact_path_taken
 */
export async function logArtifact(
  trx: Transaction<ExperimentTables>,
  actor: Actor,
  { runId, name, blob, mediaType }: Artifact & { runId: string },
): Promise<void> {
  const run = await writableRun(trx, runId)
  await nameFile(trx, { path: `${runTree(run)}/${name}`, ...blob, mediaType, atMs: actor.clock() })
}

/**
 * Ends a run and announces `run.finished` {id, experiment, name, state}. Idempotent for the same state.
 * @throws DomainError run_not_found, run_deleted, run_ended
 */
export async function finishRun(
  trx: Transaction<ExperimentTables & EventTables>,
  actor: Actor,
  { runId, state, endedAtMs }: { runId: string; state: EndState; endedAtMs?: number | undefined },
): Promise<void> {
  const run = await writableRun(trx, runId)
  if (run.state === state) return
  if (run.state !== 'running') throw runEnded(runId, run.state)
  const atMs = actor.clock()
  await updateRun(trx, runId, { state, endedAtMs: endedAtMs ?? atMs })
  const payload = { id: runId, experiment: run.experiment, name: run.name, state }
  await appendEvent(trx, { type: 'run.finished', subject: `run:${runId}`, payload, atMs })
}

/** Sets an ended run to running again. @throws DomainError run_not_found, run_deleted */
export async function resumeRun(trx: Transaction<ExperimentTables>, runId: string): Promise<void> {
  await writableRun(trx, runId)
  await updateRun(trx, runId, { state: 'running', endedAtMs: null })
}

/** Deletes (searches leave it out, writes are refused) or restores. Idempotent. @throws DomainError run_not_found */
export async function setRunDeleted(
  trx: Transaction<ExperimentTables & AuditTables>,
  actor: Actor,
  { runId, isDeleted }: { runId: string; isDeleted: boolean },
): Promise<void> {
  const [run] = await readRunHeaders(trx, [runId])
  if (!run) throw runNotFound(runId)
  if (isDeleted === (run.deletedAtMs !== null)) return
  await updateRun(trx, runId, { deletedAtMs: isDeleted ? actor.clock() : null })
  const action = isDeleted ? 'run.delete' : 'run.restore'
  await recordAudit(trx, actor, { action, subject: `run:${runId}`, detail: { experiment: run.experiment } })
}
