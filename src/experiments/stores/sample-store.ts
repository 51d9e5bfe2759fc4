// Sampling a long series in the database: its buckets tell where the points of the sample are, and few others are looked at.
import { sql, type CompiledQuery, type RawBuilder } from 'kysely'
import { on, type Db } from '../../platform/database.ts'
import type { Parts } from '../metrics/sample.ts'
import type { ExperimentTables } from '../tables.ts'
import type { BucketRange } from './bucket-store.ts'
import type { PointRow } from './point-store.ts'

export interface SampleOfBuckets {
  readonly parts: Parts
  readonly buckets: BucketRange
  /** Points of the first bucket that come before the first of all. */
  readonly skipped: number
}

/** The first point of each part, and the last of all. */
export function sampleQuery(db: Db<ExperimentTables>, sample: SampleOfBuckets): CompiledQuery<PointRow> {
  const { parts, skipped, buckets } = sample
  const { series, bits, from, to } = buckets
  const width = sql.raw(String(2n ** BigInt(bits)))
  const [first, end] = [sql`before`, sql`before + points`]
  return sql<PointRow>`
    with counted as (
      select bucket, points, cast(sum(points) over (order by bucket) as bigint) - points - ${sql.lit(skipped)} as before
      from metric_bucket where series = ${series} and bits = ${bits} and bucket between ${from} and ${to}
    ), chosen as (
      select bucket, before from counted
      where ${startsBefore(parts, first)} < ${startsBefore(parts, end)} or (${first} < ${last(parts)} and ${end} >= ${last(parts)})
    ), placed as (
      select p.step, p.at_ms, p.value, p.is_nan,
        before + row_number() over (partition by bucket order by p.step, p.at_ms, p.value, p.is_nan) - 1 as place
      from chosen cross join metric_point p
      where p.series = ${series} and p.step >= bucket * ${width} and p.step <= bucket * ${width} + (${width} - 1)
    )
    select step, at_ms, value, is_nan from placed where ${isChosen(parts)} order by place`.compile(on(db))
}

const last = ({ points }: Parts): RawBuilder<unknown> => sql.lit(points)
const endOfLonger = ({ size, longer }: Parts): number => longer * (size + 1)

/** How many parts begin before a place: whole numbers, rounded up. */
function startsBefore(parts: Parts, place: RawBuilder<unknown>): RawBuilder<unknown> {
  const { size, longer } = parts
  const end = sql.lit(endOfLonger(parts))
  return sql`(case when ${place} <= 0 then 0
    when ${place} <= ${end} then (${place} + ${sql.lit(size)}) / ${sql.lit(size + 1)}
    else ${sql.lit(longer)} + (${place} - ${end} + ${sql.lit(size - 1)}) / ${sql.lit(size)} end)`
}

function isChosen(parts: Parts): RawBuilder<boolean> {
  const { size, points } = parts
  const end = sql.lit(endOfLonger(parts))
  return sql`place = ${sql.lit(points - 1)} or (place >= 0 and place < ${sql.lit(points)} and case
    when place < ${end} then place % ${sql.lit(size + 1)} else (place - ${end}) % ${sql.lit(size)} end = 0)`
}
