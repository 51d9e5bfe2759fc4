// Answers that a worker took with it when it was killed: counted for the metrics, and told to the control plane as a report of their own.
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import type { Metrics } from '../gateway-metrics.ts'
import type { GatewayReport } from '../gateway-report.ts'
import { reportFileName, spoolReportNow } from '../worker/reports/report-spool.ts'

/** `worker` is told of once: its numbers go on under a name that is its own too, for the last number that it used is not known. */
export function tellLost(
  { directory, metrics, log }: { directory: string; metrics: Metrics; log: Log },
  { worker, rows }: { worker: string; rows: number },
): void {
  metrics.add('trueloop_predictions_lost_total', '', rows)
  log.warn('predictions were lost from the log with their worker', { worker, rows })
  const name = `${worker}_lost`
  const nothing = { predictions: [], counters: [], eventTimes: {}, dropped: 0 }
  const report: GatewayReport = { worker: name, sequence: 1, ...nothing, lost: rows }
  try {
    spoolReportNow(directory, reportFileName(name, report.sequence), [Buffer.from(JSON.stringify(report))])
  } catch (error) {
    log.error('a report could not be written', { directory, error: messageOf(error) })
  }
}
