// Recording a run: its beginning, what it measures on the way, and its end.
import type { Transaction } from '../platform/database.ts'
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { recordLineage, type LineageTables } from '../governance/lineage.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { runTree } from './artifact-uris.ts'
import { nameFile } from '../artifacts/artifacts.ts'
import type { AlsoDeleted } from './deletion.ts'
import { withinUri } from './experiment.ts'
import { ensureExperiment, getActiveExperiment } from './experiments.ts'
import { putInputs } from './run-links.ts'
import { renameRun } from './run-tags.ts'
import {
  EndState,
  runEnded,
  runExists,
  type Artifact,
  type Run,
  type RunInput,
  type RunState,
  type RunSummary,
  type TimeMs,
} from './run.ts'
import { insertParams, putTags } from './stores/param-store.ts'
import { insertRun, putEnvironment, setRunDeletedAt, updateRun, type RunHeader } from './stores/run-store.ts'
import type { LoggedModelTables } from './stores/logged-model-store.ts'
import type { ExperimentTables } from './tables.ts'
import { findRun, writableRun } from './writable-run.ts'

/** What recording writes: its own tables, and audit, events and lineage. */
export type RecordingTables = ExperimentTables & LoggedModelTables & AuditTables & EventTables & LineageTables
type Trx = Transaction<RecordingTables>

export interface NewRun {
  /** By name, made when there is none; by number, one that is there. */
  readonly experiment: string | number
  /** Made by `actor.ids('run')` by default; given by a caller that must be able to call again, or whose ids look otherwise. */
  readonly id?: string | undefined
  /** The id by default. */
  readonly name?: string | undefined
  /** As the client calls its user; the actor's name by default. */
  readonly userId?: string | undefined
  /** Now by default. */
  readonly startedAtMs?: TimeMs | undefined
  readonly params?: Run['params'] | undefined
  readonly tags?: Run['tags'] | undefined
  readonly seeds?: Run['seeds'] | undefined
  readonly code?: Run['code'] | undefined
  readonly environment?: Run['environment'] | undefined
  readonly inputs?: readonly RunInput[] | undefined
  readonly pipelineRunId?: string | undefined
}

/** Answers the id. @throws DomainError experiment_not_found, experiment_deleted, run_exists */
export const createRun = async (trx: Trx, actor: Actor, run: NewRun): Promise<string> =>
  (await startRun(trx, actor, run)).id

/** Answers what a list shows of the new run. @throws DomainError experiment_not_found, experiment_deleted, run_exists */
export async function startRun(trx: Trx, actor: Actor, run: NewRun): Promise<RunSummary> {
  const experiment =
    typeof run.experiment === 'number'
      ? await getActiveExperiment(trx, run.experiment)
      : await ensureExperiment(trx, actor, run.experiment)
  const id = run.id ?? actor.ids('run')
  const atMs = actor.clock()
  const summary = {
    id,
    experimentId: experiment.id,
    experiment: experiment.name,
    name: run.name ?? id,
    state: 'running',
    startedAtMs: run.startedAtMs ?? atMs,
    endedAtMs: null,
    deletedAtMs: null,
    createdBy: actor.name,
    userId: run.userId ?? actor.name,
    artifactUri: withinUri(experiment.artifactLocation, id, 'artifacts'),
    pipelineRunId: run.pipelineRunId ?? null,
  } as const
  const isNew = await insertRun(trx, {
    ...summary,
    isDeletedWithExperiment: false,
    seeds: run.seeds ?? {},
    code: run.code ?? null,
    environmentDigest: run.environment ? await putEnvironment(trx, run.environment) : null,
  })
  if (!isNew) throw runExists(id)
  const { params = {}, tags = {}, inputs = [] } = run
  await insertParams(trx, id, params)
  await putTags(trx, id, tags)
  await putInputs(trx, summary, { inputs, atMs })
  await recordOrigin(trx, { id, pipelineRunId: run.pipelineRunId, atMs })
  await recordAudit(trx, actor, { action: 'run.create', subject: `run:${id}`, detail: { experiment: experiment.name } })
  return { ...summary, params, tags, metrics: {} }
}

async function recordOrigin(
  trx: Trx,
  { id, pipelineRunId, atMs }: { id: string; pipelineRunId: string | undefined; atMs: number },
): Promise<void> {
  if (!pipelineRunId) return
  const edge = { upstream: `pipeline_run:${pipelineRunId}`, downstream: `run:${id}`, relation: 'produced' } as const
  await recordLineage(trx, [{ ...edge, atMs }])
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
  if (isEnded(run.state)) throw runEnded(runId, run.state)
  await changeRun(trx, actor, { run, state, endedAtMs: endedAtMs ?? actor.clock() })
}

const isEnded = (state: RunState): state is EndState => EndState.safeParse(state).success

/**
 * Sets what is given, whatever it was, as MLflow's clients do; `run` is one that takes writes (writable-run.ts). A run that ends is announced
 * as `run.finished`. Answers the run as it is then.
 */
export async function changeRun<T extends RunHeader>(
  trx: Transaction<ExperimentTables & EventTables>,
  actor: Actor,
  change: { readonly run: T; readonly state?: RunState; readonly endedAtMs?: TimeMs; readonly name?: string },
): Promise<T> {
  const { run, state, endedAtMs, name } = change
  await updateRun(trx, run.id, { state, endedAtMs })
  if (name !== undefined) await renameRun(trx, run.id, name)
  const after = {
    ...run,
    state: state ?? run.state,
    endedAtMs: endedAtMs ?? run.endedAtMs,
    name: name ?? run.name,
  }
  if (state !== undefined && state !== run.state && isEnded(state)) {
    const payload = { id: run.id, experiment: run.experiment, name: after.name, state }
    await appendEvent(trx, { type: 'run.finished', subject: `run:${run.id}`, payload, atMs: actor.clock() })
  }
  return after
}

/** Sets an ended run to running again. @throws DomainError run_not_found, run_deleted */
export async function resumeRun(trx: Transaction<ExperimentTables>, runId: string): Promise<void> {
  await writableRun(trx, runId)
  await updateRun(trx, runId, { state: 'running', endedAtMs: null })
}

/**
 * Deletes (searches leave it out, writes are refused) or restores. Idempotent; `alsoDeleted` is told of each deletion.
 * @throws DomainError run_not_found
 */
export async function setRunDeleted(
  trx: Transaction<ExperimentTables & AuditTables>,
  actor: Actor,
  { runId, isDeleted, alsoDeleted }: { runId: string; isDeleted: boolean; alsoDeleted?: AlsoDeleted | undefined },
): Promise<void> {
  const run = await findRun(trx, runId)
  if (isDeleted) await alsoDeleted?.(trx, [runId])
  const isAlready = isDeleted === (run.deletedAtMs !== null)
  // One that went with its experiment is deleted for itself from now on: the experiment's return does not bring it back.
  if (isAlready && !run.isDeletedWithExperiment) return
  await setRunDeletedAt(trx, runId, isDeleted ? (run.deletedAtMs ?? actor.clock()) : null)
  if (isAlready) return
  const action = isDeleted ? 'run.delete' : 'run.restore'
  await recordAudit(trx, actor, { action, subject: `run:${runId}`, detail: { experiment: run.experiment } })
}
