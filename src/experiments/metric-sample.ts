// Reading a few points of a metric that stand for all of them: real points, evenly spaced among the others.
import type { CompiledQuery } from 'kysely'
import { measuredOf, type HistoryDeps, type Measured } from './metric-history.ts'
import { bucketOf, stepsOf } from './metrics/bucket.ts'
import { partsOf, samplePlaces } from './metrics/sample.ts'
import type { Series } from './metrics/series.ts'
import { bucketWidths } from './stores/bucket-builder.ts'
import { countInBuckets } from './stores/bucket-store.ts'
import { findSeries } from './stores/metric-store.ts'
import { countPoints, pointQuery, type StepRange } from './stores/point-store.ts'
import { sampleQuery } from './stores/sample-store.ts'

export interface SampleQuery {
  readonly runId: string
  readonly key: string
  /** Points to answer, at most. */
  readonly limit: number
  /** All by default. */
  readonly steps?: StepRange | undefined
}

/**
 * Points in order of step, time and value: all, or where there are more than `limit`, the first of each of `limit` parts that are as equal as
 * can be, and the last of all in place of the last part's.
 */
export async function samplePoints(deps: HistoryDeps, query: SampleQuery): Promise<Measured[]> {
  const series = await findSeries(deps.db, query.runId, query.key)
  if (!series) return []
  return series.bucketBits === null ? sampleOfAll(deps, series, query) : sampleByBuckets(deps, series, query)
}

/** Of few points, or of a series that has no buckets since it is short: all are read. */
async function sampleOfAll({ db, reader }: HistoryDeps, series: Series, query: SampleQuery): Promise<Measured[]> {
  const { from: fromStep, to: toStep } = query.steps ?? {}
  const rows = await reader.all(pointQuery(db, { series: series.id, order: 'step', fromStep, toStep }))
  return samplePlaces(rows.length, query.limit).map((place) => measuredOf(rows[place]!))
}

/** What its buckets count tells where in it a place is: few points but those of the sample are looked at. */
async function sampleByBuckets(deps: HistoryDeps, series: Series, query: SampleQuery): Promise<Measured[]> {
  const { limit, steps = { from: -(2n ** 63n), to: 2n ** 63n - 1n } } = query
  if (steps.to < steps.from) return []
  const [bits = 0] = bucketWidths(series.bucketBits)
  const buckets = { series: series.id, bits, from: bucketOf(steps.from, bits), to: bucketOf(steps.to, bits) }
  const counted = await countOf(deps, countInBuckets(deps.db, buckets))
  const edges = { first: stepsOf(buckets.from, bits).first, last: stepsOf(buckets.to, bits).last }
  const skipped = await countBetween(deps, series, { from: edges.first, to: BigInt(steps.from) - 1n })
  const left = await countBetween(deps, series, { from: BigInt(steps.to) + 1n, to: edges.last })
  const points = counted - skipped - left
  if (points <= limit) return sampleOfAll(deps, series, query)
  const sample = { parts: partsOf(points, limit), buckets, skipped }
  const rows = await deps.reader.all(sampleQuery(deps.db, sample))
  // The last of all takes the place of the last part's first.
  const chosen = rows.length > limit ? [...rows.slice(0, limit - 1), rows.at(-1)!] : rows
  return chosen.map(measuredOf)
}

async function countBetween({ db, reader }: HistoryDeps, series: Series, range: StepRange): Promise<number> {
  return range.to < range.from ? 0 : countOf({ reader }, countPoints(db, series.id, range))
}

async function countOf(
  { reader }: Pick<HistoryDeps, 'reader'>,
  query: CompiledQuery<{ points: number }>,
): Promise<number> {
  const [found] = await reader.all(query)
  return found!.points
}
