// An alert: a monitor that has been in breach for long enough, with the numbers it was opened on. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import type { Monitor, MonitorResult } from './monitor.ts'
import { crossed } from './monitor.ts'

/** What an alert stands on; also the payload of `monitor.alert_opened` and `monitor.alert_closed`. */
export const AlertEvidence = z.strictObject({
  alertId: z.string(),
  endpoint: z.string(),
  monitor: z.string(),
  /** Kind of the signal, such as `calibration_gap`. */
  signal: z.string(),
  /** Champion that the window is of. */
  version: z.string(),
  /** The window's value and the bound that it is (or was) compared with; null: the window had none. */
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  windowDays: z.int(),
  windowStartMs: z.int(),
  windowEndMs: z.int(),
  /** Rows that the value is over. */
  n: z.int(),
  coverage: z.number().nullable(),
  /** All of it in one sentence. */
  sentence: z.string(),
})
export type AlertEvidence = Readonly<z.infer<typeof AlertEvidence>>

export const Alert = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  monitor: z.string(),
  version: z.string(),
  state: z.enum(['open', 'acknowledged', 'resolved']),
  evidence: AlertEvidence,
  /** Ends of the windows that opened and closed it (policy time); a version's replacement closes it at the time of the look. */
  openedMs: z.int(),
  closedMs: z.int().nullable(),
  /** Wall time. */
  openedAtMs: z.int(),
  closedAtMs: z.int().nullable(),
  acknowledgedBy: z.string().nullable(),
  /** clean: enough clean windows; version_replaced: its champion no longer serves; monitor_changed: its definition did. */
  closeReason: z.enum(['clean', 'version_replaced', 'monitor_changed']).nullable(),
})
export type Alert = Readonly<z.infer<typeof Alert>>

export const alertNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'alert_not_found', `there is no alert "${id}"`)

export const alertResolved = (id: string): DomainError =>
  new DomainError('conflict', 'alert_resolved', `alert "${id}" is resolved already: there is nothing to acknowledge`)

const day = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)
const number = (value: number): string => Number(value.toPrecision(4)).toString()

const signalNames: Readonly<Record<Monitor['signal']['kind'], string>> = {
  feature_drift: 'drift',
  prediction_drift: 'prediction drift',
  null_rate: 'share of missing values',
  unseen_categories: 'share of unseen categories',
  out_of_range: 'share of values out of range',
  calibration_gap: 'calibration gap (mean predicted less observed)',
  log_loss: 'log loss',
  auc: 'AUC',
  brier: 'Brier score',
  accuracy: 'accuracy',
  rmse: 'root mean squared error',
  requests: 'requests a day',
  error_rate: 'error rate',
  latency: 'latency in milliseconds',
}

function signalText({ signal }: Monitor): string {
  const name = signalNames[signal.kind]
  if ('feature' in signal) {
    const of = signal.derive === 'value' ? signal.feature : `${signal.derive} of ${signal.feature}`
    return `${name} of "${of}"${'method' in signal ? ` (${signal.method})` : ''}`
  }
  if ('method' in signal) return `${name} (${signal.method})`
  return 'quantile' in signal ? `${name} at the ${signal.quantile} quantile` : name
}

/** The result in one sentence with its numbers. */
export function sentenceOf(monitor: Monitor, result: MonitorResult): string {
  const { endpoint, version, value, low, high, rows, coverage } = result
  const lastDay = day(result.windowEndMs - 1)
  const window = `${day(result.windowStartMs)} to ${lastDay}`
  const known = coverage === null ? 'rows' : `outcomes, ${number(coverage * 100)} % of the predictions`
  const where = `${endpoint}: ${signalText(monitor)} of ${version} over ${window}`
  if (value === null) return `${where} could not be measured (${rows} ${known})`
  const bound = crossed(value, { low, high })
  const range = `[${low === null ? '-∞' : number(low)}, ${high === null ? '∞' : number(high)}]`
  const said =
    bound === undefined ? `within ${range}` : `${bound === high ? 'above' : 'below'} ${number(bound)} (range ${range})`
  return `${where} is ${number(value)}, ${said}, on ${rows} ${known}`
}

export function evidenceOf(alertId: string, monitor: Monitor, result: MonitorResult): AlertEvidence {
  const { value, low, high } = result
  const bound = value === null ? undefined : crossed(value, { low, high })
  return {
    alertId,
    endpoint: result.endpoint,
    monitor: monitor.name,
    signal: monitor.signal.kind,
    version: result.version,
    value,
    threshold: bound ?? high ?? low,
    windowDays: monitor.windowDays,
    windowStartMs: result.windowStartMs,
    windowEndMs: result.windowEndMs,
    n: result.rows,
    coverage: result.coverage,
    sentence: sentenceOf(monitor, result),
  }
}
