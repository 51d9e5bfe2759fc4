// Jobs on a real database: who gets one, who may finish it, and what becomes of one whose worker vanished.
import { expect, test } from 'vitest'
import { transact } from './database.ts'
import {
  backoffMs,
  cancelJob,
  claimJobs,
  completeJob,
  enqueueJob,
  expiredJobs,
  failJob,
  findJob,
  heartbeatJob,
  jobMigrations,
  loseJob,
  lostMax,
  nextRunAfterMs,
  pruneJobs,
  takeOverJob,
  type Job,
  type JobTables,
  type NewJob,
} from './jobs.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

type TestDb = TestDatabase<JobTables>
const open = (): Promise<TestDb> => createTestDatabase<JobTables>(jobMigrations)
const add = (db: TestDb, job: Partial<NewJob> & { id: string }): Promise<void> =>
  transact(db, (trx) => enqueueJob(trx, { queue: 'q', kind: 'k', payload: { n: 1 }, nowMs: 1000, ...job }))
const claim = (db: TestDb, nowMs = 1000, limit = 10): Promise<Job[]> =>
  claimJobs(db, { queue: 'q', owner: 'a', leaseMs: 100, limit, nowMs })
const claimOne = async (db: TestDb, nowMs = 1000): Promise<Job> => {
  const [job] = await claim(db, nowMs, 1)
  if (!job) throw new Error('nothing to claim')
  return job
}

test('a job is claimed once, with its payload, and finished by its fence', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  await add(db, { id: 'j1', payload: 'enqueued again' })
  const job = await claimOne(db)
  expect(job).toMatchObject({ id: 'j1', payload: { n: 1 }, fence: 1, leaseOwner: 'a', leaseUntilMs: 1100 })
  expect(await claim(db)).toEqual([])
  await transact(db, (trx) => completeJob(trx, { ...job, nowMs: 1050 }))
  expect(await findJob(db, 'j1')).toMatchObject({ state: 'done', leaseOwner: null })
})

test('many claimers at once never get the same job', async () => {
  await using db = await open()
  const ids = Array.from({ length: 60 }, (_, i) => `j${i}`)
  for (const id of ids) await add(db, { id })
  const lots = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const got: string[] = []
      for (;;) {
        const jobs = await claim(db, 1000, 3)
        if (jobs.length === 0) return got
        got.push(...jobs.map((job) => job.id))
      }
    }),
  )
  expect(lots.flat().toSorted()).toEqual(ids.toSorted())
})

test('jobs come in the order of their time, and none before it', async () => {
  await using db = await open()
  await add(db, { id: 'late', runAfterMs: 3000 })
  await add(db, { id: 'second', runAfterMs: 900 })
  await add(db, { id: 'first', runAfterMs: 800 })
  expect((await claim(db)).map((job) => job.id)).toEqual(['first', 'second'])
  expect(await nextRunAfterMs(db, 'q')).toBe(3000)
  expect((await claim(db, 3000)).map((job) => job.id)).toEqual(['late'])
  expect(await nextRunAfterMs(db, 'q')).toBeUndefined()
})

test('a worker whose lease passed on cannot complete, fail or keep the job', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  const stale = await claimOne(db)
  await transact(db, (trx) => loseJob(trx, { ...stale, nowMs: 1200 }))
  const fresh = await claimOne(db, 1200)
  expect(fresh.fence).toBeGreaterThan(stale.fence)
  const lost = { code: 'lease_lost' }
  await expect(transact(db, (trx) => completeJob(trx, { ...stale, nowMs: 1300 }))).rejects.toMatchObject(lost)
  await expect(heartbeatJob(db, { ...stale, leaseMs: 100, nowMs: 1300 })).rejects.toMatchObject(lost)
  const failure = { ...stale, nowMs: 1300, error: 'x', retryable: true }
  await expect(transact(db, (trx) => failJob(trx, failure))).rejects.toMatchObject(lost)
  await transact(db, (trx) => completeJob(trx, { ...fresh, nowMs: 1300 }))
})

test('what a stale worker wrote in the transaction of its completion is undone', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  const stale = await claimOne(db)
  await transact(db, (trx) => cancelJob(trx, { id: 'j1', nowMs: 1001 }))
  await expect(
    transact(db, async (trx) => {
      await enqueueJob(trx, { id: 'successor', queue: 'q', kind: 'k', payload: null, nowMs: 1002 })
      await completeJob(trx, { ...stale, nowMs: 1002 })
    }),
  ).rejects.toMatchObject({ code: 'lease_lost' })
  expect(await findJob(db, 'successor')).toBeUndefined()
})

