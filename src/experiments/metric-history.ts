// Reading a metric's points as they are: all in order of time, page by page, or a few that stand for all.
import { sql } from 'kysely'
import { on, type Db } from '../platform/database.ts'
import type { Reader } from '../platform/reader.ts'
import type { Integer, MetricPoint } from './metric.ts'
import { storedValue, type StoredPoint } from './metrics/bucket.ts'
import type { Series } from './metrics/series.ts'
import { findSeries } from './stores/metric-store.ts'
import { pointOf, pointQuery, type PointRow } from './stores/point-store.ts'
import type { ExperimentTables } from './tables.ts'

export interface HistoryDeps {
  readonly db: Db<ExperimentTables>
  readonly reader: Reader
}

export type Measured = Omit<MetricPoint, 'key'>

const measuredOf = ({ step, atMs, value, isNan }: StoredPoint): Measured => ({
  step,
  atMs,
  value: isNan ? Number.NaN : value,
})

export interface HistoryQuery {
  readonly runId: string
  readonly key: string
  /** All by default. */
  readonly limit?: number | undefined
  /** The last point of the page before. */
  readonly after?: Measured | undefined
}

/** Points in order of time, step, value (NaN after 0 in a tie), in chunks: no more than one is held. None of a metric that is not there. */
export async function* streamHistory({ db, reader }: HistoryDeps, query: HistoryQuery): AsyncGenerator<Measured[]> {
  const { runId, key, limit } = query
  const series = await findSeries(db, runId, key)
  if (!series) return
  // Where the order by step is that by time, the points need no sorting.
  const order = series.isOrdered ? 'step' : 'time'
  const after = query.after && { step: query.after.step, atMs: query.after.atMs, ...storedValue(query.after.value) }
  const rows = reader.rows(pointQuery(db, { series: series.id, order, after, limit }))
  for await (const chunk of rows) yield chunk.map((row) => measuredOf(pointOf(row)))
}

/** {@link streamHistory} as one list. */
export async function readHistory(deps: HistoryDeps, query: HistoryQuery & { limit: number }): Promise<Measured[]> {
  const points: Measured[] = []
  for await (const chunk of streamHistory(deps, query)) points.push(...chunk)
  return points
}

export interface SampleQuery {
  readonly runId: string
  readonly key: string
  /** Points to answer, at most. */
  readonly limit: number
  /** Both within. */
  readonly steps?: { readonly from: Integer; readonly to: Integer } | undefined
}

/**
 * Points in order of step, time and value: all, or where there are more than `limit`, the first of each of `limit` parts that are as equal as
 * can be, and the last of all in place of the last part's.
 */
export async function samplePoints({ db, reader }: HistoryDeps, query: SampleQuery): Promise<Measured[]> {
  const series = await findSeries(db, query.runId, query.key)
  if (!series) return []
  const { limit, steps } = query
  const points = steps ? await countPoints({ db, reader }, { series, steps }) : series.points
  if (points <= limit) {
    const all = pointQuery(db, { series: series.id, order: 'step', fromStep: steps?.from, toStep: steps?.to })
    return (await reader.all(all)).map((row) => measuredOf(pointOf(row)))
  }
  const size = Math.floor(points / limit)
  const larger = points % limit // So many parts, the first ones, have one point more.
  const start = larger * (size + 1) // Of the first smaller part.
  const rows = await reader.all(
    sql<PointRow>`select step, at_ms, value, is_nan from (
        select step, at_ms, value, is_nan, row_number() over (order by step, at_ms, value, is_nan) - 1 as place
        from metric_point where series = ${series.id} ${within(steps)}
      ) as placed
      where (place < ${start} and place % ${size + 1} = 0) or (place >= ${start} and (place - ${start}) % ${size} = 0)
        or place = ${points - 1}
      order by place`.compile(on(db)),
  )
  const sample = rows.length > limit ? [...rows.slice(0, limit - 1), rows.at(-1)!] : rows
  return sample.map((row) => measuredOf(pointOf(row)))
}

const within = (steps: SampleQuery['steps']): ReturnType<typeof sql> =>
  steps ? sql`and step between ${steps.from} and ${steps.to}` : sql``

async function countPoints(
  { db, reader }: HistoryDeps,
  { series, steps }: { series: Series; steps: SampleQuery['steps'] },
): Promise<number> {
  const count = sql<{ points: number }>`select count(*) as points from metric_point
    where series = ${series.id} ${within(steps)}`
  const [found] = await reader.all(count.compile(on(db)))
  return found!.points
}
