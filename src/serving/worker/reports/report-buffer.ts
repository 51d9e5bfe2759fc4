// What the control plane is to hear of: predictions in a bounded ring, counters and event times, taken as one report at a time.
import { predictionsBufferedMax } from '../../contract/gateway-limits.ts'
import type { GatewayReport, PredictionRecord, TrafficCounter } from '../../gateway-report.ts'
import { predictionText } from './prediction-text.ts'
import { createWaitingTexts } from './waiting-texts.ts'

export interface ReportBuffer {
  /** The oldest prediction makes room when the ring is full, and is counted as dropped. */
  add(prediction: PredictionRecord): void
  /** Predictions that are not even offered. */
  drop(count: number): void
  /** The largest event time of an endpoint. */
  noteEventTime(endpoint: string, eventTimeMs: number): void
  /** Predictions dropped since the start. */
  readonly droppedTotal: number
  /** The next report with all that was added since the last one; undefined when there is nothing to say. */
  take(counters: TrafficCounter[]): EncodedReport | undefined
}

/** A report as it is written to the disk. */
export interface EncodedReport extends Pick<GatewayReport, 'sequence' | 'dropped'> {
  /** Its predictions. */
  readonly rows: number
  /** JSON of a {@link GatewayReport}. */
  readonly pieces: readonly Uint8Array[]
  /** Once it is written, or never will be: lets its memory be used again. */
  release(): void
}

export function createReportBuffer(worker: string, capacity = predictionsBufferedMax): ReportBuffer {
  const ring = createWaitingTexts()
  let dropped = 0
  let droppedTotal = 0
  let sequence = 0
  const eventTimes = new Map<string, number>()
  const drop = (count: number): void => {
    dropped += count
    droppedTotal += count
  }
  return {
    add(prediction) {
      if (ring.count >= capacity) {
        ring.dropOldest()
        drop(1)
      }
      ring.add(`,${predictionText(prediction)}`)
    },
    drop,
    noteEventTime(endpoint, eventTimeMs) {
      if (eventTimeMs > (eventTimes.get(endpoint) ?? -Infinity)) eventTimes.set(endpoint, eventTimeMs)
    },
    get droppedTotal() {
      return droppedTotal
    },
    take(counters) {
      if (ring.count + counters.length + dropped === 0) return undefined
      const report = {
        worker,
        sequence: ++sequence,
        counters,
        eventTimes: Object.fromEntries(eventTimes),
        dropped,
        lost: 0,
      } satisfies Omit<GatewayReport, 'predictions'>
      const head = JSON.stringify(report).slice(0, -1)
      dropped = 0
      const taken = ring.take()
      const pieces = [Buffer.from(`${head},"predictions":[`), ...withoutComma(taken.pieces), Buffer.from(']}')]
      const release = (): void => taken.release()
      return { sequence: report.sequence, dropped: report.dropped, rows: taken.count, pieces, release }
    },
  }
}

/** Before each prediction stands one. */
const withoutComma = ([first, ...rest]: readonly Uint8Array[]): Uint8Array[] =>
  first ? [first.subarray(1), ...rest] : []
