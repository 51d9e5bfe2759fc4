// What the control plane is to hear of: predictions in a bounded ring, counters and event times, taken as one report at a time.
import { predictionsBufferedMax } from '../../contract/gateway-limits.ts'
import type { GatewayReport, PredictionRecord, TrafficCounter } from '../../gateway-report.ts'

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
  take(counters: TrafficCounter[]): GatewayReport | undefined
}

export function createReportBuffer(worker: string, capacity = predictionsBufferedMax): ReportBuffer {
  let ring: PredictionRecord[] = []
  let oldest = 0
  let dropped = 0
  let droppedTotal = 0
  let sequence = 0
  const eventTimes = new Map<string, number>()
  return {
    add(prediction) {
      if (ring.length < capacity) {
        ring.push(prediction)
        return
      }
      ring[oldest] = prediction
      oldest = (oldest + 1) % capacity
      dropped++
      droppedTotal++
    },
    drop(count) {
      dropped += count
      droppedTotal += count
    },
    noteEventTime(endpoint, eventTimeMs) {
      if (eventTimeMs > (eventTimes.get(endpoint) ?? -Infinity)) eventTimes.set(endpoint, eventTimeMs)
    },
    get droppedTotal() {
      return droppedTotal
    },
    take(counters) {
      if (ring.length + counters.length + dropped === 0) return undefined
      const predictions = oldest === 0 ? ring : [...ring.slice(oldest), ...ring.slice(0, oldest)]
      const report = {
        worker,
        sequence: ++sequence,
        predictions,
        counters,
        eventTimes: Object.fromEntries(eventTimes),
        dropped,
        lost: 0,
      }
      ring = []
      oldest = 0
      dropped = 0
      return report
    },
  }
}
