// The only file that writes the tables run_metric and metric_point: points are appended, and what is known of each series is kept up with them.
import { isAmong } from '../../platform/among.ts'
import { insertRows, type BulkInsert } from '../../platform/bulk-insert.ts'
import { databaseKind, on, type Db, type Transaction } from '../../platform/database.ts'
import { textQuery } from '../../platform/text-query.ts'
import { withPoint, type MetricPoint, type MetricSummary } from '../metric.ts'
import { compareStored, storedValue, type StoredPoint } from '../metrics/bucket.ts'
import { arePointsOrdered, isAfter, isBefore, type Series } from '../metrics/series.ts'
import type { ExperimentTables } from '../tables.ts'
import { addToBuckets } from './bucket-builder.ts'

type Row = ExperimentTables['run_metric']

const summaryOf = (row: Pick<Row, (typeof summaryColumns)[number]>): MetricSummary => ({
  latest: row.latest_is_nan ? Number.NaN : row.latest,
  step: row.step,
  atMs: row.at_ms,
  min: row.min_value,
  max: row.max_value,
})

const summaryColumns = ['run_id', 'key', 'latest', 'latest_is_nan', 'step', 'at_ms', 'min_value', 'max_value'] as const
type SeriesRow = Pick<Row, (typeof seriesColumns)[number]> & { readonly series: number }
const seriesColumns = [...summaryColumns, 'series', 'points', 'is_ordered', 'bucket_bits'] as const

/** Of many runs, by run id; of each in the order in which its keys came first. */
export async function readSummaries(
  db: Db<ExperimentTables>,
  runIds: readonly string[],
): Promise<Map<string, Record<string, MetricSummary>>> {
  if (runIds.length === 0) return new Map()
  const found = new Map<string, [string, MetricSummary][]>()
  const rows = await on(db)
    .selectFrom('run_metric')
    .select(summaryColumns)
    .where(isAmong(db, 'run_id', runIds))
    .orderBy('run_id')
    .orderBy('series')
    .execute()
  for (const row of rows) {
    const entries = found.get(row.run_id) ?? []
    entries.push([row.key, summaryOf(row)])
    found.set(row.run_id, entries)
  }
  return new Map([...found].map(([runId, entries]) => [runId, Object.fromEntries(entries)]))
}

export async function findSeries(db: Db<ExperimentTables>, runId: string, key: string): Promise<Series | undefined> {
  const [found] = await readSeries(db, runId, [key])
  return found
}

export interface RunPoints {
  readonly runId: string
  readonly points: readonly MetricPoint[]
}

/** Adds points of one run or of several, each run once; a point that is there already, to the bit, changes nothing. */
export async function addPoints(trx: Transaction<ExperimentTables>, runs: readonly RunPoints[]): Promise<void> {
  const appends: Append[] = []
  for (const run of runs) for (const append of await appendsOf(trx, run)) appends.push(append)
  if (appends.length === 0) return
  await insertDoubtful(trx, appends)
  await putSeries(trx, appends)
  const rows = appends.flatMap(({ series, fresh }) => fresh.map((point) => rowOf(series.id, point)))
  await insertRows(trx, pointInsert('on conflict do nothing'), rows)
  await addToBuckets(
    trx,
    appends.map(({ series, added }) => ({ series, added })),
  )
}

/** What comes to one series. */
interface Append {
  readonly before: Series | undefined
  series: Series
  /** Later than all that are there: each is new. In order, none twice. */
  readonly fresh: readonly StoredPoint[]
  /** Of these the table tells which are new. */
  readonly doubtful: readonly StoredPoint[]
  /** The new ones, in order. */
  added: readonly StoredPoint[]
}

async function appendsOf(trx: Transaction<ExperimentTables>, { runId, points }: RunPoints): Promise<Append[]> {
  if (points.length === 0) return []
  const byKey = Map.groupBy(points, ({ key }) => key)
  const known = new Map((await readSeries(trx, runId, [...byKey.keys()])).map((series) => [series.key, series]))
  return [...byKey].map(([key, group]) => {
    const before = known.get(key)
    const summary = group.reduce<MetricSummary | undefined>(withPoint, before?.summary)!
    const isNew = { id: 0, runId, key, points: 0, isOrdered: true, bucketBits: null }
    const sorted = inOrder(group.map(storedOf))
    const isFresh = !before || isAfter(sorted[0]!, before.summary)
    const fresh = isFresh ? sorted : sorted.filter((point) => isAfter(point, before.summary))
    const series = { ...(before ?? isNew), summary }
    const isOrdered = series.isOrdered && arePointsOrdered(fresh, before?.summary)
    return {
      before,
      series: { ...series, isOrdered, points: series.points + fresh.length },
      fresh,
      doubtful: isFresh ? [] : sorted.filter((point) => !isAfter(point, before.summary)),
      added: fresh,
    }
  })
}

function storedOf({ step, atMs, value }: MetricPoint): StoredPoint {
  const stored = storedValue(value)
  return { step, atMs, value: stored.value, isNan: stored.isNan }
}

