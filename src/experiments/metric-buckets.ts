// Reading a metric for a chart: as buckets that keep every spike, however long the history.
import { z } from 'zod'
import { wireOfNumber, wireOrNull, WireNumber, type Integer } from './metric.ts'
import type { HistoryDeps } from './metric-history.ts'
import { addTo, bitsFor, bucketOf, bucketOfPoint, stepsOf, type Bucket } from './metrics/bucket.ts'
import type { Series } from './metrics/series.ts'
import { bucketWidths } from './stores/bucket-builder.ts'
import { readBucketRows } from './stores/bucket-store.ts'
import { findSeries } from './stores/metric-store.ts'
import { pointOf, pointQuery } from './stores/point-store.ts'

export const bucketsMax = 2000
/** Steps below 0 and the others never share a bucket. */
const bucketsMin = 2

export const WireBucket = z.strictObject({
  fromStep: z.number(),
  toStep: z.number(),
  count: z.int(),
  /** Of the points that are not NaN; null when all are. */
  min: WireNumber.nullable(),
  max: WireNumber.nullable(),
  last: WireNumber,
})
export type WireBucket = z.infer<typeof WireBucket>

/** The steps from `fromStep` to `toStep` (both within), a power of two wide; min and max keep every spike. */
export interface MetricBucket {
  readonly fromStep: Integer
  readonly toStep: Integer
  readonly count: number
  readonly min: number | null
  readonly max: number | null
  readonly last: number
}

/** Steps beyond 2^53 are rounded. */
export const wireOfBucket = ({ fromStep, toStep, count, min, max, last }: MetricBucket): WireBucket => ({
  fromStep: Number(fromStep),
  toStep: Number(toStep),
  count,
  min: wireOrNull(min),
  max: wireOrNull(max),
  last: wireOfNumber(last),
})

export interface BucketQuery {
  readonly runId: string
  readonly key: string
  /** At most so many, of `bucketsMax`; 1 is taken for 2. */
  readonly buckets: number
  readonly fromStep?: number | undefined
  readonly toStep?: number | undefined
}

/**
 * Those with points, in order. They begin at multiples of their width, so they stay where they are while a run grows, and the first and the
 * last may reach beyond what was asked. Empty for a metric that is not there.
 */
export async function readBuckets(deps: HistoryDeps, query: BucketQuery): Promise<MetricBucket[]> {
  const series = await findSeries(deps.db, query.runId, query.key)
  if (!series) return []
  const first = query.fromStep ?? (await firstStep(deps, series))
  const last = query.toStep ?? series.summary.step
  if (last < first) return []
  const bits = bitsFor({ first, last }, Math.max(bucketsMin, Math.min(query.buckets, bucketsMax)))
  const steps = { first: stepsOf(bucketOf(first, bits), bits).first, last: stepsOf(bucketOf(last, bits), bits).last }
  const buckets = await readWithin(deps, { series, bits, ...steps })
  return buckets.map((bucket) => metricBucketOf(bucket, bits))
}

function metricBucketOf({ number, points, min, max, last }: Bucket, bits: number): MetricBucket {
  const steps = stepsOf(number, bits)
  const value = last.isNan ? Number.NaN : last.value
  return { fromStep: steps.first, toStep: steps.last, count: points, min, max, last: value }
}

async function firstStep({ db, reader }: HistoryDeps, series: Series): Promise<Integer> {
  const [first] = await reader.all(pointQuery(db, { series: series.id, order: 'step', limit: 1 }))
  return first!.step
}

interface Range {
  readonly series: Series
  /** Of the wanted buckets; `first` is where one begins and `last` where one ends. */
  readonly bits: number
  readonly first: Integer
  readonly last: Integer
}

/** Sums the widest stored buckets that fit into the wanted ones, or else the points. */
async function readWithin(deps: HistoryDeps, { series, bits, first, last }: Range): Promise<Bucket[]> {
  const buckets: Bucket[] = []
  const width = bucketWidths(series.bucketBits).findLast((each) => each <= bits)
  if (width !== undefined) {
    const range = { series: series.id, bits: width, from: bucketOf(first, width), to: bucketOf(last, width) }
    for await (const rows of readBucketRows(deps, range)) {
      for (const row of rows) addTo(buckets, { ...row, number: bucketOf(row.number, bits - width) })
    }
    return buckets
  }
  const points = pointQuery(deps.db, { series: series.id, order: 'step', fromStep: first, toStep: last })
  for await (const rows of deps.reader.rows(points)) {
    for (const row of rows) addTo(buckets, bucketOfPoint(pointOf(row), bits))
  }
  return buckets
}
