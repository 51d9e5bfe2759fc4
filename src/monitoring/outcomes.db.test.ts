// Outcomes joined to predictions, whatever order they come in: the sums must equal those of the rows.
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import type { LineageTables } from '../governance/lineage.ts'
import type { ModelVersionTables } from '../models/model-version-store.ts'
import { on, transact } from '../platform/database.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { createGenerator, type Generator } from '../statistics/random.ts'
import type { PredictionRecord } from '../serving/gateway-report.ts'
import { armKey, armOfColumns, dayOf, type Arm } from './aggregates/arm.ts'
import { performanceOfRow } from './aggregates/aggregate-store.ts'
import { monitoringMigrations } from './migrations.ts'
import type { Outcome } from './outcome.ts'
import { recordOutcomes } from './outcomes.ts'
import { addOutcome, noPerformance, type PerformanceSums } from './aggregates/performance.ts'
import { recordReport } from './report.ts'
import { observedNumber, scoreOf, type OutcomeValue } from './aggregates/scoring.ts'
import type { MonitoringTables } from './tables.ts'
import {
  binaryFacts,
  oneDayMs,
  regressionFacts,
  testDayMs,
  testPrediction,
  testReport,
  testVersions,
} from './testing.ts'

const openDatabase = () =>
  createTestDatabase<MonitoringTables & ModelVersionTables & LineageTables>({
    ...governanceMigrations,
    ...monitoringMigrations,
  })
type TestDb = Awaited<ReturnType<typeof openDatabase>>

const depsOf = (db: TestDb) => ({ db, versions: testVersions, clock: () => 5_000 })
const report = (db: TestDb, predictions: PredictionRecord[]) =>
  transact(db, (trx) => recordReport({ versions: testVersions, nowMs: 1 }, trx, testReport({ predictions })))

/** Sums over raw rows, with no batches: what the aggregates must equal. */
function recomputed(predictions: PredictionRecord[], outcomes: ReadonlyMap<string, OutcomeValue>) {
  const arms = new Map<string, PerformanceSums>()
  const armed = (arm: Arm): PerformanceSums => {
    const sums = arms.get(armKey(arm)) ?? noPerformance()
    arms.set(armKey(arm), sums)
    return sums
  }
  const pairs = new Map<string, number[]>()
  for (const { id, endpoint, version, role, assignedWith, eventTimeMs, output, shadows } of predictions) {
    const facts = version.startsWith('prices') ? regressionFacts : binaryFacts
    const arm: Arm = { endpoint, version, role, weightPpm: Math.round(assignedWith * 1e6), dayMs: dayOf(eventTimeMs) }
    const value = outcomes.get(id)
    const observed = value === undefined ? undefined : observedNumber(facts, value)
    const main = observed === undefined ? undefined : scoreOf(facts, output, observed)
    armed(arm).predictions++
    if (main) addOutcome(armed(arm), main)
    for (const shadow of shadows) {
      const key = `${version}>${shadow.version}@${arm.dayMs}`
      if (role === 'champion' && !pairs.has(key)) pairs.set(key, [0, 0, 0, 0, 0])
      const sums = pairs.get(key)
      if (role === 'champion') sums![shadow.output ? 0 : 1]!++
      if (!shadow.output) continue
      const shadowArm = armed({ ...arm, version: shadow.version, role: 'shadow', weightPpm: 0 })
      shadowArm.predictions++
      const score = observed === undefined ? undefined : scoreOf(facts, shadow.output, observed)
      if (!score || !main) continue
      addOutcome(shadowArm, score)
      if (role !== 'champion') continue
      sums![2]!++
      sums![3]! += score.loss - main.loss
      sums![4]! += (score.loss - main.loss) ** 2
    }
  }
  return { arms, pairs }
}

function randomPrediction(random: Generator, at: number): PredictionRecord {
  const prices = random.integer(4) === 0
  const model = prices ? 'prices' : 'flights'
  const canary = random.integer(5) === 0
  const output = (): number[] => [prices ? random.normal() * 10 : random.uniform()]
  const shadows =
    random.integer(2) === 0 ? [] : [{ version: `${model}/3`, output: random.integer(6) === 0 ? null : output() }]
  return testPrediction(`p${at}`, {
    endpoint: model,
    version: canary ? `${model}/2` : `${model}/1`,
    role: canary ? 'canary' : 'champion',
    assignedWith: canary ? 0.1 : 0.9,
    eventTimeMs: testDayMs + random.integer(3 * oneDayMs),
    output: output(),
    shadows,
  })
}

const randomValue = (random: Generator, prices: boolean): OutcomeValue =>
  prices ? Math.round(random.normal() * 100) / 10 : ([0, 1, true, false, 'late', 'on time'][random.integer(6)] ?? 0)

