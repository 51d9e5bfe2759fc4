// Monitors over simulated days: what opens and closes an alert, and that the numbers are those of the raw rows.
import { expect, test } from 'vitest'
import { auditedActions, openTestDatabase, type TestDb } from './testing-database.ts'
import { on, transact } from '../platform/database.ts'
import { readEvents } from '../platform/events.ts'
import { testActor } from '../governance/testing.ts'
import { populationStability } from '../statistics/divergence.ts'
import { logLoss } from '../statistics/classification.ts'
import { thresholdFor } from '../statistics/thresholds.ts'
import { evaluateMonitors } from './evaluation.ts'
import { Monitor } from './monitor.ts'
import { acknowledgeAlert, setMonitors } from './monitors.ts'
import { listAlerts } from './monitors/alert-store.ts'
import { listResults } from './monitors/monitor-store.ts'
import { recordOutcomes } from './outcomes.ts'
import { recordReport } from './report.ts'
import { binaryFacts, oneDayMs, testCounter, testDayMs, testPrediction, testReport, testVersions } from './testing.ts'

// Ids sort by time, so time goes on.
let wallMs = 1_000
const actor = testActor('tester', () => wallMs++)

const evaluate = (db: TestDb, day: number, champion = 'flights/1') =>
  evaluateMonitors(
    { db, versions: testVersions, clock: actor.clock, ids: actor.ids },
    { endpoint: 'flights', champion, nowMs: testDayMs + day * oneDayMs },
  )

interface Day {
  readonly day: number
  /** Share of rows that turn out late. */
  readonly late: number
  readonly version?: string
  readonly rows?: number
  /** Share of the rows whose outcome comes at once. */
  readonly known?: number
}

const idOf = (day: number, row: number): string => `d${day}-${row}`
const outcomeOf = (row: number, rows: number, late: number): number => (row < rows * late ? 1 : 0)

async function liveDay(db: TestDb, { day, late, version = 'flights/1', rows = 200, known = 1 }: Day): Promise<void> {
  const dayMs = testDayMs + day * oneDayMs
  const predictions = Array.from({ length: rows }, (_, row) =>
    testPrediction(idOf(day, row), { version, eventTimeMs: dayMs + row, output: [0.15 + (row % 11) / 100] }),
  )
  const bins = [
    [5, 0, rows - 25, 10, 10, 0],
    [0, rows - 30, 20, 10],
  ]
  const counter = testCounter({ version, dayMs, requests: rows, errors: 1, features: bins })
  const report = testReport({ predictions, counters: [counter], eventTimes: { flights: dayMs + rows } })
  await transact(db, (trx) => recordReport({ versions: testVersions, nowMs: 1 }, trx, report))
  const outcomes = predictions
    .slice(0, rows * known)
    .map(({ id }, row) => ({ predictionId: id, value: outcomeOf(row, rows, late) }))
  await recordOutcomes({ db, versions: testVersions, clock: actor.clock }, outcomes)
}

const calibration = Monitor.parse({
  name: 'calibration',
  signal: { kind: 'calibration_gap' },
  windowDays: 7,
  threshold: { fromTraining: {} },
})

test('a calibration alert opens after two windows beyond the range of the training days, and closes after two within', async () => {
  await using db = await openTestDatabase()
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [calibration] })
  for (let day = 0; day < 40; day++) {
    await liveDay(db, { day, late: day >= 14 && day < 24 ? 0.05 : 0.2 })
    await evaluate(db, day + 1)
  }
  const results = (await listResults(db, { endpoint: 'flights', limit: 100 })).toReversed()
  // A day is measured once its outcomes had a day to come in: the last of 40 is not.
  expect(results.map(({ windowEndMs }) => windowEndMs)).toEqual(
    Array.from({ length: 39 }, (_, day) => testDayMs + (day + 1) * oneDayMs),
  )
  expect(results.slice(0, 6).every(({ state }) => state === 'warming_up')).toBe(true)
  expect(results.slice(6, 14).every(({ state }) => state === 'ok')).toBe(true)
  const breaches = results.flatMap(({ state }, at) => (state === 'breach' ? [at] : []))
  const [alert, ...others] = await listAlerts(db, { endpoint: 'flights', limit: 10 })
  expect(others).toEqual([])
  expect(alert).toMatchObject({ state: 'resolved', closeReason: 'clean', version: 'flights/1' })
  expect(alert!.openedMs).toBe(results[breaches[1]!]!.windowEndMs)
  expect(alert!.closedMs).toBe(results[breaches.at(-1)! + 2]!.windowEndMs)
  const events = await readEvents(db, { seq: 0 })
  expect(events.map(({ type }) => type)).toEqual(['monitor.alert_opened', 'monitor.alert_closed'])
  expect(events[0]!.payload).toMatchObject({ endpoint: 'flights', signal: 'calibration_gap', windowDays: 7, n: 1400 })
  expect(alert!.evidence.sentence).toMatch(
    /^flights: calibration gap .* of flights\/1 over 2001-02-\d\d to 2001-02-\d\d is 0\.\d+, above 0\.\d+ .* on 1400 outcomes, 100 % of the predictions$/v,
  )
})

