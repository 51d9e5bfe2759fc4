// Changing monitors and acknowledging alerts: what people and the loop file may do to them.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { on, transact, within, type Connection, type Db, type Transaction } from '../platform/database.ts'
import { dayMsLength, dayOf } from './aggregates/arm.ts'
import { alertNotFound, alertResolved, type Alert } from './alert.ts'
import type { Monitor } from './monitor.ts'
import { closeAlert, type AlertingTables } from './monitors/alerting.ts'
import { findActiveAlert, findAlert, putAlert } from './monitors/alert-store.ts'
import { deleteMonitor, listMonitors, putMonitor, type StoredMonitor } from './monitors/monitor-store.ts'
import { watermarkMs } from './watermark.ts'

type Tables = AlertingTables & AuditTables

/**
 * Makes the endpoint's monitors exactly these. One whose definition is the same is left alone; a changed one starts anew at the next day, its
 * alert resolved; a new one on an endpoint with history starts at its last complete day. Results of former definitions are kept. In the
 * caller's transaction when it is given one, else in its own.
 */
export async function setMonitors(
  db: Db<Tables>,
  actor: Actor,
  { endpoint, monitors }: { endpoint: string; monitors: readonly Monitor[] },
): Promise<void> {
  return within(db, (trx) => replaceMonitors(trx, actor, { endpoint, monitors }))
}

async function replaceMonitors(
  trx: Transaction<Tables>,
  actor: Actor,
  { endpoint, monitors }: { endpoint: string; monitors: readonly Monitor[] },
): Promise<void> {
  const before = new Map((await listMonitors(trx, endpoint)).map((stored) => [stored.monitor.name, stored]))
  const watermark = await watermarkMs(trx, endpoint)
  const startMs = watermark === undefined ? null : dayOf(watermark) - dayMsLength
  for (const monitor of monitors) {
    const found = before.get(monitor.name)
    before.delete(monitor.name)
    if (found && JSON.stringify(found.monitor) === JSON.stringify(monitor)) continue
    if (found) await retire(trx, actor, found)
    const revision = (found?.revision ?? (await lastRevision(trx, endpoint, monitor.name))) + 1
    const evaluatedToMs = found?.evaluatedToMs ?? startMs
    await putMonitor(trx, { endpoint, monitor, revision, evaluatedToMs, setAtMs: actor.clock() })
    const detail = { from: found?.monitor ?? null, to: monitor }
    await recordAudit(trx, actor, { action: 'monitor.set', subject: `${endpoint}/${monitor.name}`, detail })
  }
  for (const gone of before.values()) {
    await retire(trx, actor, gone)
    await deleteMonitor(trx, { endpoint, name: gone.monitor.name })
    const subject = `${endpoint}/${gone.monitor.name}`
    await recordAudit(trx, actor, { action: 'monitor.remove', subject, detail: { from: gone.monitor } })
  }
}

/** The alert of a definition that no longer holds is resolved. */
async function retire(trx: Transaction<Tables>, actor: Actor, { endpoint, monitor }: StoredMonitor): Promise<void> {
  const alert = await findActiveAlert(trx, { endpoint, monitor: monitor.name })
  if (!alert) return
  await closeAlert(actor, trx, { alert, reason: 'monitor_changed', closedMs: alert.evidence.windowEndMs })
}

/** A monitor that was removed and comes back does not mix its results with the former ones. */
async function lastRevision(trx: Transaction<Tables>, endpoint: string, monitor: string): Promise<number> {
  const row = await on(trx)
    .selectFrom('monitor_result')
    .select((eb) => eb.fn.max('revision').as('revision'))
    .where('endpoint', '=', endpoint)
    .where('monitor', '=', monitor)
    .executeTakeFirst()
  return row?.revision ?? 0
}

/**
 * Says that somebody looks after the alert; it stays until its monitor is clean.
 * @throws DomainError alert_not_found, alert_resolved
 */
export async function acknowledgeAlert(db: Connection<Tables>, actor: Actor, id: string): Promise<Alert> {
  return transact(db, async (trx) => {
    const alert = await findAlert(trx, id)
    if (!alert) throw alertNotFound(id)
    if (alert.state === 'resolved') throw alertResolved(id)
    if (alert.state === 'acknowledged') return alert
    const acknowledged: Alert = { ...alert, state: 'acknowledged', acknowledgedBy: actor.name }
    await putAlert(trx, acknowledged)
    await recordAudit(trx, actor, { action: 'alert.acknowledge', subject: id, detail: { monitor: alert.monitor } })
    return acknowledged
  })
}