test('after random batches with duplicates, corrections, late predictions and unknown ids, the sums equal those of the rows', async () => {
  await using db = await openDatabase()
  const random = createGenerator('outcomes')
  const predictions = Array.from({ length: 900 }, (_, at) => randomPrediction(random, at))
  const truth = new Map<string, OutcomeValue>()
  const sent: Outcome[] = []
  let reported = 0
  for (let round = 0; round < 30; round++) {
    const part = predictions.slice(reported, reported + random.integer(60))
    reported += part.length
    await report(db, part)
    if (round % 7 === 3) await report(db, part.slice(0, 5)) // A gateway says some again.
    const batch = Array.from({ length: random.integer(80) }, (): Outcome => {
      const again = sent[random.integer(sent.length + 1)]
      if (again && random.integer(4) === 0) return again.value === truth.get(again.predictionId) ? again : sent.at(-1)!
      const at = random.integer(predictions.length + 20) // Some are of nobody's prediction.
      return { predictionId: `p${at}`, value: randomValue(random, predictions[at]?.endpoint === 'prices') }
    })
    const receipt = await recordOutcomes(depsOf(db), batch)
    expect(receipt.accepted + receipt.duplicates + receipt.revised + receipt.unmatched).toBe(batch.length)
    for (const outcome of batch) truth.set(outcome.predictionId, outcome.value)
    sent.push(...batch)
  }
  await report(db, predictions.slice(reported))

  const wanted = recomputed(predictions, truth)
  const rows = await on(db).selectFrom('performance').selectAll().execute()
  expect(new Set(rows.map((row) => armKey(armOfColumns(row))))).toEqual(new Set(wanted.arms.keys()))
  for (const row of rows) {
    const sums = performanceOfRow(row)
    const expected = wanted.arms.get(armKey(armOfColumns(row)))!
    expect(sums.predictions).toBe(expected.predictions)
    expect(sums.outcomes).toBe(expected.outcomes)
    expect(sums.lossSum).toBeCloseTo(expected.lossSum, 8)
    expect(sums.lossSquareSum).toBeCloseTo(expected.lossSquareSum, 6)
    const expectedSums = Object.entries(expected.quality?.sums ?? {}) as [string, number | number[]][]
    expect(expectedSums.length > 0).toBe(expected.outcomes > 0)
    for (const [name, value] of expectedSums) {
      const found = (sums.quality!.sums as unknown as Record<string, number | number[]>)[name]
      if (typeof value === 'number') expect(found).toBeCloseTo(value, 5)
      else expect((found as number[]).every((each, at) => Math.abs(each - value[at]!) < 1e-9)).toBe(true)
    }
  }
  const pairs = await on(db).selectFrom('paired_loss').selectAll().execute()
  expect(pairs.length).toBe(wanted.pairs.size)
  for (const row of pairs) {
    const [scored, failed, joined, sum, squares] = wanted.pairs.get(`${row.champion}>${row.challenger}@${row.day_ms}`)!
    expect([row.scored, row.failed, row.pairs]).toEqual([scored, failed, joined])
    expect(row.difference_sum).toBeCloseTo(sum!, 7)
    expect(row.difference_square_sum).toBeCloseTo(squares!, 5)
  }
})

test('the same batch again changes nothing, and an older value does not replace a newer one', async () => {
  await using db = await openDatabase()
  await report(db, [testPrediction('a'), testPrediction('b')])
  const batch = [
    { predictionId: 'a', value: 1, observedAtMs: 20 },
    { predictionId: 'b', value: 0 },
    { predictionId: 'x', value: 0 },
  ]
  expect(await recordOutcomes(depsOf(db), batch)).toEqual({ accepted: 2, duplicates: 0, unmatched: 1, revised: 0 })
  expect(await recordOutcomes(depsOf(db), batch)).toEqual({ accepted: 0, duplicates: 3, unmatched: 0, revised: 0 })
  const older = [{ predictionId: 'a', value: 0, observedAtMs: 10 }]
  expect(await recordOutcomes(depsOf(db), older)).toMatchObject({ duplicates: 1 })
  const newer = [{ predictionId: 'a', value: 0, observedAtMs: 30 }]
  expect(await recordOutcomes(depsOf(db), newer)).toMatchObject({ revised: 1 })
  const [row] = await on(db).selectFrom('performance').selectAll().execute()
  expect(row).toMatchObject({ predictions: 2, outcomes: 2 })
  expect(row!.loss_sum).toBeCloseTo(-2 * Math.log(0.8), 12)
})

test('a value that does not fit the task refuses the whole batch, and names the prediction', async () => {
  await using db = await openDatabase()
  await report(db, [testPrediction('a'), testPrediction('b')])
  const batch = [
    { predictionId: 'a', value: 1 },
    { predictionId: 'b', value: 0.5 },
  ]
  await expect(recordOutcomes(depsOf(db), batch)).rejects.toMatchObject({
    code: 'outcome_unfit',
    detail: { predictionId: 'b' },
  })
  expect(await on(db).selectFrom('outcome').selectAll().execute()).toEqual([])
})

test('an outcome that came first and does not fit its prediction is set aside, and counted nowhere', async () => {
  await using db = await openDatabase()
  await recordOutcomes(depsOf(db), [{ predictionId: 'a', value: 'nonsense' }])
  await report(db, [testPrediction('a')])
  expect(await on(db).selectFrom('outcome').select('state').execute()).toEqual([{ state: 'refused' }])
  expect(await recordOutcomes(depsOf(db), [{ predictionId: 'a', value: 'late' }])).toMatchObject({ revised: 1 })
  expect(await on(db).selectFrom('performance').select(['predictions', 'outcomes']).execute()).toEqual([
    { predictions: 1, outcomes: 1 },
  ])
})