test('a heartbeat keeps the lease; without one it expires and the job can be claimed again', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  const job = await claimOne(db)
  await heartbeatJob(db, { ...job, leaseMs: 100, nowMs: 1090 })
  expect(await expiredJobs(db, { queue: 'q', nowMs: 1150 })).toEqual([])
  const [expired] = await expiredJobs(db, { queue: 'q', nowMs: 1191 })
  expect(expired?.id).toBe('j1')
  await transact(db, (trx) => loseJob(trx, { ...expired!, nowMs: 1191 }))
  expect(await claimOne(db, 1191)).toMatchObject({ id: 'j1', attempt: 0, lost: 1 })
})

test('a failure is tried again later and later, and then no more', async () => {
  await using db = await open()
  await add(db, { id: 'j1', maxAttempts: 3 })
  const delays: number[] = []
  let nowMs = 1000
  for (const expected of ['ready', 'ready', 'failed']) {
    const job = await claimOne(db, nowMs)
    const failure = { ...job, nowMs, error: 'broken', retryable: true }
    expect(await transact(db, (trx) => failJob(trx, failure))).toBe(expected)
    const next = await nextRunAfterMs(db, 'q')
    if (next === undefined) continue
    expect(await claim(db, next - 1)).toEqual([])
    delays.push(next - nowMs)
    nowMs = next
  }
  expect(delays[0]).toBeGreaterThanOrEqual(500)
  expect(delays[1]).toBeGreaterThanOrEqual(1000)
  expect(delays[1]).toBeLessThanOrEqual(2000)
  expect(await findJob(db, 'j1')).toMatchObject({ state: 'failed', attempt: 3, lastError: 'broken' })
})

test('a failure that would repeat itself is final at once', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  const failure = { ...(await claimOne(db)), nowMs: 1000, error: 'bad input', retryable: false }
  expect(await transact(db, (trx) => failJob(trx, failure))).toBe('failed')
})

test('a job that takes every worker down is given up', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  const states: string[] = []
  for (let i = 0; i < lostMax; i++) {
    const job = await claimOne(db)
    states.push(await transact(db, (trx) => loseJob(trx, { ...job, nowMs: 1000 })))
  }
  expect(states).toEqual([...Array<string>(lostMax - 1).fill('ready'), 'failed'])
})

test('a job taken over has a new fence, and only one taker gets it', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  const job = await claimOne(db)
  const takeOver = { ...job, owner: 'b', leaseMs: 100, nowMs: 1050 }
  const taken = await transact(db, (trx) => takeOverJob(trx, takeOver))
  await expect(transact(db, (trx) => takeOverJob(trx, takeOver))).rejects.toMatchObject({ code: 'lease_lost' })
  await expect(transact(db, (trx) => completeJob(trx, { ...job, nowMs: 1060 }))).rejects.toThrow('no longer belongs')
  await transact(db, (trx) => completeJob(trx, { ...taken, nowMs: 1060 }))
})

test('a canceled job is not claimed, and canceling a finished one does nothing', async () => {
  await using db = await open()
  await add(db, { id: 'j1' })
  expect(await transact(db, (trx) => cancelJob(trx, { id: 'j1', nowMs: 1001 }))).toBe(true)
  expect(await transact(db, (trx) => cancelJob(trx, { id: 'j1', nowMs: 1002 }))).toBe(false)
  expect(await claim(db)).toEqual([])
})

test('only jobs that ended long enough ago are pruned', async () => {
  await using db = await open()
  for (const id of ['old', 'late', 'running', 'ready'])
    await add(db, { id, runAfterMs: id === 'ready' ? 9_000 : 1_000 })
  for (const job of await claim(db)) {
    if (job.id === 'running') continue
    await transact(db, (trx) => completeJob(trx, { ...job, nowMs: job.id === 'old' ? 2_000 : 3_000 }))
  }
  expect(await pruneJobs(db, { beforeMs: 3_000 })).toBe(1)
  expect(await findJob(db, 'old')).toBeUndefined()
  for (const id of ['late', 'running', 'ready']) expect(await findJob(db, id), id).toBeDefined()
})

test('the delay grows to its cap and is the same for the same job', () => {
  expect(backoffMs('j1', 1)).toBe(backoffMs('j1', 1))
  expect(backoffMs('j1', 1)).not.toBe(backoffMs('j2', 1))
  expect(backoffMs('j1', 60)).toBeLessThanOrEqual(5 * 60_000)
  expect(backoffMs('j1', 60)).toBeGreaterThanOrEqual(2.5 * 60_000)
})
