// The only file that reads or writes the table step_attempt.
import type { Selectable } from 'kysely'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { StepAttempt, StepAttemptState } from '../pipeline-run.ts'

export interface StepAttemptTables {
  step_attempt: {
    id: string
    step_run_id: string
    number: number
    /** Of the job's claim under which its result may be committed. */
    fence: number
    state: StepAttemptState
    /** How many bytes of its events are recorded. */
    events_offset: number
    error_code: string | null
    error_message: string | null
    started_at_ms: number
    finished_at_ms: number | null
  }
}

export type StoredAttempt = StepAttempt & {
  readonly stepRunId: string
  readonly fence: number
  readonly eventsOffset: number
}

const errorCharsMax = 8_000

/** Numbers it after those before. */
export async function insertStepAttempt(
  trx: Transaction<StepAttemptTables>,
  attempt: { id: string; stepRunId: string; fence: number; startedAtMs: number },
): Promise<StoredAttempt> {
  const last = await on(trx)
    .selectFrom('step_attempt')
    .select('number')
    .where('step_run_id', '=', attempt.stepRunId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const row = {
    id: attempt.id,
    step_run_id: attempt.stepRunId,
    number: (last?.number ?? 0) + 1,
    fence: attempt.fence,
    state: 'running' as const,
    events_offset: 0,
    error_code: null,
    error_message: null,
    started_at_ms: attempt.startedAtMs,
    finished_at_ms: null,
  }
  await on(trx).insertInto('step_attempt').values(row).execute()
  return attemptOf(row)
}

/** Attempts of these steps, by step and in order. */
export async function listAttemptsOf(
  db: Db<StepAttemptTables>,
  stepRunIds: readonly string[],
): Promise<ReadonlyMap<string, readonly StoredAttempt[]>> {
  const rows = await on(db)
    .selectFrom('step_attempt')
    .selectAll()
    .where('step_run_id', 'in', [...stepRunIds])
    .orderBy('number')
    .execute()
  return Map.groupBy(rows.map(attemptOf), (attempt) => attempt.stepRunId)
}

/** Attempts of one step in order. */
export async function listStepAttempts(db: Db<StepAttemptTables>, stepRunId: string): Promise<StoredAttempt[]> {
  const rows = await on(db)
    .selectFrom('step_attempt')
    .selectAll()
    .where('step_run_id', '=', stepRunId)
    .orderBy('number')
    .execute()
  return rows.map(attemptOf)
}

export async function setAttemptFence(
  trx: Transaction<StepAttemptTables>,
  { id, fence }: { id: string; fence: number },
): Promise<void> {
  await on(trx).updateTable('step_attempt').set({ fence }).where('id', '=', id).execute()
}

export async function findEventsOffset(db: Db<StepAttemptTables>, id: string): Promise<number> {
  const row = await on(db).selectFrom('step_attempt').select('events_offset').where('id', '=', id).executeTakeFirst()
  return row?.events_offset ?? 0
}

export async function setEventsOffset(
  trx: Transaction<StepAttemptTables>,
  { id, eventsOffset }: { id: string; eventsOffset: number },
): Promise<void> {
  await on(trx).updateTable('step_attempt').set({ events_offset: eventsOffset }).where('id', '=', id).execute()
}

export interface AttemptEnd {
  readonly id: string
  readonly state: StepAttemptState
  readonly error?: { readonly code: string; readonly message: string } | undefined
  readonly nowMs: number
}

export async function endStepAttempt(trx: Transaction<StepAttemptTables>, end: AttemptEnd): Promise<void> {
  await on(trx)
    .updateTable('step_attempt')
    .set({
      state: end.state,
      error_code: end.error?.code ?? null,
      error_message: end.error?.message.slice(0, errorCharsMax) ?? null,
      finished_at_ms: end.nowMs,
    })
    .where('id', '=', end.id)
    .where('state', '=', 'running')
    .execute()
}

function attemptOf(row: Selectable<StepAttemptTables['step_attempt']>): StoredAttempt {
  return {
    id: row.id,
    stepRunId: row.step_run_id,
    number: row.number,
    fence: row.fence,
    state: row.state,
    eventsOffset: row.events_offset,
    errorCode: row.error_code,
    errorMessage: row.error_message,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
  }
}
