// What goes and what stays, with all that may still need it, on the whole program's tables.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testActor } from '../governance/testing.ts'
import { applyTestLoop, testLoop } from '../loop/testing.ts'
import { monitor, retrain } from '../loop/index.ts'
import { recordOutcomes } from '../monitoring/outcomes.ts'
import { recordReport } from '../monitoring/report.ts'
import { oneDayMs, testDayMs, testPrediction, testReport, testVersions } from '../monitoring/testing.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { on, transact } from '../platform/database.ts'
import { startDispatcher } from '../platform/dispatcher.ts'
import { completeJob, claimJobs, enqueueJob } from '../platform/jobs.ts'
import { createLog, silentLog } from '../platform/log.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import { RolloutPolicy, type Rollout } from '../rollouts/rollout.ts'
import { putRollout } from '../rollouts/rollout-store.ts'
import { tidy } from './housekeeping.ts'
import { migrations, type Tables } from './tables.ts'

type Db = TestDatabase<Tables>
const open = (): Promise<Db> => createTestDatabase<Tables>(migrations)
const actor = testActor('tester')
/** Wall time; the event clock of the replayed history stands in 2001. */
const nowMs = Date.UTC(2025, 5, 1)

async function answer(db: Db, predictions: { id: string; day: number; ageDays: number }[]): Promise<void> {
  const records = predictions.map(({ id, day, ageDays }) =>
    testPrediction(id, { eventTimeMs: testDayMs + day * oneDayMs, atMs: nowMs - ageDays * oneDayMs }),
  )
  const flights = Math.max(...records.map(({ eventTimeMs }) => eventTimeMs))
  const report = testReport({ predictions: records, eventTimes: { flights } })
  await transact(db, (trx) => recordReport({ versions: testVersions, nowMs: 1 }, trx, report))
}

async function tidyUp(db: Db, limits: { days?: number; rows?: number } = {}): Promise<string[]> {
  const lines: string[] = []
  const log = createLog({ level: 'info', clock: () => 0, write: (line) => lines.push(line), format: 'json' })
  await using dispatcher = startDispatcher({ db, log: silentLog }, [
    { name: 'loop', types: ['loop.applied'], handle: async () => undefined },
  ])
  await dispatcher.drain()
  const retention = { ageMsMax: (limits.days ?? 30) * oneDayMs, rowsMax: limits.rows ?? 1_000 }
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-housekeeping-'))
  const uploads = { db, blobs: openDirectoryBlobs(folder), uploads: join(folder, 'uploads'), clock: () => nowMs }
  await tidy({ db, clock: () => nowMs, log, dispatcher, retention, uploads })
  await rm(folder, { recursive: true })
  return lines
}

const left = async (db: Db): Promise<string> =>
  (await on(db).selectFrom('prediction').select('id').orderBy('id').execute()).map(({ id }) => id).join('')

const rollout = (startedDay: number): Rollout => ({
  id: 'rol_1',
  endpoint: 'flights',
  model: 'flights',
  champion: 1,
  challenger: 2,
  key: null,
  state: 'shadow',
  step: 0,
  policy: RolloutPolicy.parse({}),
  startedMs: testDayMs + startedDay * oneDayMs,
  phaseStartedMs: 0,
  finishedMs: null,
  watchUntilMs: null,
  slowLimitMs: null,
  rehearsal: null,
  held: false,
  sentence: 'so',
  createdBy: 'ann',
  createdAtMs: 0,
})

test('what is old by the wall clock goes, but not what the monitors still look back at on the event clock', async () => {
  await using db = await open()
  // Seven days of window and one of outcomes: needed from day 92 on.
  await applyTestLoop(db, actor, testLoop({ monitors: [monitor.calibration({ window: '7d' })] }))
  await answer(db, [
    { id: 'a', day: 10, ageDays: 40 },
    { id: 'b', day: 91, ageDays: 35 },
    { id: 'c', day: 92, ageDays: 34 },
    { id: 'd', day: 20, ageDays: 29 },
    { id: 'e', day: 100, ageDays: 28 },
  ])
  await recordOutcomes({ db, versions: testVersions, clock: () => nowMs }, [{ predictionId: 'a', value: 1 }])
  const [line] = await tidyUp(db)
  expect(await left(db)).toBe('cde')
  expect(JSON.parse(line!)).toMatchObject({ predictions: 2, outcomes: 1, jobs: 0 })
  expect(await tidyUp(db), 'nothing is left to say').toEqual([])
})

