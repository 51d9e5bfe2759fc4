// Counting traces, spans and assessments: sums, means and quantiles, by time and by what they have in common.
import { sql, type RawBuilder } from 'kysely'
import { databaseKind, on, type DatabaseKind } from '../platform/database.ts'
import type { SearchDeps } from './search.ts'
import { measureOf, type MeasureView } from './search/measures.ts'
import { metricCondition, type MetricFilter } from './search/metric-filters.ts'

export type { MetricFilter } from './search/metric-filters.ts'
export { measures, type MeasureView } from './search/measures.ts'

export type Aggregation =
  | { readonly type: 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX' }
  /** 0 to 100, interpolated between the two values around it. */
  | { readonly type: 'PERCENTILE'; readonly percentile: number }

export interface MetricQuery {
  readonly view: MeasureView
  /** One of the view's measures, by an aggregation and dimensions that it has. */
  readonly metric: string
  readonly experimentIds: readonly number[]
  readonly aggregations: readonly Aggregation[]
  readonly dimensions: readonly string[]
  readonly filters: readonly MetricFilter[]
  readonly bucketMs?: number | undefined
  /** Inclusive. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly limit: number
}

export interface MetricPoint {
  /** Start of the bucket. */
  readonly bucketMs?: number
  readonly dimensions: Readonly<Record<string, string>>
  /** As the aggregations stand in the query; null where nothing is aggregated. */
  readonly values: readonly (number | null)[]
}

/** Groups without a value in one of the dimensions are left out. Ordered by time, then by dimension. */
export async function queryMetrics({ db, reader }: SearchDeps, query: MetricQuery): Promise<MetricPoint[]> {
  const kind = databaseKind(db)
  const groups = groupsOf(query, kind)
  const names = groups.map((_, index) => sql.ref(`g${index}`))
  const all = names.length > 0 ? sql.join(names) : sql`null`
  const values = valuesOf(query, groups, kind)
  const hasQuantile = query.aggregations.some(({ type }) => type === 'PERCENTILE')
  const text = sql<Record<string, unknown>>`
    select ${names.length > 0 ? sql`${all},` : sql``} ${sql.join(query.aggregations.map(aggregated))}
    from (${hasQuantile ? ranked(values, names) : values}) r
    ${names.length > 0 ? sql`group by ${all} order by ${all}` : sql``}
    limit ${query.limit}`.compile(on(db))
  const rows = await reader.all(text)
  return rows.map((row) => pointOf(row, query)).filter(({ values }) => values.some((value) => value !== null))
}

/** Values with their places in their groups. */
const ranked = (values: RawBuilder<unknown>, names: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  sql`select v.*, row_number() over (${partition(names)} order by v.value) as rank, count(*) over (${partition(names)}) as size from (${values}) v`

const partition = (names: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  names.length > 0 ? sql`partition by ${sql.join(names)}` : sql``

function groupsOf({ bucketMs, view, metric, dimensions }: MetricQuery, kind: DatabaseKind): RawBuilder<unknown>[] {
  const measure = measureOf(view, metric)
  const bucket =
    bucketMs === undefined
      ? []
      : [sql`${flooredDivision(measure.bucketTime, measure.perMs * bucketMs, kind)} * ${bucketMs}`]
  return [...bucket, ...dimensions.map((dimension) => measure.dimensions[dimension]!)]
}

/** Both databases cut towards zero. */
const flooredDivision = (time: RawBuilder<unknown>, by: number, kind: DatabaseKind): RawBuilder<unknown> =>
  kind === 'postgres'
    ? sql`((${time} - case when ${time} < 0 then ${by}::bigint - 1 else 0 end) / ${by}::bigint)`
    : sql`((${time} - case when ${time} < 0 then ${by} - 1 else 0 end) / cast(${by} as integer))`

/** What both databases hold. */
const largest = 2n ** 63n - 1n

function inUnits(ms: number, perMs: number): bigint {
  const time = BigInt(ms) * BigInt(perMs)
  return time > largest ? largest : time < -largest ? -largest : time
}

function valuesOf(query: MetricQuery, groups: readonly RawBuilder<unknown>[], kind: DatabaseKind): RawBuilder<unknown> {
  const { experimentIds, fromMs, toMs, filters } = query
  const measure = measureOf(query.view, query.metric)
  const conditions = [
    experimentIds.length === 0 ? sql`1 = 0` : sql`t.experiment_id in (${sql.join([...experimentIds])})`,
    sql`${measure.value} is not null`,
    ...measure.conditions,
    ...groups.map((group) => sql`${group} is not null`),
    ...(fromMs === undefined ? [] : [sql`${measure.rangeTime} >= ${inUnits(fromMs, measure.rangePerMs)}`]),
    ...(toMs === undefined ? [] : [sql`${measure.rangeTime} < ${inUnits(toMs + 1, measure.rangePerMs)}`]),
    ...filters.map((filter) => metricCondition(filter, query.view, kind)),
  ]
  const columns = [
    ...groups.map((group, index) => sql`${group} as ${sql.ref(`g${index}`)}`),
    sql`${measure.value} as value`,
  ]
  return sql`select ${measure.isDistinct ? sql`distinct` : sql``} ${sql.join(columns)} from ${measure.from} where ${sql.join(conditions, sql` and `)}`
}

function aggregated(aggregation: Aggregation, index: number): RawBuilder<unknown> {
  const name = sql.ref(`a${index}`)
  switch (aggregation.type) {
    case 'COUNT':
      return sql`count(*) as ${name}`
    case 'SUM':
      return sql`sum(value) as ${name}`
    case 'AVG':
      return sql`avg(value) as ${name}`
    case 'MIN':
      return sql`min(value) as ${name}`
    case 'MAX':
      return sql`max(value) as ${name}`
    case 'PERCENTILE': {
      // Between the values at the ranks around (size - 1) p: one of them where it is whole.
      const place = sql`((size - 1) * ${aggregation.percentile} / 100.0)`
      const share = sql`(1 - abs(${place} - (rank - 1)))`
      return sql`sum(case when abs(${place} - (rank - 1)) < 1 then value * ${share} end) as ${name}`
    }
  }
}

function pointOf(
  row: Readonly<Record<string, unknown>>,
  { bucketMs, dimensions, aggregations }: MetricQuery,
): MetricPoint {
  const first = bucketMs === undefined ? 0 : 1
  const values = aggregations.map((_, index) => {
    const value = row[`a${index}`]
    return value === null || value === undefined ? null : Number(value)
  })
  const named = dimensions.map((dimension, index) => [dimension, String(row[`g${first + index}`])])
  return {
    ...(bucketMs === undefined ? {} : { bucketMs: Number(row['g0']) }),
    dimensions: Object.fromEntries(named) as Record<string, string>,
    values,
  }
}
