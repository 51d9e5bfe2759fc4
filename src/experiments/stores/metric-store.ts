// The only file that reads or writes the tables run_metric and metric_point.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { withPoint, type MetricPoint, type MetricSummary } from '../metric.ts'
import { chunksOf, type ExperimentTables } from '../tables.ts'

type Row = ExperimentTables['run_metric']

const summaryOf = (row: Omit<Row, 'series'>): MetricSummary => ({
  latest: row.latest_is_nan ? Number.NaN : row.latest,
  step: row.step,
  atMs: row.at_ms,
  min: row.min_value,
  max: row.max_value,
})

const summaryColumns = ['run_id', 'key', 'latest', 'latest_is_nan', 'step', 'at_ms', 'min_value', 'max_value'] as const

/** Of many runs, by run id. */
export async function readSummaries(
  db: Db<ExperimentTables>,
  runIds: readonly string[],
): Promise<Map<string, Record<string, MetricSummary>>> {
  if (runIds.length === 0) return new Map()
  const found = new Map<string, [string, MetricSummary][]>()
  const rows = await on(db)
    .selectFrom('run_metric')
    .select(summaryColumns)
    .where('run_id', 'in', [...runIds])
    .orderBy('run_id')
    .orderBy('key')
    .execute()
  for (const row of rows) {
    const entries = found.get(row.run_id) ?? []
    entries.push([row.key, summaryOf(row)])
    found.set(row.run_id, entries)
  }
  return new Map([...found].map(([runId, entries]) => [runId, Object.fromEntries(entries)]))
}

/** Adds points; one that is there already, to the bit, changes nothing. */
export async function addPoints(
  trx: Transaction<ExperimentTables>,
  runId: string,
  points: readonly MetricPoint[],
): Promise<void> {
  if (points.length === 0) return
  const keys = [...new Set(points.map(({ key }) => key))].toSorted()
  const summaries = await readKeys(trx, runId, keys)
  for (const { key, ...point } of points) summaries.set(key, withPoint(summaries.get(key), point))
  const series = await putSummaries(trx, runId, summaries)
  for (const chunk of chunksOf(points)) {
    const rows = chunk.map(({ key, step, atMs, value }) => ({
      series: series.get(key)!,
      step,
      at_ms: atMs,
      ...storedNumber(value),
    }))
    await on(trx)
      .insertInto('metric_point')
      .values(rows)
      .onConflict((c) => c.doNothing())
      .execute()
  }
}

/** NaN apart; -0 becomes 0, since PostgreSQL's driver does not carry its sign. */
const storedNumber = (value: number): { value: number; is_nan: number } =>
  Number.isNaN(value) ? { value: 0, is_nan: 1 } : { value: value + 0, is_nan: 0 }

async function readKeys(
  trx: Transaction<ExperimentTables>,
  runId: string,
  keys: readonly string[],
): Promise<Map<string, MetricSummary>> {
  const rows = await on(trx)
    .selectFrom('run_metric')
    .select(summaryColumns)
    .where('run_id', '=', runId)
    .where('key', 'in', [...keys])
    .execute()
  return new Map(rows.map((row) => [row.key, summaryOf(row)]))
}

async function putSummaries(
  trx: Transaction<ExperimentTables>,
  runId: string,
  summaries: ReadonlyMap<string, MetricSummary>,
): Promise<Map<string, number>> {
  const series = new Map<string, number>()
  // In one order for all writers: no two wait for each other.
  const rows = [...summaries]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, summary]) => {
      const { value, is_nan } = storedNumber(summary.latest)
      const { step, atMs, min, max } = summary
      const bounds = { min_value: min, max_value: max }
      return { run_id: runId, key, latest: value, latest_is_nan: is_nan, step, at_ms: atMs, ...bounds }
    })
  for (const chunk of chunksOf(rows)) {
    const stored = await on(trx)
      .insertInto('run_metric')
      .values(chunk)
      .onConflict((c) =>
        c.columns(['run_id', 'key']).doUpdateSet((eb) => ({
          latest: eb.ref('excluded.latest'),
          latest_is_nan: eb.ref('excluded.latest_is_nan'),
          step: eb.ref('excluded.step'),
          at_ms: eb.ref('excluded.at_ms'),
          min_value: eb.ref('excluded.min_value'),
          max_value: eb.ref('excluded.max_value'),
        })),
      )
      .returning(['series', 'key'])
      .execute()
    for (const row of stored) series.set(row.key, row.series)
  }
  return series
}
