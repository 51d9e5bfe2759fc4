// Keeping up the buckets of long series: with each append, and from the points themselves when a series has become long.
import { on, type Transaction } from '../../platform/database.ts'
import type { Integer } from '../metric.ts'
import { addTo, bucketOfPoint, type Bucket, type StoredPoint } from '../metrics/bucket.ts'
import type { Series } from '../metrics/series.ts'
import type { ExperimentTables } from '../tables.ts'
import { addBuckets, deleteBuckets, type SeriesBucket } from './bucket-store.ts'
import { readPointPages } from './point-store.ts'

/** A series that is shorter is aggregated as it is read: a few milliseconds. */
export const longFrom = 4096
/** Points of a narrowest bucket when they are chosen, on average. */
const pointsPerBucket = 32
/** Each bucket is as many of the next narrower ones. Three widths: a chart of 100 million points reads some 10,000 rows. */
const widthBits = [0, 4, 8] as const

/** The widths of a series' buckets as bits, the narrowest first. */
export const bucketWidths = (bucketBits: number | null): number[] =>
  bucketBits === null ? [] : widthBits.map((bits) => bucketBits + bits)

export async function addToBuckets(
  trx: Transaction<ExperimentTables>,
  appends: readonly { readonly series: Series; readonly added: readonly StoredPoint[] }[],
): Promise<void> {
  await addBuckets(
    trx,
    appends.flatMap(({ series, added }) => bucketsOf(series.id, added, series.bucketBits)),
  )
  for (const { series } of appends) {
    if (series.bucketBits === null && series.points >= longFrom) await rebuildBuckets(trx, series)
  }
}

/** Of points in order. */
function bucketsOf(series: number, points: readonly StoredPoint[], bucketBits: number | null): SeriesBucket[] {
  return bucketWidths(bucketBits).flatMap((bits) => {
    const buckets: Bucket[] = []
    for (const point of points) addTo(buckets, bucketOfPoint(point, bits))
    return buckets.map((bucket) => ({ series, bits, bucket }))
  })
}

/** Makes a series' buckets anew from its points, as wide as their number asks for now. */
export async function rebuildBuckets(trx: Transaction<ExperimentTables>, series: Series): Promise<void> {
  await deleteBuckets(trx, series.id)
  let bucketBits: number | undefined
  for await (const page of readPointPages(trx, series.id)) {
    bucketBits ??= bitsOf({ first: page[0]!.step, last: series.summary.step, points: series.points })
    await addBuckets(trx, bucketsOf(series.id, page, bucketBits))
  }
  await on(trx)
    .updateTable('run_metric')
    .set({ bucket_bits: bucketBits ?? null })
    .where('series', '=', series.id)
    .execute()
}

function bitsOf({ first, last, points }: { first: Integer; last: Integer; points: number }): number {
  const stepsPerPoint = (Number(last) - Number(first) + 1) / points
  return Math.max(0, Math.ceil(Math.log2(stepsPerPoint * pointsPerBucket)))
}
