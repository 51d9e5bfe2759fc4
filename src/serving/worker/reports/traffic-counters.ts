// Live values counted into the baseline's own bins, and errors and latencies, by version and day of event time.
import { labelIndex, type Predictions } from '../../../models/inference.ts'
import { missingMicros, type Batch } from '../../../models/rows.ts'
import type { Signature } from '../../../models/signature.ts'
import type { Baseline, BaselineFeature } from '../../../models/baseline.ts'
import { compileBins, emptyCounts } from '../../../statistics/binning.ts'
import { addToSketch, createSketch, sketchToJson, type QuantileSketch } from '../../../statistics/quantile-sketch.ts'
import { countersPerReportMax } from '../../contract/gateway-limits.ts'
import { noticeableMs, type TrafficCounter } from '../../gateway-report.ts'
import type { VariantRole } from '../../gateway-config.ts'

const dayMs = 86_400_000
const microsPerDay = 86_400_000_000n
const microsPerHour = 3_600_000_000n
/** 1 January 1970 was a Thursday; Monday is 0. */
const weekdayOfDayZero = 3n

/** The day of event time that a moment belongs to, in UTC. */
export const dayOf = (eventTimeMs: number): number => Math.floor(eventTimeMs / dayMs) * dayMs

function floorModulo(value: bigint, divisor: bigint): bigint {
  const rest = value % divisor
  return rest < 0n ? rest + divisor : rest
}

function derived(micros: bigint, derive: BaselineFeature['derive']): number | bigint | null {
  if (micros === missingMicros) return null
  const ofDay = floorModulo(micros, microsPerDay)
  if (derive === 'hour') return Number(ofDay / microsPerHour)
  if (derive === 'weekday') return Number(floorModulo((micros - ofDay) / microsPerDay + weekdayOfDayZero, 7n))
  return Number(micros)
}

/** Counts rows of a column of any batch of the signature; the batch is given with the rows, since queues swap theirs. */
type Tally = (rows: { batch: Batch; from: number; count: number }, counts: number[]) => void

function tallyOf(feature: BaselineFeature, place: number): Tally {
  const binOf = compileBins(feature.bins)
  return ({ batch, from, count }, counts) => {
    const column = batch.columns[place]!
    const { width, values } = column.tensor
    const first = from * width + column.offset
    const end = first + count * width
    // The baseline's bins are of float32 numbers, whatever the graph takes.
    if (column.kind === 'number' || column.kind === 'long') {
      for (let at = first; at < end; at += width) counts[binOf(Math.fround(Number(values[at])))]!++
    } else if (column.kind === 'time') {
      const times = column.tensor.values
      for (let at = first; at < end; at += width) counts[binOf(derived(times[at]!, feature.derive))]!++
    } else {
      const texts = column.tensor.values
      for (let at = first; at < end; at += width) counts[binOf(texts[at] === '' ? null : texts[at])]!++
    }
  }
}

interface Counter {
  readonly key: Pick<TrafficCounter, 'endpoint' | 'version' | 'role' | 'assignedWith' | 'dayMs'>
  requests: number
  rows: number
  errors: number
  readonly latency: QuantileSketch
  logLatencySum: number
  logLatencySquareSum: number
  readonly features: number[][]
  readonly prediction: number[]
}

/** One request's rows through one version, to be counted. */
export interface CountedRequest {
  /** Probability with which the split chose the variant; undefined: it was not the split that chose. */
  readonly assignedWith: number | undefined
  readonly eventTimeMs: number
  readonly rows: number
  readonly from: number
  /** Undefined: the rows do not fit the version's signature, though another version answered them. */
  readonly batch: Batch | undefined
  /** Milliseconds in the model, as if alone; undefined: it never ran, since its rows do not fit. */
  readonly aloneMs: number | undefined
  /**
   * Milliseconds that the run took which the request was part of. Tails are counted by it: a hiccup of the machine hits a run, and every
   * request in it waits, be the batch large or small.
   */
  readonly inferMs: number | undefined
  /** Undefined: the version failed on the request. */
  readonly answer: { readonly predictions: Predictions; readonly offset: number } | undefined
}

