// Durable jobs: work that is done at least once, under a lease that the worker must keep and a fence that a late worker cannot pass.
import { createHash } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import { databaseKind, on, transact, type Connection, type Db, type Migrations, type Transaction } from './database.ts'
import { DomainError } from './errors.ts'

export type JobState = 'ready' | 'running' | 'done' | 'failed' | 'canceled'

export interface JobTables {
  job: {
    id: string
    queue: string
    kind: string
    payload: string
    state: JobState
    run_after_ms: number
    /** Attempts that count: those that ended with a failure of their own. */
    attempt: number
    max_attempts: number
    /** Attempts whose worker vanished; counted apart. */
    lost: number
    lease_owner: string | null
    lease_until_ms: number | null
    /** Rises with every claim; what a worker commits must carry the current one. */
    fence: number
    last_error: string | null
    created_at_ms: number
    finished_at_ms: number | null
  }
}

export interface Job {
  readonly id: string
  readonly queue: string
  readonly kind: string
  readonly payload: unknown
  readonly state: JobState
  readonly runAfterMs: number
  readonly attempt: number
  readonly maxAttempts: number
  readonly lost: number
  readonly leaseOwner: string | null
  readonly leaseUntilMs: number | null
  readonly fence: number
  readonly lastError: string | null
}

export interface NewJob {
  /** Chosen by the caller, so that a repeated enqueue is seen; an existing id changes nothing. */
  readonly id: string
  readonly queue: string
  readonly kind: string
  /** JSON. */
  readonly payload: unknown
  readonly nowMs: number
  /** `nowMs` by default. */
  readonly runAfterMs?: number
  /** 3 by default. */
  readonly maxAttempts?: number
}

/** Names one claim of one job. */
export interface JobClaim {
  readonly id: string
  readonly fence: number
}

const maxAttemptsDefault = 3
/** A job that took so many workers down with it is given up. */
export const lostMax = 5
const backoffBaseMs = 1_000
const backoffCapMs = 5 * 60_000
const sweepMax = 100
const errorCharsMax = 4_000
const pruneBatch = 1_000

