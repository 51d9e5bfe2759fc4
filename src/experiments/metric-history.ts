// Reading a metric's points: page by page, or as a few hundred buckets that keep every spike.
import { sql } from 'kysely'
import { z } from 'zod'
import { databaseKind, on, type Db } from '../platform/database.ts'
import { WireNumber, wireOfNumber, type MetricPoint } from './metric.ts'
import type { ExperimentTables } from './tables.ts'

export const bucketsMax = 2000

/** Points in order of step, time, value (NaN before 0 in a tie); those after `after`, the last point of the page before. */
export async function readHistory(
  db: Db<ExperimentTables>,
  query: { runId: string; key: string; limit: number; after?: Omit<MetricPoint, 'key'> | undefined },
): Promise<MetricPoint[]> {
  let points = on(db)
    .selectFrom('metric_point as p')
    .innerJoin('run_metric as m', 'm.series', 'p.series')
    .select(['p.step', 'p.at_ms', 'p.value', 'p.is_nan'])
    .where('m.run_id', '=', query.runId)
    .where('m.key', '=', query.key)
    .orderBy('p.step')
    .orderBy('p.at_ms')
    .orderBy('p.value')
    .orderBy('p.is_nan')
    .limit(query.limit)
  if (query.after) {
    const { step, atMs, value } = query.after
    const isNan = Number.isNaN(value)
    const place = sql`(${step}, ${atMs}, ${isNan ? 0 : value}, ${isNan ? 1 : 0})`
    points = points.where(sql<boolean>`(p.step, p.at_ms, p.value, p.is_nan) > ${place}`)
  }
  const rows = await points.execute()
  return rows.map((row) => ({
    key: query.key,
    step: row.step,
    atMs: row.at_ms,
    value: row.is_nan ? Number.NaN : row.value,
  }))
}

const bucketOf = <T extends z.ZodType>(value: T) =>
  z.strictObject({
    fromStep: z.int(),
    toStep: z.int(),
    count: z.int(),
    /** Of the points that are not NaN; null when all are. */
    min: value.nullable(),
    max: value.nullable(),
    last: value,
  })
export const WireBucket = bucketOf(WireNumber)
export type WireBucket = z.infer<typeof WireBucket>

/** Steps of equal width from `fromStep` to `toStep` (both within), only those with points; min and max keep every spike. */
export interface MetricBucket {
  readonly fromStep: number
  readonly toStep: number
  readonly count: number
  readonly min: number | null
  readonly max: number | null
  readonly last: number
}

export const wireOfBucket = ({ min, max, last, ...rest }: MetricBucket): WireBucket => ({
  ...rest,
  min: min === null ? null : wireOfNumber(min),
  max: max === null ? null : wireOfNumber(max),
  last: wireOfNumber(last),
})

export interface BucketQuery {
  readonly runId: string
  readonly key: string
  /** At most `bucketsMax`. */
  readonly buckets: number
  readonly fromStep?: number | undefined
  readonly toStep?: number | undefined
}

/** The database aggregates: no more than the buckets is ever loaded, however long the history. Empty for a metric that is not there. */
export async function readBuckets(db: Db<ExperimentTables>, query: BucketQuery): Promise<MetricBucket[]> {
  const found = await on(db)
    .selectFrom('run_metric')
    .select('series')
    .where('run_id', '=', query.runId)
    .where('key', '=', query.key)
    .executeTakeFirst()
  if (!found) return []
  const { series } = found
  // Two reads, each of one end of the key's range.
  const first = query.fromStep ?? (await edgeStep(db, series, 'asc'))
  const last = query.toStep ?? (await edgeStep(db, series, 'desc'))
  if (last < first) return []
  const width = Math.ceil((last - first + 1) / Math.min(query.buckets, bucketsMax))
  const { rows } = await sql<BucketRow>`
    with grouped as (
      select ${bucketNumber(db, first, width)} as bucket, p.value, p.is_nan,
        row_number() over (partition by ${bucketNumber(db, first, width)} order by p.step desc, p.at_ms desc, p.is_nan, p.value desc) as place
      from metric_point p
      where p.series = ${series} and p.step >= ${first} and p.step <= ${last}
    )
    select bucket, count(*) as count,
      min(case when is_nan = 0 then value end) as min, max(case when is_nan = 0 then value end) as max,
      max(case when place = 1 then value end) as last, max(case when place = 1 then is_nan end) as last_is_nan
    from grouped group by bucket order by bucket`.execute(on(db))
  return rows.map((row) => {
    const fromStep = first + Number(row.bucket) * width
    return {
      fromStep,
      toStep: Math.min(last, fromStep + width - 1),
      count: Number(row.count),
      min: row.min,
      max: row.max,
      last: row.last_is_nan ? Number.NaN : row.last,
    }
  })
}

interface BucketRow {
  bucket: number
  count: number
  min: number | null
  max: number | null
  last: number
  last_is_nan: number
}

/** Whole division of a number that is not negative. The numbers are cast, else PostgreSQL takes a parameter for text. */
function bucketNumber(db: Db<ExperimentTables>, first: number, width: number): ReturnType<typeof sql> {
  const integer = databaseKind(db) === 'postgres' ? sql`bigint` : sql`integer`
  return sql`(p.step - cast(${sql.lit(first)} as ${integer})) / cast(${sql.lit(width)} as ${integer})`
}

async function edgeStep(db: Db<ExperimentTables>, series: number, direction: 'asc' | 'desc'): Promise<number> {
  const { step } = await on(db)
    .selectFrom('metric_point')
    .select('step')
    .where('series', '=', series)
    .orderBy('step', direction)
    .limit(1)
    .executeTakeFirstOrThrow()
  return step
}
