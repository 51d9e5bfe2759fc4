// The table alert: at most one of a monitor is not resolved.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { Alert, AlertEvidence } from '../alert.ts'
import type { AlertRow, MonitoringTables } from '../tables.ts'

const alertOf = (row: AlertRow): Alert => ({
  id: row.id,
  endpoint: row.endpoint,
  monitor: row.monitor,
  version: row.version,
  state: row.state as Alert['state'],
  evidence: JSON.parse(row.evidence) as AlertEvidence,
  openedMs: row.opened_ms,
  closedMs: row.closed_ms,
  openedAtMs: row.opened_at_ms,
  closedAtMs: row.closed_at_ms,
  acknowledgedBy: row.acknowledged_by,
  closeReason: row.close_reason as Alert['closeReason'],
})

/** Makes the alert, or changes its state. */
export async function putAlert(trx: Transaction<MonitoringTables>, alert: Alert): Promise<void> {
  const change = {
    state: alert.state,
    closed_ms: alert.closedMs,
    closed_at_ms: alert.closedAtMs,
    acknowledged_by: alert.acknowledgedBy,
    close_reason: alert.closeReason,
  }
  const row = {
    id: alert.id,
    endpoint: alert.endpoint,
    monitor: alert.monitor,
    version: alert.version,
    evidence: JSON.stringify(alert.evidence),
    opened_ms: alert.openedMs,
    opened_at_ms: alert.openedAtMs,
    ...change,
  }
  await on(trx)
    .insertInto('alert')
    .values(row)
    .onConflict((c) => c.column('id').doUpdateSet(change))
    .execute()
}

export async function findAlert(db: Db<MonitoringTables>, id: string): Promise<Alert | undefined> {
  const row = await on(db).selectFrom('alert').selectAll().where('id', '=', id).executeTakeFirst()
  return row && alertOf(row)
}

/** The one alert of the monitor that is open or acknowledged. */
export async function findActiveAlert(
  db: Db<MonitoringTables>,
  { endpoint, monitor }: { endpoint: string; monitor: string },
): Promise<Alert | undefined> {
  const row = await on(db)
    .selectFrom('alert')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('monitor', '=', monitor)
    .where('state', '!=', 'resolved')
    .executeTakeFirst()
  return row && alertOf(row)
}

/** Newest first. */
export async function listAlerts(
  db: Db<MonitoringTables>,
  filter: { endpoint?: string | undefined; active?: boolean | undefined; before?: string | undefined; limit: number },
): Promise<Alert[]> {
  let query = on(db).selectFrom('alert').selectAll().orderBy('id', 'desc').limit(filter.limit)
  if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint)
  if (filter.active) query = query.where('state', '!=', 'resolved')
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  return (await query.execute()).map(alertOf)
}
