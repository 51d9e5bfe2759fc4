// Reading a metric's points as they are, in order of time.
import type { Db } from '../platform/database.ts'
import type { Reader } from '../platform/reader.ts'
import type { MetricPoint } from './metric.ts'
import { storedValue } from './metrics/bucket.ts'
import { findSeries } from './stores/metric-store.ts'
import { pointQuery, type PointRow } from './stores/point-store.ts'
import type { ExperimentTables } from './tables.ts'

export interface HistoryDeps {
  readonly db: Db<ExperimentTables>
  readonly reader: Reader
}

export type Measured = Omit<MetricPoint, 'key'>

export const measuredOf = (row: PointRow): Measured => ({
  step: row.step,
  atMs: row.at_ms,
  value: row.is_nan ? Number.NaN : row.value,
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
  for await (const chunk of rows) yield chunk.map(measuredOf)
}

/** {@link streamHistory} as one list. */
export async function readHistory(deps: HistoryDeps, query: HistoryQuery & { limit: number }): Promise<Measured[]> {
  const points: Measured[] = []
  for await (const chunk of streamHistory(deps, query)) points.push(...chunk)
  return points
}