test('a rollout under way and the label delay of a loop hold on to what they need', async () => {
  await using db = await open()
  await applyTestLoop(db, actor, testLoop({ monitors: [], labelDelay: '5d', retrain: retrain({ on: [] }) }))
  await answer(db, [
    { id: 'a', day: 79, ageDays: 40 },
    { id: 'b', day: 80, ageDays: 40 },
    { id: 'c', day: 94, ageDays: 40 },
    { id: 'd', day: 95, ageDays: 40 },
    { id: 'e', day: 100, ageDays: 40 },
  ])
  await transact(db, (trx) => putRollout(trx, rollout(80)))
  await tidyUp(db)
  expect(await left(db)).toBe('bcde')
  await transact(db, (trx) => putRollout(trx, { ...rollout(80), state: 'rolled_back' }))
  await tidyUp(db)
  expect(await left(db)).toBe('de')
})

test('beyond the number of rows the oldest go, and an endpoint that is gone holds nothing', async () => {
  await using db = await open()
  const ids = ['a', 'b', 'c', 'd', 'e']
  await answer(
    db,
    ids.map((id, at) => ({ id, day: 100, ageDays: 20 - at })),
  )
  await tidyUp(db, { rows: 3 })
  expect(await left(db)).toBe('cde')
})

test('the number of rows is found in more than one look', async () => {
  await using db = await open()
  await answer(db, [{ id: 'x', day: 1, ageDays: 29 }])
  const [row] = await on(db).selectFrom('prediction').selectAll().execute()
  for (let lot = 0; lot < 50; lot++) {
    const rows = Array.from({ length: 1_000 }, (_, at) => ({
      ...row!,
      id: `p${lot}-${at}`,
      at_ms: nowMs - oneDayMs + lot * 1_000 + at,
    }))
    await on(db).insertInto('prediction').values(rows).execute()
  }
  await tidyUp(db, { rows: 45_000 })
  const kept = await on(db)
    .selectFrom('prediction')
    .select((e) => [e.fn.countAll<number>().as('rows'), e.fn.min('at_ms').as('at_ms')])
    .executeTakeFirstOrThrow()
  expect({ rows: Number(kept.rows), at_ms: kept.at_ms }).toEqual({ rows: 45_000, at_ms: nowMs - oneDayMs + 5_000 })
})

test('jobs that ended and events that all have heard go with the predictions', async () => {
  await using db = await open()
  await transact(db, async (trx) => {
    for (const id of ['old', 'new'])
      await enqueueJob(trx, { id, queue: 'q', kind: 'k', payload: {}, nowMs: nowMs - 50 * oneDayMs })
  })
  for (const job of await claimJobs(db, { queue: 'q', owner: 'a', leaseMs: 1, limit: 2, nowMs })) {
    const endedMs = nowMs - (job.id === 'old' ? 31 : 29) * oneDayMs
    await transact(db, (trx) => completeJob(trx, { ...job, nowMs: endedMs }))
  }
  const event = (type: string, ageDays: number) => ({
    type,
    subject: 's',
    payload: '{}',
    at_ms: nowMs - ageDays * oneDayMs,
  })
  const events = [event('loop.applied', 31), event('other.made', 31), event('loop.applied', 29)]
  await on(db)
    .insertInto('event')
    .values(events as never[])
    .execute()
  const [line] = await tidyUp(db)
  expect(JSON.parse(line!)).toMatchObject({ events: 2, jobs: 1 })
  expect(await on(db).selectFrom('job').select('id').execute()).toEqual([{ id: 'new' }])
})
