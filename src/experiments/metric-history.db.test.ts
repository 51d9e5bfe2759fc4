// Long histories on real databases: buckets, samples and pages tell what the points themselves tell, whatever order they came in.
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { readerOf } from '../platform/reader.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import { createGenerator } from '../statistics/random.ts'
import { logBatch } from './log-batch.ts'
import { readBuckets, type MetricBucket } from './metric-buckets.ts'
import { readHistory, type Measured } from './metric-history.ts'
import { samplePoints } from './metric-sample.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { createRun, type RecordingTables } from './recording.ts'
import { longFrom, rebuildBuckets } from './stores/bucket-builder.ts'
import { findSeries } from './stores/metric-store.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
type Db = TestDatabase<RecordingTables>

const deps = (db: Db) => ({ db, reader: readerOf(db) })
const begin = (db: Db) => transact(db, (trx) => createRun(trx, testActor(), { experiment: 'flights' }))

async function log(db: Db, runId: string, points: readonly Measured[]): Promise<void> {
  for (let at = 0; at < points.length; at += 1000) {
    const metrics = points.slice(at, at + 1000).map((point) => ({ key: 'loss', ...point }))
    await transact(db, (trx) => logBatch(trx, runId, { metrics }))
  }
}

const byStep = (a: Measured, b: Measured) =>
  Number(a.step) - Number(b.step) || Number(a.atMs) - Number(b.atMs) || (a.value || 0) - (b.value || 0)
const byTime = (a: Measured, b: Measured) =>
  Number(a.atMs) - Number(b.atMs) || Number(a.step) - Number(b.step) || (a.value || 0) - (b.value || 0)

/** What the buckets should be, of points in order of step. */
function bucketsOf(points: readonly Measured[], width: number): MetricBucket[] {
  const groups = Map.groupBy(points, ({ step }) => Math.floor(Number(step) / width))
  return [...groups].map(([number, group]) => {
    const values = group.map(({ value }) => value).filter((value) => !Number.isNaN(value))
    const bounds = { min: values.length ? Math.min(...values) : null, max: values.length ? Math.max(...values) : null }
    const steps = { fromStep: number * width, toStep: (number + 1) * width - 1 }
    return { ...steps, count: group.length, ...bounds, last: group.at(-1)!.value }
  })
}

/** Of growing steps `stride` apart; every hundredth is NaN. Times differ, so no two points are alike but for those that are sent again. */
function pointsFrom(first: number, stride: number, count: number): Measured[] {
  return Array.from({ length: count }, (_, i) => ({
    step: first + Math.floor(i / 2) * stride,
    atMs: 1000 + i,
    value: i % 100 === 7 ? Number.NaN : Math.sin(i) * i,
  }))
}

test('a short history is read in buckets that keep the spikes', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  const runId = await begin(db)
  const points = Array.from({ length: 3000 }, (_, step) => ({
    step,
    atMs: step,
    value: step === 1234 ? 1e6 : step === 2999 ? Number.NaN : step,
  }))
  await log(db, runId, points)
  const query = { runId, key: 'loss' }
  const buckets = await readBuckets(deps(db), { ...query, buckets: 7 })
  expect(buckets).toEqual(bucketsOf(points, 512))
  expect(buckets[2]).toMatchObject({ fromStep: 1024, toStep: 1535, max: 1e6 })
  expect(await readBuckets(deps(db), { ...query, buckets: 10, fromStep: 5, toStep: 6 })).toMatchObject([
    { fromStep: 5, toStep: 5, count: 1, last: 5 },
    { fromStep: 6, toStep: 6, count: 1, last: 6 },
  ])
  expect(await readBuckets(deps(db), { ...query, buckets: 1 })).toEqual(bucketsOf(points, 2048))
  expect(await readBuckets(deps(db), { ...query, key: 'none', buckets: 10 })).toEqual([])
  expect((await findSeries(db, runId, 'loss'))?.bucketBits).toBeNull()
})

