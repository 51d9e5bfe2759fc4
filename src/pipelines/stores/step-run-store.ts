// The only file that reads or writes the table step_run.
import type { Selectable } from 'kysely'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { StepRun, StepRunState } from '../pipeline-run.ts'

export interface StepRunTables {
  step_run: {
    id: string
    pipeline_run_id: string
    name: string
    kind: string
    position: number
    state: StepRunState
    fingerprint: string | null
    output: string | null
    cached_from: string | null
    error_code: string | null
    error_message: string | null
    progress: number | null
    progress_text: string | null
    started_at_ms: number | null
    finished_at_ms: number | null
  }
}

export type StoredStep = StepRun & { readonly pipelineRunId: string }

const insertBatch = 100

export async function insertStepRuns(
  trx: Transaction<StepRunTables>,
  pipelineRunId: string,
  steps: readonly { id: string; name: string; kind: string }[],
): Promise<void> {
  const rows = steps.map((step, position) => ({
    ...step,
    pipeline_run_id: pipelineRunId,
    position,
    state: 'waiting' as const,
    fingerprint: null,
    output: null,
    cached_from: null,
    error_code: null,
    error_message: null,
    progress: null,
    progress_text: null,
    started_at_ms: null,
    finished_at_ms: null,
  }))
  for (let i = 0; i < rows.length; i += insertBatch) {
    await on(trx)
      .insertInto('step_run')
      .values(rows.slice(i, i + insertBatch))
      .execute()
  }
}

export async function findStepRun(db: Db<StepRunTables>, id: string): Promise<StoredStep | undefined> {
  const row = await on(db).selectFrom('step_run').selectAll().where('id', '=', id).executeTakeFirst()
  return row && stepOf(row)
}

/** In the order of the pipeline. */
export async function listStepRuns(db: Db<StepRunTables>, pipelineRunId: string): Promise<StoredStep[]> {
  const rows = await on(db)
    .selectFrom('step_run')
    .selectAll()
    .where('pipeline_run_id', '=', pipelineRunId)
    .orderBy('position')
    .execute()
  return rows.map(stepOf)
}

/** States alone, without the outputs. */
export async function listStepStates(
  db: Db<StepRunTables>,
  pipelineRunId: string,
): Promise<{ id: string; name: string; state: StepRunState }[]> {
  return on(db)
    .selectFrom('step_run')
    .select(['id', 'name', 'state'])
    .where('pipeline_run_id', '=', pipelineRunId)
    .orderBy('position')
    .execute()
}

export interface StepRunChange {
  readonly state?: StepRunState
  readonly fingerprint?: string | null
  readonly output?: unknown
  readonly cachedFrom?: string | null
  readonly error?: { readonly code: string; readonly message: string } | null
  readonly progress?: number | null
  readonly progressText?: string | null
  readonly startedAtMs?: number | null
  readonly finishedAtMs?: number | null
}

const errorCharsMax = 8_000

export async function updateStepRun(trx: Transaction<StepRunTables>, id: string, change: StepRunChange): Promise<void> {
  const { error, output } = change
  const row = {
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(change.fingerprint === undefined ? {} : { fingerprint: change.fingerprint }),
    ...(output === undefined ? {} : { output: JSON.stringify(output) }),
    ...(change.cachedFrom === undefined ? {} : { cached_from: change.cachedFrom }),
    ...(error === undefined
      ? {}
      : { error_code: error?.code ?? null, error_message: error?.message.slice(0, errorCharsMax) ?? null }),
    ...(change.progress === undefined ? {} : { progress: change.progress }),
    ...(change.progressText === undefined ? {} : { progress_text: change.progressText }),
    ...(change.startedAtMs === undefined ? {} : { started_at_ms: change.startedAtMs }),
    ...(change.finishedAtMs === undefined ? {} : { finished_at_ms: change.finishedAtMs }),
  }
  await on(trx).updateTable('step_run').set(row).where('id', '=', id).execute()
}

function stepOf(row: Selectable<StepRunTables['step_run']>): StoredStep {
  return {
    id: row.id,
    pipelineRunId: row.pipeline_run_id,
    name: row.name,
    kind: row.kind,
    state: row.state,
    fingerprint: row.fingerprint,
    output: row.output === null ? null : (JSON.parse(row.output) as unknown),
    cachedFrom: row.cached_from,
    errorCode: row.error_code,
    errorMessage: row.error_message,
    progress: row.progress,
    progressText: row.progress_text,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
  }
}
