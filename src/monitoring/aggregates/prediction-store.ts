// The table prediction: what was answered, kept until its retention ends, so that an outcome can find it.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { PredictionRecord } from '../../serving/gateway-report.ts'
import { weightPpmOf } from './arm.ts'
import { insertRows, selectByIds } from './bulk.ts'
import type { MonitoringTables, OutcomeRow, PredictionRow } from '../tables.ts'

type Tables = Pick<MonitoringTables, 'prediction' | 'outcome'>

/** What other versions said of the same row; null: the version failed on it. */
export type ShadowOutput = PredictionRecord['shadows'][number]

export type StoredPrediction = Omit<PredictionRecord, 'assignedWith'> & { readonly weightPpm: number }

const columns = [
  'id',
  'endpoint',
  'version',
  'role',
  'weight_ppm',
  'event_time_ms',
  'at_ms',
  'output',
  'shadows',
] as const

export function predictionOfRow(row: PredictionRow): StoredPrediction {
  return {
    id: row.id,
    endpoint: row.endpoint,
    version: row.version,
    role: row.role as PredictionRecord['role'],
    weightPpm: row.weight_ppm,
    eventTimeMs: row.event_time_ms,
    atMs: row.at_ms,
    output: JSON.parse(row.output) as number[],
    shadows: row.shadows === null ? [] : (JSON.parse(row.shadows) as ShadowOutput[]),
  }
}

/** Stores those whose id is new; answers them in order. */
export async function insertPredictions(
  trx: Transaction<Tables>,
  records: readonly PredictionRecord[],
): Promise<StoredPrediction[]> {
  const rows = records.map(({ assignedWith, eventTimeMs, atMs, output, shadows, ...rest }) => ({
    ...rest,
    weight_ppm: weightPpmOf(assignedWith),
    event_time_ms: eventTimeMs,
    at_ms: atMs,
    output: JSON.stringify(output),
    shadows: shadows.length > 0 ? JSON.stringify(shadows) : null,
  }))
  const inserted = (await insertRows(trx, {
    table: 'prediction',
    columns,
    rows,
    ending: 'on conflict (id) do nothing returning id',
  })) as { id: string }[]
  const isNew = new Set(inserted.map((row) => row.id))
  return records
    .filter(({ id }) => isNew.delete(id))
    .map(({ assignedWith, ...record }) => ({ ...record, weightPpm: weightPpmOf(assignedWith) }))
}

/** By id; ids that are not there are left out. */
export async function findPredictions(db: Db<Tables>, ids: readonly string[]): Promise<Map<string, StoredPrediction>> {
  const select = `select ${columns.join(', ')} from prediction where id in`
  const rows = (await selectByIds(db, select, ids)) as PredictionRow[]
  return new Map(rows.map((row) => [row.id, predictionOfRow(row)]))
}

/** Newest first. */
export async function listPredictions(
  db: Db<Tables>,
  { endpoint, beforeMs, limit }: { endpoint: string; beforeMs?: number | undefined; limit: number },
): Promise<StoredPrediction[]> {
  let query = on(db).selectFrom('prediction').selectAll().where('endpoint', '=', endpoint)
  if (beforeMs !== undefined) query = query.where('at_ms', '<', beforeMs)
  const rows = await query.orderBy('at_ms', 'desc').orderBy('id', 'desc').limit(limit).execute()
  return rows.map(predictionOfRow)
}

const outcomeColumns = ['prediction_id', 'value', 'revision', 'received_ms', 'observed_ms', 'state'] as const

export async function findOutcomes(db: Db<Tables>, ids: readonly string[]): Promise<Map<string, OutcomeRow>> {
  const select = `select ${outcomeColumns.join(', ')} from outcome where prediction_id in`
  const rows = (await selectByIds(db, select, ids)) as OutcomeRow[]
  return new Map(rows.map((row) => [row.prediction_id, row]))
}

/** The outcomes among these that came before their prediction. */
export async function findUnmatchedOutcomes(db: Db<Tables>, ids: readonly string[]): Promise<OutcomeRow[]> {
  const select = `select ${outcomeColumns.join(', ')} from outcome where state = 'unmatched' and prediction_id in`
  return (await selectByIds(db, select, ids)) as OutcomeRow[]
}

/** Writes the newest state of each outcome. */
export async function putOutcomes(trx: Transaction<Tables>, rows: readonly OutcomeRow[]): Promise<void> {
  const change = outcomeColumns.slice(1).map((column) => `${column} = excluded.${column}`)
  await insertRows(trx, {
    table: 'outcome',
    columns: outcomeColumns,
    rows,
    ending: `on conflict (prediction_id) do update set ${change.join(', ')}`,
  })
}
