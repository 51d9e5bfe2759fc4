// A worker of a queue: all of it is worked on, some at a time; what fails comes back, and what a killed worker had too.
import { expect, test } from 'vitest'
import { systemClock } from './clock.ts'
import { on, transact } from './database.ts'
import { startJobWorker, type JobOutcome } from './job-worker.ts'
import { claimJobs, enqueueJob, jobMigrations, type Job, type JobTables } from './jobs.ts'
import { silentLog } from './log.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

const done: JobOutcome = { done: true }
const openJobs = (): Promise<TestDatabase<JobTables>> => createTestDatabase<JobTables>(jobMigrations)

async function enqueue(db: TestDatabase<JobTables>, count: number): Promise<void> {
  await transact(db, async (trx) => {
    for (let at = 0; at < count; at++) {
      await enqueueJob(trx, { id: `job${at}`, queue: 'q', kind: 'k', payload: at, nowMs: systemClock() })
    }
  })
}

const start = (
  db: TestDatabase<JobTables>,
  work: (job: Job, signal: AbortSignal) => Promise<JobOutcome>,
  isAlone = false,
) =>
  startJobWorker(
    { db, log: silentLog, clock: systemClock, owner: 'me' },
    { queue: 'q', concurrency: 3, leaseMs: 60_000, isAlone, work },
  )

const statesOf = async (db: TestDatabase<JobTables>): Promise<string[]> =>
  (await on(db).selectFrom('job').select('state').orderBy('id').execute()).map(({ state }) => state)

test('every job is worked on once, three at a time', async () => {
  await using db = await openJobs()
  await enqueue(db, 20)
  const seen: unknown[] = []
  let atWork = 0
  let most = 0
  await using _ = start(db, async ({ payload }) => {
    most = Math.max(most, ++atWork)
    await new Promise((resolve) => setTimeout(resolve, 5))
    atWork--
    seen.push(payload)
    return done
  })
  await expect.poll(() => statesOf(db), { timeout: 60_000 }).toEqual(Array.from({ length: 20 }, () => 'done'))
  expect(seen.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_each, at) => at))
  expect(most).toBe(3)
})

test('what failed is tried again, unless it would fail the same way', async () => {
  await using db = await openJobs()
  await enqueue(db, 3)
  const attempts = [0, 0, 0]
  await using _ = start(db, async ({ payload }) => {
    const at = Number(payload)
    if (++attempts[at]! > 1) return done
    if (at === 0) throw new Error('broken')
    return { done: false, error: 'no', retryable: at === 1 }
  })
  await expect.poll(() => statesOf(db), { timeout: 60_000 }).toEqual(['done', 'done', 'failed'])
  expect(attempts).toEqual([2, 2, 1])
})

test('what a killed worker had, and what a stopped one had begun, is worked on after all', async () => {
  await using db = await openJobs()
  await enqueue(db, 2)
  await claimJobs(db, { queue: 'q', owner: 'killed', leaseMs: 3_600_000, limit: 1, nowMs: systemClock() })
  const begun = Promise.withResolvers<void>()
  const first = start(
    db,
    async (_job, signal) => {
      begun.resolve()
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ends'))))
      return done
    },
    true,
  )
  await begun.promise
  await first[Symbol.asyncDispose]()
  expect(await statesOf(db)).toContain('running')
  await using _ = start(db, async () => done, true)
  await expect.poll(() => statesOf(db), { timeout: 60_000 }).toEqual(['done', 'done'])
})
