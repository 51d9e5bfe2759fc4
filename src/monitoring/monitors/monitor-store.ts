// The tables monitor and monitor_result: definitions, and what each window gave.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { MonitorResult, Monitor, ResultState } from '../monitor.ts'
import type { MonitoringTables, MonitorResultRow } from '../tables.ts'

/** A definition and how far it was evaluated. */
export interface StoredMonitor {
  readonly endpoint: string
  readonly monitor: Monitor
  readonly revision: number
  /** End of the newest window with a result; null: none yet. */
  readonly evaluatedToMs: number | null
}

export async function listMonitors(db: Db<MonitoringTables>, endpoint: string): Promise<StoredMonitor[]> {
  const rows = await on(db).selectFrom('monitor').selectAll().where('endpoint', '=', endpoint).orderBy('name').execute()
  return rows.map((row) => ({
    endpoint: row.endpoint,
    monitor: JSON.parse(row.definition) as Monitor,
    revision: row.revision,
    evaluatedToMs: row.evaluated_to_ms,
  }))
}

export async function putMonitor(
  trx: Transaction<MonitoringTables>,
  { endpoint, monitor, revision, evaluatedToMs, setAtMs }: StoredMonitor & { readonly setAtMs: number },
): Promise<void> {
  const change = {
    definition: JSON.stringify(monitor),
    revision,
    evaluated_to_ms: evaluatedToMs,
    set_at_ms: setAtMs,
  }
  await on(trx)
    .insertInto('monitor')
    .values({ endpoint, name: monitor.name, ...change })
    .onConflict((c) => c.columns(['endpoint', 'name']).doUpdateSet(change))
    .execute()
}

export async function deleteMonitor(
  trx: Transaction<MonitoringTables>,
  { endpoint, name }: { endpoint: string; name: string },
): Promise<void> {
  await on(trx).deleteFrom('monitor').where('endpoint', '=', endpoint).where('name', '=', name).execute()
}

export async function markEvaluated(
  trx: Transaction<MonitoringTables>,
  { endpoint, name, toMs }: { endpoint: string; name: string; toMs: number },
): Promise<void> {
  await on(trx)
    .updateTable('monitor')
    .set({ evaluated_to_ms: toMs })
    .where('endpoint', '=', endpoint)
    .where('name', '=', name)
    .execute()
}

function resultOf(row: MonitorResultRow): MonitorResult {
  return {
    endpoint: row.endpoint,
    monitor: row.monitor,
    revision: row.revision,
    windowStartMs: row.window_start_ms,
    windowEndMs: row.window_end_ms,
    version: row.version,
    state: row.state as ResultState,
    value: row.value,
    low: row.low,
    high: row.high,
    rows: row.rows,
    coverage: row.coverage,
    final: row.final === 1,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    evaluatedMs: row.evaluated_ms,
  }
}

export async function putResult(trx: Transaction<MonitoringTables>, result: MonitorResult): Promise<void> {
  const { endpoint, monitor, revision, windowEndMs, windowStartMs, evaluatedMs, detail, final, ...rest } = result
  const change = {
    ...rest,
    window_start_ms: windowStartMs,
    final: final ? 1 : 0,
    detail: JSON.stringify(detail),
    evaluated_ms: evaluatedMs,
  }
  await on(trx)
    .insertInto('monitor_result')
    .values({ endpoint, monitor, revision, window_end_ms: windowEndMs, ...change })
    .onConflict((c) => c.columns(['endpoint', 'monitor', 'revision', 'window_end_ms']).doUpdateSet(change))
    .execute()
}

/** Newest first; those of windows that ended before `beforeMs`. */
export async function listResults(
  db: Db<MonitoringTables>,
  filter: { endpoint: string; monitor?: string | undefined; beforeMs?: number | undefined; limit: number },
): Promise<MonitorResult[]> {
  let query = on(db).selectFrom('monitor_result').selectAll().where('endpoint', '=', filter.endpoint)
  if (filter.monitor !== undefined) query = query.where('monitor', '=', filter.monitor)
  if (filter.beforeMs !== undefined) query = query.where('window_end_ms', '<', filter.beforeMs)
  const rows = await query.orderBy('window_end_ms', 'desc').orderBy('monitor').limit(filter.limit).execute()
  return rows.map(resultOf)
}

export interface MonitorOfVersion {
  readonly endpoint: string
  readonly monitor: string
  readonly revision: number
  readonly version: string
}

/** Every window's state for one version, oldest first: what hysteresis is replayed on. */
export async function listStates(db: Db<MonitoringTables>, of: MonitorOfVersion): Promise<ResultState[]> {
  const rows = await on(db)
    .selectFrom('monitor_result')
    .select('state')
    .where('endpoint', '=', of.endpoint)
    .where('monitor', '=', of.monitor)
    .where('revision', '=', of.revision)
    .where('version', '=', of.version)
    .orderBy('window_end_ms')
    .execute()
  return rows.map(({ state }) => state as ResultState)
}

/** Windows since `sinceMs` whose value outcomes may still change, oldest first. */
export async function listProvisional(
  db: Db<MonitoringTables>,
  of: MonitorOfVersion & { readonly sinceMs: number },
): Promise<MonitorResult[]> {
  const rows = await on(db)
    .selectFrom('monitor_result')
    .selectAll()
    .where('endpoint', '=', of.endpoint)
    .where('monitor', '=', of.monitor)
    .where('revision', '=', of.revision)
    .where('version', '=', of.version)
    .where('final', '=', 0)
    .where('window_end_ms', '>', of.sinceMs)
    .orderBy('window_end_ms')
    .execute()
  return rows.map(resultOf)
}
