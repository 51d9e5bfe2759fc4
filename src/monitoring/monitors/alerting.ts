// From results to alerts: hysteresis over a version's windows opens and closes them, with an event in the same transaction.
import type { Transaction } from '../../platform/database.ts'
import type { Clock } from '../../platform/clock.ts'
import { appendEvent, type EventTables } from '../../platform/events.ts'
import type { IdSource } from '../../platform/ids.ts'
import { CLOSED, hysteresis } from '../../statistics/thresholds.ts'
import { evidenceOf, type Alert, type AlertEvidence } from '../alert.ts'
import type { Monitor, MonitorResult, ResultState } from '../monitor.ts'
import type { MonitoringTables } from '../tables.ts'
import { findActiveAlert, putAlert } from './alert-store.ts'
import { listStates, type StoredMonitor } from './monitor-store.ts'

export type AlertingTables = MonitoringTables & EventTables

export interface AlertingDeps {
  /** Wall time. */
  readonly clock: Clock
  readonly ids: IdSource
}

/** Whether a monitor with these windows behind it, oldest first, is in alert. Windows without a value change nothing. */
export function isInAlert(monitor: Monitor, states: readonly ResultState[]): boolean {
  let state = CLOSED
  for (const each of states) {
    const breached = each === 'breach' ? true : each === 'ok' ? false : undefined
    state = hysteresis(state, breached, monitor)
  }
  return state.open
}

/** Brings the monitor's alert in line with its stored results for the version; `result` is the newest window's. Idempotent. */
export async function updateAlert(
  deps: AlertingDeps,
  trx: Transaction<AlertingTables>,
  { stored, result }: { stored: StoredMonitor; result: MonitorResult },
): Promise<void> {
  const { monitor, revision, endpoint } = stored
  const { version } = result
  let active = await findActiveAlert(trx, { endpoint, monitor: monitor.name })
  if (active && active.version !== version) {
    await closeAlert(deps, trx, { alert: active, reason: 'version_replaced', closedMs: result.evaluatedMs })
    active = undefined
  }
  const states = await listStates(trx, { endpoint, monitor: monitor.name, revision, version })
  const open = isInAlert(monitor, states)
  if (open && !active) return openAlert(deps, trx, { monitor, result })
  if (!open && active) {
    const evidence = evidenceOf(active.id, monitor, result)
    await closeAlert(deps, trx, { alert: active, reason: 'clean', closedMs: result.windowEndMs, evidence })
  }
}

async function openAlert(
  { clock, ids }: AlertingDeps,
  trx: Transaction<AlertingTables>,
  { monitor, result }: { monitor: Monitor; result: MonitorResult },
): Promise<void> {
  const id = ids('alert')
  const evidence = evidenceOf(id, monitor, result)
  const openedAtMs = clock()
  await putAlert(trx, {
    id,
    endpoint: result.endpoint,
    monitor: monitor.name,
    version: result.version,
    state: 'open',
    evidence,
    openedMs: result.windowEndMs,
    closedMs: null,
    openedAtMs,
    closedAtMs: null,
    acknowledgedBy: null,
    closeReason: null,
  })
  await appendEvent(trx, {
    type: 'monitor.alert_opened',
    subject: result.endpoint,
    payload: evidence,
    atMs: openedAtMs,
  })
}

/** Payload of `monitor.alert_closed`: the evidence of the window that closed it, or of the opening where none did. */
export type AlertClosed = AlertEvidence & { readonly closeReason: NonNullable<Alert['closeReason']> }

export async function closeAlert(
  { clock }: Pick<AlertingDeps, 'clock'>,
  trx: Transaction<AlertingTables>,
  closing: {
    alert: Alert
    reason: NonNullable<Alert['closeReason']>
    closedMs: number
    evidence?: AlertEvidence
  },
): Promise<void> {
  const { alert, reason, closedMs } = closing
  const closedAtMs = clock()
  await putAlert(trx, { ...alert, state: 'resolved', closedMs, closedAtMs, closeReason: reason })
  const payload: AlertClosed = { ...(closing.evidence ?? alert.evidence), closeReason: reason }
  await appendEvent(trx, { type: 'monitor.alert_closed', subject: alert.endpoint, payload, atMs: closedAtMs })
}
