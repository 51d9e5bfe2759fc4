// The table prediction: what was answered, kept until its retention ends, so that an outcome can find it.
import { sql } from 'kysely'
import { isAmong } from '../../platform/among.ts'
import { insertRows, type BulkInsert } from '../../platform/bulk-insert.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { PredictionRecord } from '../../serving/gateway-report.ts'
import { weightPpmOf } from './arm.ts'
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

const insert: BulkInsert = {
  table: 'prediction',
  columns: {
    id: 'text',
    endpoint: 'text',
    version: 'text',
    role: 'text',
    weight_ppm: 'integer',
    event_time_ms: 'bigint',
    at_ms: 'bigint',
    output: 'text',
    shadows: 'text',
  },
  after: 'on conflict (id) do nothing returning id',
}

function cellsOf(record: PredictionRecord): unknown[] {
  const { id, endpoint, version, role, assignedWith, eventTimeMs, atMs, output, shadows } = record
  const others = shadows.length > 0 ? JSON.stringify(shadows) : null
  return [id, endpoint, version, role, weightPpmOf(assignedWith), eventTimeMs, atMs, JSON.stringify(output), others]
}

/** Stores those whose id is new; answers them in order. */
export async function insertPredictions(
  trx: Transaction<Tables>,
  records: readonly PredictionRecord[],
): Promise<StoredPrediction[]> {
  const inserted = await insertRows<{ id: string }>(trx, insert, records.map(cellsOf))
  const isNew = new Set(inserted.map((row) => row.id))
  return records
    .filter(({ id }) => isNew.delete(id))
    .map(({ assignedWith, ...record }) => ({ ...record, weightPpm: weightPpmOf(assignedWith) }))
}

/** By id; ids that are not there are left out. */
export async function findPredictions(db: Db<Tables>, ids: readonly string[]): Promise<Map<string, StoredPrediction>> {
  const rows = await on(db)
    .selectFrom('prediction')
    .select(columns)
    .where(isAmong(db, 'id', ids))
    .execute()
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
  const rows = await on(db)
    .selectFrom('outcome')
    .select(outcomeColumns)
    .where(isAmong(db, 'prediction_id', ids))
    .execute()
  return new Map(rows.map((row) => [row.prediction_id, row]))
}

/** The outcomes among these that came before their prediction. */
export const findUnmatchedOutcomes = (db: Db<Tables>, ids: readonly string[]): Promise<OutcomeRow[]> =>
  on(db)
    .selectFrom('outcome')
    .select(outcomeColumns)
    // As a literal, since the index is of these alone.
    .where('state', '=', sql.lit('unmatched'))
    .where(isAmong(db, 'prediction_id', ids))
    .execute()

const outcomeInsert: BulkInsert = {
  table: 'outcome',
  columns: {
    prediction_id: 'text',
    value: 'text',
    revision: 'integer',
    received_ms: 'bigint',
    observed_ms: 'bigint',
    state: 'text',
  },
  after: `on conflict (prediction_id) do update set ${outcomeColumns
    .slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`,
}

/** Writes the newest state of each outcome. */
export async function putOutcomes(trx: Transaction<Tables>, rows: readonly OutcomeRow[]): Promise<void> {
  const cells = rows.map((row) => outcomeColumns.map((column) => row[column]))
  await insertRows(trx, outcomeInsert, cells)
}