export interface VersionCounters {
  count(role: VariantRole, request: CountedRequest): void
  /** What was counted since the last call, at most `limit` counters. */
  take(limit: number): TrafficCounter[]
  readonly isEmpty: boolean
}

const createCounter = (key: Counter['key'], { features, prediction }: Baseline): Counter => ({
  key,
  requests: 0,
  rows: 0,
  errors: 0,
  latency: createSketch(),
  logLatencySum: 0,
  logLatencySquareSum: 0,
  features: features.map((feature) => emptyCounts(feature.bins)),
  prediction: emptyCounts(prediction.bins),
})

/** Counters of one version behind one endpoint. */
export function createVersionCounters(
  name: { endpoint: string; version: string },
  { signature, baseline }: { signature: Signature; baseline: Baseline },
): VersionCounters {
  const counters = new Map<string, Counter>()
  const tallies = baseline.features.map((feature) => {
    const place = signature.inputs.findIndex((column) => column.name === feature.name)
    return place < 0 ? undefined : tallyOf(feature, place)
  })
  const binOfPrediction = compileBins(baseline.prediction.bins)
  const predicted = (predictions: Predictions, row: number): number => {
    const { values, width } = predictions
    if (signature.task === 'multiclass') return binOfPrediction(signature.classes[labelIndex(predictions, row)])
    return binOfPrediction(values[row * width + width - 1]!)
  }
  /** Most requests are counted where the one before was. */
  let last: Counter | undefined
  const counterOf = (role: VariantRole, { eventTimeMs, assignedWith }: CountedRequest): Counter | undefined => {
    const day = dayOf(eventTimeMs)
    if (last?.key.dayMs === day && last.key.role === role && last.key.assignedWith === assignedWith) return last
    last = find(role, { day, assignedWith })
    return last
  }
  const find = (role: VariantRole, { day, assignedWith }: { day: number; assignedWith: number | undefined }) => {
    const key = `${role} ${assignedWith} ${day}`
    const known = counters.get(key)
    if (known || counters.size >= countersPerReportMax) return known
    const made = createCounter(
      { ...name, role, ...(assignedWith === undefined ? {} : { assignedWith }), dayMs: day },
      baseline,
    )
    counters.set(key, made)
    return made
  }
  return {
    count(role, request) {
      const counter = counterOf(role, request)
      if (!counter) return
      addRequest(counter, role, request)
      const { batch, from, rows } = request
      if (batch) {
        const counted = { batch, from, count: rows }
        for (let at = 0; at < tallies.length; at++) tallies[at]?.(counted, counter.features[at]!)
      }
      if (!request.answer) return
      const { predictions, offset } = request.answer
      for (let row = 0; row < rows; row++) counter.prediction[predicted(predictions, offset + row)]!++
    },
    take(limit) {
      const taken: TrafficCounter[] = []
      last = undefined
      for (const [key, counter] of counters) {
        if (taken.length >= limit) break
        const { key: names, latency, ...sums } = counter
        taken.push({ ...names, ...sums, latency: sketchToJson(latency) })
        counters.delete(key)
      }
      return taken
    },
    get isEmpty() {
      return counters.size === 0
    },
  }
}

function addRequest(counter: Counter, role: VariantRole, { rows, aloneMs, inferMs, answer }: CountedRequest): void {
  counter.requests++
  counter.rows += rows
  if (!answer) counter.errors += role === 'shadow' ? rows : 1
  // The sums are over all requests: one that never ran is counted as an average one.
  const mean = counter.requests > 1 ? counter.logLatencySum / (counter.requests - 1) : 0
  const logLatency = aloneMs === undefined ? mean : Math.log(Math.max(aloneMs, noticeableMs))
  if (inferMs !== undefined) addToSketch(counter.latency, inferMs)
  counter.logLatencySum += logLatency
  counter.logLatencySquareSum += logLatency * logLatency
}
