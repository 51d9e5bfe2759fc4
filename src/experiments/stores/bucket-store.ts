// The only file that reads or writes the table metric_bucket.
import { sql, type CompiledQuery } from 'kysely'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { insertRows, type BulkInsert } from '../../platform/bulk-insert.ts'
import type { Reader } from '../../platform/reader.ts'
import type { Integer } from '../metric.ts'
import type { Bucket, StoredPoint } from '../metrics/bucket.ts'
import type { ExperimentTables } from '../tables.ts'

const isLater = `(excluded.last_step, excluded.last_at_ms, excluded.last_value, excluded.last_is_nan)
  > (metric_bucket.last_step, metric_bucket.last_at_ms, metric_bucket.last_value, metric_bucket.last_is_nan)`
const laterOf = (column: string): string =>
  `${column} = case when ${isLater} then excluded.${column} else metric_bucket.${column} end`
const boundOf = (column: string, sign: '<' | '>'): string =>
  `${column} = case when metric_bucket.${column} is null or excluded.${column} ${sign} metric_bucket.${column}
    then excluded.${column} else metric_bucket.${column} end`

const insert: BulkInsert = {
  table: 'metric_bucket',
  columns: {
    series: 'bigint',
    bits: 'integer',
    bucket: 'bigint',
    points: 'bigint',
    min_value: 'double precision',
    max_value: 'double precision',
    last_step: 'bigint',
    last_at_ms: 'bigint',
    last_value: 'double precision',
    last_is_nan: 'integer',
  },
  after: `on conflict (series, bits, bucket) do update set points = metric_bucket.points + excluded.points,
    ${boundOf('min_value', '<')}, ${boundOf('max_value', '>')},
    ${['last_step', 'last_at_ms', 'last_value', 'last_is_nan'].map(laterOf).join(', ')}`,
}

export interface SeriesBucket {
  readonly series: number
  readonly bits: number
  readonly bucket: Bucket
}

/** Adds to what is there; each bucket at most once in a call. */
export async function addBuckets(trx: Transaction<ExperimentTables>, buckets: readonly SeriesBucket[]): Promise<void> {
  const rows = buckets.map(({ series, bits, bucket: { number, points, min, max, last } }) => {
    return [series, bits, number, points, min, max, last.step, last.atMs, last.value, last.isNan]
  })
  await insertRows(trx, insert, rows)
}

export async function deleteBuckets(trx: Transaction<ExperimentTables>, series: number): Promise<void> {
  await on(trx).deleteFrom('metric_bucket').where('series', '=', series).execute()
}

export interface BucketRange {
  readonly series: number
  readonly bits: number
  /** Both within. */
  readonly from: Integer
  readonly to: Integer
}

/** In order, those that have points. */
export async function* readBucketRows(
  { db, reader }: { db: Db<ExperimentTables>; reader: Reader },
  { series, bits, from, to }: BucketRange,
): AsyncGenerator<Bucket[]> {
  const query = on(db)
    .selectFrom('metric_bucket')
    .selectAll()
    .where('series', '=', series)
    .where('bits', '=', bits)
    .where(sql<boolean>`bucket between ${from} and ${to}`)
    .orderBy('bucket')
    .compile()
  for await (const rows of reader.rows(query)) {
    yield rows.map((row): Bucket => ({
      number: row.bucket,
      points: row.points,
      min: row.min_value,
      max: row.max_value,
      last: {
        step: row.last_step,
        atMs: row.last_at_ms,
        value: row.last_value,
        isNan: row.last_is_nan as StoredPoint['isNan'],
      },
    }))
  }
}

/** How many points some buckets have together. */
export const countInBuckets = (
  db: Db<ExperimentTables>,
  { series, bits, from, to }: BucketRange,
): CompiledQuery<{ points: number }> =>
  sql<{ points: number }>`select cast(coalesce(sum(points), 0) as bigint) as points from metric_bucket
    where series = ${series} and bits = ${bits} and bucket between ${from} and ${to}`.compile(on(db))