export const jobMigrations: Migrations = {
  '2026-11-21-05-job': {
    async up(db) {
      await db.schema
        .createTable('job')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('queue', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('payload', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('run_after_ms', 'bigint', (c) => c.notNull())
        .addColumn('attempt', 'integer', (c) => c.notNull())
        .addColumn('max_attempts', 'integer', (c) => c.notNull())
        .addColumn('lost', 'integer', (c) => c.notNull())
        .addColumn('lease_owner', 'text')
        .addColumn('lease_until_ms', 'bigint')
        .addColumn('fence', 'bigint', (c) => c.notNull())
        .addColumn('last_error', 'text')
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('finished_at_ms', 'bigint')
        .execute()
      // Partial, so that history costs the queue nothing.
      await sql`create index job_ready on job (queue, run_after_ms, id) where state = 'ready'`.execute(db)
      await sql`create index job_running on job (lease_until_ms) where state = 'running'`.execute(db)
    },
  },
}

export const leaseLost = ({ id, fence }: JobClaim): DomainError =>
  new DomainError(
    'conflict',
    'lease_lost',
    `job ${id} no longer belongs to its claim ${fence}: it was canceled or another worker has it; drop the result`,
  )

export const jobNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'job_not_found', `there is no job ${id}`)

/** Idempotent by id. Wants the transaction of what asks for the work. */
export async function enqueueJob(trx: Transaction<JobTables>, job: NewJob): Promise<void> {
  await on(trx)
    .insertInto('job')
    .values({
      id: job.id,
      queue: job.queue,
      kind: job.kind,
      payload: JSON.stringify(job.payload),
      state: 'ready',
      run_after_ms: job.runAfterMs ?? job.nowMs,
      attempt: 0,
      max_attempts: job.maxAttempts ?? maxAttemptsDefault,
      lost: 0,
      lease_owner: null,
      lease_until_ms: null,
      fence: 0,
      last_error: null,
      created_at_ms: job.nowMs,
      finished_at_ms: null,
    })
    .onConflict((c) => c.column('id').doNothing())
    .execute()
}

export async function findJob(db: Db<JobTables>, id: string): Promise<Job | undefined> {
  const row = await on(db).selectFrom('job').selectAll().where('id', '=', id).executeTakeFirst()
  return row && jobOf(row)
}

/** When the next ready job of the queue may run; undefined: none waits. */
export async function nextRunAfterMs(db: Db<JobTables>, queue: string): Promise<number | undefined> {
  const row = await on(db)
    .selectFrom('job')
    .select('run_after_ms')
    .where('queue', '=', queue)
    .where('state', '=', 'ready')
    .orderBy('run_after_ms')
    .limit(1)
    .executeTakeFirst()
  return row?.run_after_ms
}

export interface ClaimRequest {
  readonly queue: string
  readonly owner: string
  readonly leaseMs: number
  readonly limit: number
  readonly nowMs: number
}

/** Takes up to `limit` due jobs, oldest first. One statement, so atomic by itself: two claimers never get one job. */
export async function claimJobs(db: Db<JobTables>, request: ClaimRequest): Promise<Job[]> {
  const isPostgres = databaseKind(db) === 'postgres'
  const rows = await on(db)
    // Read once, and as it stands: as a subquery, PostgreSQL may ask for it row by row, and each time it skips what it has locked before.
    .with(
      (cte) => cte('due').materialized(),
      (e) => {
        const due = e
          .selectFrom('job')
          .select('id')
          .where('queue', '=', request.queue)
          .where('state', '=', 'ready')
          .where('run_after_ms', '<=', request.nowMs)
          .orderBy('run_after_ms')
          .orderBy('id')
          .limit(request.limit)
        return isPostgres ? due.forUpdate().skipLocked() : due
      },
    )
    .updateTable('job')
    .set((e) => ({
      state: 'running' as const,
      fence: e('fence', '+', 1),
      lease_owner: request.owner,
      lease_until_ms: request.nowMs + request.leaseMs,
    }))
    // Stated again outside: PostgreSQL checks it anew after it waited for a lock.
    .where('state', '=', 'ready')
    .where('id', 'in', (e) => e.selectFrom('due').select('due.id'))
    .returningAll()
    .execute()
  return rows.map(jobOf).toSorted((a, b) => a.runAfterMs - b.runAfterMs || (a.id < b.id ? -1 : 1))
}

/** @throws DomainError lease_lost: stop working, whatever comes of it may not be committed. */
export async function heartbeatJob(
  db: Db<JobTables>,
  beat: JobClaim & { readonly leaseMs: number; readonly nowMs: number },
): Promise<void> {
  await updateClaimed(db, beat, { lease_until_ms: beat.nowMs + beat.leaseMs })
}

/** Wants the transaction that stores the result. @throws DomainError lease_lost */
export async function completeJob(
  trx: Transaction<JobTables>,
  done: JobClaim & { readonly nowMs: number },
): Promise<void> {
  await updateClaimed(trx, done, { ...released, state: 'done', finished_at_ms: done.nowMs })
}

export interface JobFailure extends JobClaim {
  readonly nowMs: number
  readonly error: string
  /** False: it would fail the same way again. */
  readonly retryable: boolean
  /** The next attempt is not before then, however few there were. */
  readonly delayMs?: number | undefined
}

/**
 * Records a failed attempt; the job is ready again after a growing delay, or has failed for good when its attempts are used up.
 * @throws DomainError lease_lost, job_not_found
 */
export async function failJob(trx: Transaction<JobTables>, failure: JobFailure): Promise<JobState> {
  const job = await findJob(trx, failure.id)
  if (!job) throw jobNotFound(failure.id)
  const attempt = job.attempt + 1
  const final = !failure.retryable || attempt >= job.maxAttempts
  const state: JobState = final ? 'failed' : 'ready'
  await updateClaimed(trx, failure, {
    ...released,
    state,
    attempt,
    last_error: failure.error.slice(0, errorCharsMax),
    run_after_ms: failure.nowMs + (final ? 0 : Math.max(backoffMs(failure.id, attempt), failure.delayMs ?? 0)),
    finished_at_ms: final ? failure.nowMs : null,
  })
  return state
}

/**
 * Gives back a job whose worker vanished; at once, and without using up an attempt, unless too many vanished with it.
 * @throws DomainError lease_lost, job_not_found
 */
export async function loseJob(
  trx: Transaction<JobTables>,
  loss: JobClaim & { readonly nowMs: number },
): Promise<JobState> {
  const job = await findJob(trx, loss.id)
  if (!job) throw jobNotFound(loss.id)
  const isPoison = job.lost + 1 >= lostMax
  const state: JobState = isPoison ? 'failed' : 'ready'
  await updateClaimed(trx, loss, {
    ...released,
    state,
    lost: job.lost + 1,
    last_error: isPoison ? `${lostMax} workers vanished while they had it` : job.lastError,
    run_after_ms: loss.nowMs,
    finished_at_ms: isPoison ? loss.nowMs : null,
  })
  return state
}

/**
 * Takes over a running job with a new fence, so that its former worker cannot commit: for a restarted worker that finds its own work
 * still going on.
 * @throws DomainError lease_lost when it no longer runs under `fence`.
 */
export async function takeOverJob(
  trx: Transaction<JobTables>,
  claim: JobClaim & { readonly owner: string; readonly leaseMs: number; readonly nowMs: number },
): Promise<JobClaim> {
  const fence = claim.fence + 1
  await updateClaimed(trx, claim, { fence, lease_owner: claim.owner, lease_until_ms: claim.nowMs + claim.leaseMs })
  return { id: claim.id, fence }
}

/** Cancels a job that is not finished; a worker that has it can no longer commit. Answers whether there was anything to cancel. */
export async function cancelJob(trx: Transaction<JobTables>, job: { id: string; nowMs: number }): Promise<boolean> {
  const result = await on(trx)
    .updateTable('job')
    .set((e) => ({ ...released, state: 'canceled' as const, fence: e('fence', '+', 1), finished_at_ms: job.nowMs }))
    .where('id', '=', job.id)
    .where('state', 'in', ['ready', 'running'])
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

/** Running jobs whose lease has passed, oldest first; the caller finds out what became of their workers, then calls {@link loseJob}. */
export async function expiredJobs(
  db: Db<JobTables>,
  filter: { readonly queue: string; readonly nowMs: number },
): Promise<Job[]> {
  const rows = await on(db)
    .selectFrom('job')
    .selectAll()
    .where('queue', '=', filter.queue)
    .where('state', '=', 'running')
    .where('lease_until_ms', '<', filter.nowMs)
    .orderBy('lease_until_ms')
    .limit(sweepMax)
    .execute()
  return rows.map(jobOf)
}

/** Running jobs that this owner has leased: after a restart, its own work of before. */
export async function jobsOwnedBy(
  db: Db<JobTables>,
  filter: { readonly queue: string; readonly owner: string },
): Promise<Job[]> {
  const rows = await on(db)
    .selectFrom('job')
    .selectAll()
    .where('queue', '=', filter.queue)
    .where('state', '=', 'running')
    .where('lease_owner', '=', filter.owner)
    .orderBy('id')
    .execute()
  return rows.map(jobOf)
}

/** Deletes jobs that ended before `beforeMs`, in small transactions; answers how many. Stops early when the signal aborts. */
export async function pruneJobs(
  db: Connection<JobTables>,
  { beforeMs, signal }: { readonly beforeMs: number; readonly signal?: AbortSignal },
): Promise<number> {
  let deleted = 0
  for (let step = pruneBatch; step === pruneBatch && !signal?.aborted; deleted += step) {
    step = await transact(db, async (trx) => {
      const ended = on(trx)
        .selectFrom('job')
        .select('id')
        .where('state', 'in', ['done', 'failed', 'canceled'])
        .where('finished_at_ms', '<', beforeMs)
        .limit(pruneBatch)
      const gone = await on(trx).deleteFrom('job').where('id', 'in', ended).executeTakeFirst()
      return Number(gone.numDeletedRows)
    })
  }
  return deleted
}

/**
 * Delay before attempt `attempt + 1`: 1 s doubled each time, at most 5 minutes, of which the second half is spread by the job's own id,
 * so that jobs that failed together do not come back together.
 */
export function backoffMs(id: string, attempt: number): number {
  const ceiling = Math.min(backoffCapMs, backoffBaseMs * 2 ** (attempt - 1))
  const spread = createHash('sha256').update(`${id}/${attempt}`).digest().readUInt32BE() / 2 ** 32
  return Math.round(ceiling * (0.5 + spread / 2))
}

const released = { lease_owner: null, lease_until_ms: null }

async function updateClaimed(db: Db<JobTables>, claim: JobClaim, change: Partial<JobTables['job']>): Promise<void> {
  const result = await on(db)
    .updateTable('job')
    .set(change)
    .where('id', '=', claim.id)
    .where('fence', '=', claim.fence)
    .where('state', '=', 'running')
    .executeTakeFirst()
  if (Number(result.numUpdatedRows) === 0) throw leaseLost(claim)
}

function jobOf(row: Selectable<JobTables['job']>): Job {
  return {
    id: row.id,
    queue: row.queue,
    kind: row.kind,
    payload: JSON.parse(row.payload) as unknown,
    state: row.state,
    runAfterMs: row.run_after_ms,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    lost: row.lost,
    leaseOwner: row.lease_owner,
    leaseUntilMs: row.lease_until_ms,
    fence: row.fence,
    lastError: row.last_error,
  }
}