test('buckets of a long history are those of its points, also of points that come late, twice or far away', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  const random = createGenerator(7)
  for (const { first, stride } of [
    { first: -500, stride: 1 },
    { first: -(2 ** 40), stride: 1009 },
  ]) {
    const runId = await begin(db)
    const growing = pointsFrom(first, stride, longFrom + 2500)
    await log(db, runId, growing)
    const late = growing
      .filter(() => random.uniform() < 0.1)
      .map((point) => ({ ...point, atMs: Number(point.atMs) + 50_000 }))
    await log(db, runId, [...late.toReversed(), ...growing.slice(0, 300), ...late.slice(0, 50)])
    const far = { step: first + stride * 1_000_000, atMs: 5, value: -1e9 }
    await log(db, runId, [far])
    const all = [...growing, ...late, far].toSorted(byStep)
    const series = await findSeries(db, runId, 'loss')
    expect(series).toMatchObject({ points: all.length, isOrdered: false })
    const bits = series!.bucketBits!
    const query = { runId, key: 'loss' }
    for (const buckets of [2, 3, 40, 500, 2000]) {
      const found = await readBuckets(deps(db), { ...query, buckets })
      expect(found).toEqual(bucketsOf(all, Number(found[0]!.toStep) - Number(found[0]!.fromStep) + 1))
      expect(found.length).toBeLessThanOrEqual(buckets)
    }
    // A part of it, in buckets that are narrower than the stored ones and wider.
    for (const width of [2 ** Math.max(0, bits - 2), 2 ** (bits + 5)]) {
      const fromStep = Math.floor(first / width + 1) * width
      const toStep = fromStep + 10 * width - 1
      const part = all.filter(({ step }) => step >= fromStep && step <= toStep)
      expect(await readBuckets(deps(db), { ...query, buckets: 10, fromStep, toStep })).toEqual(bucketsOf(part, width))
    }
    // Made anew they may be of another width, and say the same.
    await transact(db, (trx) => rebuildBuckets(trx, series!))
    const again = await readBuckets(deps(db), { ...query, buckets: 40 })
    expect(again).toEqual(bucketsOf(all, Number(again[0]!.toStep) - Number(again[0]!.fromStep) + 1))
  }
})

test('a sample of a long history has the points that it would have among all', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  const runId = await begin(db)
  const points = pointsFrom(-100, 3, longFrom + 1000)
  await log(db, runId, points)
  expect((await findSeries(db, runId, 'loss'))?.bucketBits).not.toBeNull()
  const sorted = points.toSorted(byStep)
  const sampleOf = (from: readonly Measured[], limit: number) => {
    const size = Math.floor(from.length / limit)
    const longer = from.length % limit
    const starts = Array.from({ length: limit }, (_, part) => part * size + Math.min(part, longer))
    return from.length <= limit ? from : [...starts.slice(0, -1), from.length - 1].map((place) => from[place])
  }
  for (const limit of [1, 2, 320, 2500, 9000]) {
    expect(await samplePoints(deps(db), { runId, key: 'loss', limit })).toEqual(sampleOf(sorted, limit))
  }
  for (const [from, to] of [
    [0, 3000],
    [-5000, 17],
    [7000, 9_999_999],
    [50, 50],
    [20, 10],
    [99_999, 100_000],
  ] as const) {
    const part = sorted.filter(({ step }) => step >= from && step <= to)
    const sample = await samplePoints(deps(db), { runId, key: 'loss', limit: 100, steps: { from, to } })
    expect(sample).toEqual(sampleOf(part, 100))
  }
})

test('points without steps stay in order of time, also those of one moment', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  const runId = await begin(db)
  const points = Array.from({ length: 40 }, (_, i) => ({ step: 0, atMs: Math.floor(i / 4), value: (i * 7) % 10 }))
  for (const point of points) await log(db, runId, [point])
  expect(await findSeries(db, runId, 'loss')).toMatchObject({ isOrdered: true, points: 40 })
  expect(await readHistory(deps(db), { runId, key: 'loss', limit: 100 })).toEqual(points.toSorted(byTime))
  await log(db, runId, [{ step: 0, atMs: 3, value: 99 }])
  expect((await findSeries(db, runId, 'loss'))?.isOrdered).toBe(false)
  await log(db, runId, [{ step: 5, atMs: 2, value: 1 }])
  expect((await readHistory(deps(db), { runId, key: 'loss', limit: 100 })).map(({ atMs }) => atMs)).toEqual(
    [...points.map(({ atMs }) => atMs), 3, 2].toSorted((a, b) => a - b),
  )
})

test('pages of a history follow each other in order of time, sorted as they came or not', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  const random = createGenerator(3)
  for (const isOrdered of [true, false]) {
    const runId = await begin(db)
    const points = pointsFrom(0, 1, 2500).map((point) =>
      isOrdered ? point : { ...point, atMs: random.integer(500), value: random.integer(4) || Number.NaN },
    )
    await log(db, runId, points)
    expect((await findSeries(db, runId, 'loss'))?.isOrdered).toBe(isOrdered)
    const read: Measured[] = []
    for (;;) {
      const page = await readHistory(deps(db), { runId, key: 'loss', limit: 400, after: read.at(-1) })
      read.push(...page)
      if (page.length < 400) break
    }
    const seen = new Set<string>()
    const distinct = points.filter((point) => seen.size < seen.add(JSON.stringify([point, `${point.value}`])).size)
    expect(read).toEqual(distinct.toSorted(byTime))
  }
})
