// The only file that reads the table metric_point.
import { sql, type CompiledQuery, type SqlBool, type RawBuilder } from 'kysely'
import { on, type Db } from '../../platform/database.ts'
import type { Integer } from '../metric.ts'
import type { StoredPoint } from '../metrics/bucket.ts'
import type { ExperimentTables } from '../tables.ts'

const pageRows = 10_000

export interface PointRow {
  step: Integer
  at_ms: Integer
  value: number
  is_nan: number
}

export const pointOf = (row: PointRow): StoredPoint => ({
  step: row.step,
  atMs: row.at_ms,
  value: row.value,
  isNan: row.is_nan as StoredPoint['isNan'],
})

export type PointOrder = 'step' | 'time'

export interface PointQuery {
  readonly series: number
  /** `step`: the order of the key, by step, time, value, NaN after 0; `time`: time before step. */
  readonly order: PointOrder
  readonly after?: StoredPoint | undefined
  /** Both within. */
  readonly fromStep?: Integer | undefined
  readonly toStep?: Integer | undefined
  readonly limit?: number | undefined
}

export function pointQuery(db: Db<ExperimentTables>, query: PointQuery): CompiledQuery<PointRow> {
  const { series, order, after, fromStep, toStep, limit } = query
  const first: RawBuilder<unknown> = order === 'step' ? sql`step, at_ms` : sql`at_ms, step`
  let points = on(db)
    .selectFrom('metric_point')
    .select(['step', 'at_ms', 'value', 'is_nan'])
    .where('series', '=', series)
  if (fromStep !== undefined) points = points.where('step', '>=', fromStep)
  if (toStep !== undefined) points = points.where('step', '<=', toStep)
  if (after) {
    const { step, atMs, value, isNan } = after
    const [major, minor] = order === 'step' ? [step, atMs] : [atMs, step]
    points = points.where(sql<SqlBool>`(${first}, value, is_nan) > (${major}, ${minor}, ${value}, ${isNan})`)
  }
  points = points.orderBy(sql`${first}, value, is_nan`)
  return (limit === undefined ? points : points.limit(limit)).compile()
}

export interface StepRange {
  /** Both within. */
  readonly from: Integer
  readonly to: Integer
}

export const countPoints = (
  db: Db<ExperimentTables>,
  series: number,
  { from, to }: StepRange,
): CompiledQuery<{ points: number }> =>
  sql<{ points: number }>`select count(*) as points from metric_point
    where series = ${series} and step between ${from} and ${to}`.compile(on(db))

/** All points in order of step, on the connection. */
export async function* readPointPages(db: Db<ExperimentTables>, series: number): AsyncGenerator<StoredPoint[]> {
  let after: StoredPoint | undefined
  for (;;) {
    const { rows } = await on(db).executeQuery(pointQuery(db, { series, order: 'step', after, limit: pageRows }))
    const page = rows.map(pointOf)
    if (page.length > 0) yield page
    after = page.at(-1)
    if (page.length < pageRows) return
  }
}