/** Sorted, none twice. Most come so. */
function inOrder(points: readonly StoredPoint[]): readonly StoredPoint[] {
  if (points.every((point, at) => at === 0 || compareStored(points[at - 1]!, point) < 0)) return points
  const sorted = points.toSorted(compareStored)
  return sorted.filter((point, at) => at === 0 || compareStored(sorted[at - 1]!, point) !== 0)
}

const pointInsert = (after: string): BulkInsert => ({
  table: 'metric_point',
  columns: { series: 'bigint', step: 'bigint', at_ms: 'bigint', value: 'double precision', is_nan: 'integer' },
  after,
})

const rowOf = (series: number, { step, atMs, value, isNan }: StoredPoint): unknown[] => [
  series,
  step,
  atMs,
  value,
  isNan,
]

/** Points that come late, or twice: those that were not there count. As text: what writes cannot answer integers beyond 2^53. */
async function insertDoubtful(trx: Transaction<ExperimentTables>, appends: readonly Append[]): Promise<void> {
  const rows = appends.flatMap(({ series, doubtful }) => doubtful.map((point) => rowOf(series.id, point)))
  if (rows.length === 0) return
  const returning = `on conflict do nothing
    returning series, cast(step as text) as step, cast(at_ms as text) as at_ms, value, is_nan`
  type Written = { series: number; step: string; at_ms: string; value: number; is_nan: number }
  const written = await insertRows<Written>(trx, pointInsert(returning), rows)
  const isWritten = new Set(written.map((row) => [row.series, row.step, row.at_ms, row.value, row.is_nan].join(' ')))
  for (const append of appends) {
    const late = append.doubtful.filter((point) => isWritten.has(rowOf(append.series.id, point).join(' ')))
    if (late.length === 0) continue
    append.added = [...late, ...append.fresh]
    // One of the latest's own moment is in its place; whether an earlier one is by time as well would have to be looked up.
    const isOrdered = append.series.isOrdered && !late.some((point) => isBefore(point, append.before!.summary))
    append.series = { ...append.series, points: append.series.points + late.length, isOrdered }
  }
}

async function readSeries(db: Db<ExperimentTables>, runId: string, keys: readonly string[]): Promise<Series[]> {
  const isPostgres = databaseKind(db) === 'postgres'
  const isOne = isPostgres ? 'key = any(?)' : 'key in (select value from json_each(?))'
  const [condition, wanted] =
    keys.length === 1 ? ['key = ?', keys[0]!] : [isOne, isPostgres ? [...keys] : JSON.stringify(keys)]
  const text = `select ${seriesColumns.join(', ')} from run_metric where run_id = ? and ${condition}`
  const { rows } = await on(db).executeQuery(textQuery<SeriesRow>(db, text, [runId, wanted]))
  return rows.map((row) => ({
    id: row.series,
    runId,
    key: row.key,
    summary: summaryOf(row),
    points: row.points,
    isOrdered: row.is_ordered === 1,
    bucketBits: row.bucket_bits,
  }))
}

const changing = ['latest', 'latest_is_nan', 'step', 'at_ms', 'min_value', 'max_value', 'points', 'is_ordered']

const seriesInsert: BulkInsert = {
  table: 'run_metric',
  columns: {
    run_id: 'text',
    key: 'text',
    latest: 'double precision',
    latest_is_nan: 'integer',
    step: 'bigint',
    at_ms: 'bigint',
    min_value: 'double precision',
    max_value: 'double precision',
    points: 'bigint',
    is_ordered: 'integer',
  },
  after: `on conflict (run_id, key) do update set ${changing.map((column) => `${column} = excluded.${column}`).join(', ')}`,
}

/** Writes what is known of each series; new ones get their id. */
async function putSeries(trx: Transaction<ExperimentTables>, appends: readonly Append[]): Promise<void> {
  const isNew = (append: Append): boolean => append.series.id === 0
  const changed = appends.filter((append) => !isNew(append) && append.added.length > 0)
  const known = changed.toSorted((a, b) => a.series.id - b.series.id) // In one order for all writers: no two wait for each other.
  await insertRows(trx, seriesInsert, known.map(seriesRow))
  const begun = appends.filter(isNew)
  const returning = { ...seriesInsert, after: 'returning series, run_id, key' }
  const rows = await insertRows<Pick<Row, 'run_id' | 'key'> & { series: number }>(trx, returning, begun.map(seriesRow))
  const ids = new Map(rows.map((row) => [JSON.stringify([row.run_id, row.key]), row.series]))
  for (const append of begun) {
    const { runId, key } = append.series
    append.series = { ...append.series, id: ids.get(JSON.stringify([runId, key]))! }
  }
}

function seriesRow({ series: { runId, key, summary, points, isOrdered } }: Append): unknown[] {
  const { value, isNan } = storedValue(summary.latest)
  const { step, atMs, min, max } = summary
  return [runId, key, value, isNan, step, atMs, min, max, points, isOrdered ? 1 : 0]
}
