// Takes what is to be reported, four times a second, to the spool on disk; slower while the control plane does not take it.
import type { Log } from '../../../platform/log.ts'
import { messageOf } from '../../../platform/errors.ts'
import {
  reportIntervalMs,
  reportSlowIntervalMs,
  reportSpoolBytesMax,
  reportsPendingMax,
} from '../../contract/gateway-limits.ts'
import type { RawLog } from './raw-log.ts'
import type { EncodedReport } from './report-buffer.ts'
import { bytesOfSpool, listSpool, reportFileName, spoolReport, spoolReportNow } from './report-spool.ts'

export interface Reporting {
  /** Reports what is left, to the disk. */
  close(): Promise<void>
  /** The same at once, for a process that is about to end; raw rows of the last second stay behind. */
  flushNow(): void
}

export interface ReportingDeps {
  readonly directory: string
  readonly worker: string
  readonly take: () => EncodedReport | undefined
  /** Is told at once when a report is on the disk. */
  readonly spooled: (report: EncodedReport) => void
  readonly raw: Pick<RawLog, 'flush' | 'close'>
  readonly nowMs: () => number
  readonly log: Log
  /** Disk for the reports of all workers; {@link reportSpoolBytesMax} by default. */
  readonly bytesMax?: number
}

/** Looking at the spool takes at most this share of the time: one of an hour has thousands of files. */
const lookShare = 0.02

/**
 * While the spool is full, nothing is taken: counters go on adding up and the ring of predictions drops its oldest.
 * A report that could not be written is kept and written with its number at the next turn.
 */
export function startReporting(deps: ReportingDeps): Reporting {
  const { directory, worker, take, spooled, raw, nowMs, log, bytesMax = reportSpoolBytesMax } = deps
  let spool = { reports: 0, bytes: 0 }
  let lookAtMs = -Infinity
  let unwritten: EncodedReport | undefined
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    const report = unwritten ?? take()
    if (!report) return
    unwritten = report
    const { sequence, pieces } = report
    try {
      await spoolReport(directory, reportFileName(worker, sequence), pieces)
      spooled(report)
      spool = { reports: spool.reports + 1, bytes: spool.bytes + bytesOf(pieces) }
      unwritten = undefined
      report.release()
    } catch (error) {
      log.error('a report could not be written', { directory, error: messageOf(error) })
    }
  }
  const look = async (): Promise<void> => {
    const startMs = nowMs()
    if (startMs < lookAtMs) return
    const reports = await listSpool(directory)
    spool = { reports: reports.length, bytes: await bytesOfSpool(reports) }
    lookAtMs = nowMs() + (nowMs() - startMs) / lookShare
  }
  const turn = async (): Promise<void> => {
    await look()
    if (spool.bytes < bytesMax) await write()
    await raw.flush()
    const isBehind = spool.reports > reportsPendingMax
    if (!isClosed) timer = setTimeout(start, isBehind ? reportSlowIntervalMs : reportIntervalMs)
  }
  const start = (): void => {
    working = turn().catch((error: unknown) => {
      log.error('reporting failed', { error: messageOf(error) })
      if (!isClosed) timer = setTimeout(start, reportSlowIntervalMs)
    })
  }
  timer = setTimeout(start, reportIntervalMs)

  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await working
      await write()
      if (unwritten === undefined) await write()
      await raw.flush()
      await raw.close()
    },
    flushNow() {
      isClosed = true
      clearTimeout(timer)
      const reports = [unwritten, take()].filter((report) => report !== undefined)
      for (const report of reports) {
        spoolReportNow(directory, reportFileName(worker, report.sequence), report.pieces)
        spooled(report)
      }
    },
  }
}

const bytesOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((bytes, { length }) => bytes + length, 0)