test('the stored numbers are those of the raw rows and of the pure functions', async () => {
  await using db = await openTestDatabase()
  const monitors = [
    calibration,
    Monitor.parse({ name: 'loss', signal: { kind: 'log_loss' }, windowDays: 3, threshold: { fromTraining: {} } }),
    Monitor.parse({ name: 'psi', signal: { kind: 'feature_drift', feature: 'distance' }, threshold: { high: 0.2 } }),
    Monitor.parse({ name: 'nulls', signal: { kind: 'null_rate', feature: 'distance' }, threshold: { high: 0.1 } }),
    Monitor.parse({
      name: 'unseen',
      signal: { kind: 'unseen_categories', feature: 'origin' },
      threshold: { high: 0.01 },
    }),
    Monitor.parse({ name: 'errors', signal: { kind: 'error_rate' }, threshold: { high: 0.1 } }),
    Monitor.parse({ name: 'slow', signal: { kind: 'latency' }, threshold: { high: 50 } }),
    Monitor.parse({ name: 'gone', signal: { kind: 'feature_drift', feature: 'nobody' }, threshold: { high: 1 } }),
  ]
  await setMonitors(db, actor, { endpoint: 'flights', monitors })
  for (let day = 0; day < 8; day++) await liveDay(db, { day, late: 0.2 })
  const results = await evaluate(db, 9)
  const last = (name: string) =>
    results.filter(({ monitor }) => monitor === name).toSorted((a, b) => b.windowEndMs - a.windowEndMs)[0]!

  const rows = await on(db).selectFrom('prediction').selectAll().orderBy('event_time_ms').execute()
  const lastDays = (days: number) => rows.filter((row) => row.event_time_ms >= testDayMs + (8 - days) * oneDayMs)
  const scores = lastDays(3).map((row) => (JSON.parse(row.output) as number[])[0]!)
  const labels = lastDays(3).map((row) => outcomeOf(Number(row.id.split('-')[1]), 200, 0.2))
  expect(last('loss')).toMatchObject({ state: 'ok', rows: 600, coverage: 1, final: true })
  expect(last('loss').value).toBeCloseTo(logLoss(labels, scores), 12)
  const days = binaryFacts.baseline!.days.map(({ rows: count, sumLoss }) => ({ rows: count, value: sumLoss / count }))
  const live = { rowsPerDay: 200, varianceOfRow: expect.any(Number) as number }
  expect(live.rowsPerDay).toBeLessThan(1000) // Thinner than training: the range has to be wider than without.
  expect(last('loss').high).toBeGreaterThan(thresholdFor(days, { windowDays: 3, side: 'upper' }).upper)
  expect(last('loss').low).toBeNull()
  // Distance: below and above the edges join the outermost bins, missing values are left out.
  expect(last('psi').value).toBeCloseTo(populationStability([500, 300, 200], [175 * 7, 70, 70]), 12)
  expect(last('psi').state).toBe('breach')
  expect(last('nulls').value).toBeCloseTo(5 / 200, 12)
  expect(last('unseen')).toMatchObject({ value: 10 / 200, state: 'breach' })
  expect(last('errors').value).toBeCloseTo(1 / 200, 12)
  expect(last('slow').value).toBeCloseTo(2, 1)
  expect(last('gone')).toMatchObject({ state: 'insufficient', value: null })
})

test('evaluating again changes nothing', async () => {
  await using db = await openTestDatabase()
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [calibration] })
  for (let day = 0; day < 10; day++) await liveDay(db, { day, late: 0.02 })
  expect(await evaluate(db, 11)).toHaveLength(10)
  const before = await listResults(db, { endpoint: 'flights', limit: 100 })
  expect(await evaluate(db, 11)).toEqual([])
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [calibration] })
  expect(await evaluate(db, 11)).toEqual([])
  expect(await listResults(db, { endpoint: 'flights', limit: 100 })).toEqual(before)
  expect(await readEvents(db, { seq: 0 })).toHaveLength(1)
})

test('a promotion closes the alert on the version before, and the new one starts with whole days of its own', async () => {
  await using db = await openTestDatabase()
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [calibration] })
  for (let day = 0; day < 10; day++) await liveDay(db, { day, late: 0.02 })
  await evaluate(db, 11)
  expect(await listAlerts(db, { active: true, limit: 10 })).toMatchObject([{ version: 'flights/1' }])
  await liveDay(db, { day: 10, late: 0.02, rows: 20 })
  for (let day = 10; day < 20; day++) {
    const dayMs = testDayMs + day * oneDayMs
    const counters = [testCounter({ version: 'flights/2', dayMs, requests: 100 })]
    await transact(db, (trx) =>
      recordReport({ versions: testVersions, nowMs: 1 }, trx, testReport({ worker: 'w2', counters })),
    )
    if (day > 10) await liveDay(db, { day, late: 0.02, version: 'flights/2' })
    await evaluate(db, day + 1, 'flights/2')
  }
  const results = await listResults(db, { endpoint: 'flights', limit: 100 })
  const ofNew = results.filter(({ version }) => version === 'flights/2').toReversed()
  // Day 10 had both champions: the first full window is of days 11 to 17.
  const measured = ofNew.filter(({ state }) => state === 'breach')
  expect(measured[0]!.windowEndMs).toBe(testDayMs + 18 * oneDayMs)
  const alerts = await listAlerts(db, { endpoint: 'flights', limit: 10 })
  expect(alerts).toMatchObject([
    { version: 'flights/2', state: 'open' },
    { version: 'flights/1', state: 'resolved', closeReason: 'version_replaced' },
  ])
})

test('an alert ends with its version, before any window of the next one is complete', async () => {
  await using db = await openTestDatabase()
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [calibration] })
  for (let day = 0; day < 10; day++) await liveDay(db, { day, late: 0.02 })
  await evaluate(db, 11)
  expect(await evaluate(db, 11, 'flights/2'), 'no new window').toEqual([])
  expect(await listAlerts(db, { endpoint: 'flights', limit: 10 })).toMatchObject([
    { version: 'flights/1', state: 'resolved', closeReason: 'version_replaced' },
  ])
  await evaluate(db, 11, 'flights/2')
  const closed = await on(db).selectFrom('event').selectAll().where('type', '=', 'monitor.alert_closed').execute()
  expect(closed).toHaveLength(1)
})

test('a window with too few outcomes says nothing, and is measured when they have come', async () => {
  await using db = await openTestDatabase()
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [calibration] })
  for (let day = 0; day < 8; day++) await liveDay(db, { day, late: 0.02, known: 0.25 })
  await evaluate(db, 9)
  const states = async () =>
    (await listResults(db, { endpoint: 'flights', limit: 2 })).map(({ state, final }) => ({ state, final }))
  expect(await states()).toEqual([
    { state: 'insufficient', final: false },
    { state: 'insufficient', final: false },
  ])
  for (let day = 0; day < 8; day++) {
    const outcomes = Array.from({ length: 200 }, (_, row) => ({
      predictionId: idOf(day, row),
      value: outcomeOf(row, 200, 0.02),
    }))
    await recordOutcomes({ db, versions: testVersions, clock: actor.clock }, outcomes)
  }
  await liveDay(db, { day: 8, late: 0.02 })
  await evaluate(db, 10)
  const results = await listResults(db, { endpoint: 'flights', limit: 3 })
  expect(results.map(({ state }) => state)).toEqual(['breach', 'breach', 'breach'])
  expect(await listAlerts(db, { active: true, limit: 10 })).toHaveLength(1)
})

test('p-values of several features are adjusted together, and a proven but tiny change is no breach', async () => {
  await using db = await openTestDatabase()
  const chi = (feature: string) =>
    Monitor.parse({
      name: feature,
      signal: { kind: 'feature_drift', feature, method: 'chi_squared' },
      windowDays: 1,
      threshold: { low: 0.01 },
    })
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [chi('distance'), chi('origin')] })
  const counter = testCounter({
    requests: 100_000,
    features: [
      [0, 0, 51_000, 29_500, 19_500, 0],
      [0, 59_900, 40_100, 0],
    ],
  })
  await transact(db, (trx) =>
    recordReport({ versions: testVersions, nowMs: 1 }, trx, testReport({ counters: [counter] })),
  )
  const [distance, origin] = await evaluate(db, 1)
  const raw = (result: typeof distance) => result!.detail['pValue'] as number
  expect(raw(distance)).toBeLessThan(raw(origin))
  expect(distance!.value).toBeCloseTo(Math.min(1, raw(distance) * 2, raw(origin)), 12)
  expect(origin!.value).toBeCloseTo(raw(origin), 12)
  expect(distance!.state).toBe('ok')
})

test('an alert can be acknowledged while it is open', async () => {
  await using db = await openTestDatabase()
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [calibration] })
  for (let day = 0; day < 9; day++) await liveDay(db, { day, late: 0.02 })
  await evaluate(db, 10)
  const [alert] = await listAlerts(db, { active: true, limit: 1 })
  expect(await acknowledgeAlert(db, actor, alert!.id)).toMatchObject({
    state: 'acknowledged',
    acknowledgedBy: 'tester',
  })
  await expect(acknowledgeAlert(db, actor, 'alert_nobody')).rejects.toMatchObject({ code: 'alert_not_found' })
  await setMonitors(db, actor, { endpoint: 'flights', monitors: [] })
  await expect(acknowledgeAlert(db, actor, alert!.id)).rejects.toMatchObject({ code: 'alert_resolved' })
  expect(await auditedActions(db)).toEqual(['monitor.set', 'alert.acknowledge', 'monitor.remove'])
})
