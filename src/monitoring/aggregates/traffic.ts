// What gateways counted of one arm on one day: requests, errors, latency, and live values in the baseline's own bins. Pure.
import { addCounts } from '../../statistics/binning.ts'
import {
  createSketch,
  mergeSketch,
  SketchJson,
  sketchFromJson,
  type QuantileSketch,
} from '../../statistics/quantile-sketch.ts'
import type { TrafficCounter } from '../../serving/gateway-report.ts'
import type { Arm } from './arm.ts'

export interface TrafficSums {
  requests: number
  rows: number
  errors: number
  /** Of ln(milliseconds a request). */
  logLatencySum: number
  logLatencySquareSum: number
  /** Milliseconds a request in the model. */
  latency: QuantileSketch
  /** Rows in each bin of each of the baseline's features, in its order; empty before the first row. */
  features: number[][]
  prediction: number[]
}

export interface Traffic {
  readonly arm: Arm
  readonly sums: TrafficSums
}

export const noTraffic = (): TrafficSums => ({
  requests: 0,
  rows: 0,
  errors: 0,
  logLatencySum: 0,
  logLatencySquareSum: 0,
  latency: createSketch(),
  features: [],
  prediction: [],
})

/** Adds what a worker counted; a sketch that cannot be read is left out, and requests and errors still count. */
export function addCounter(before: Traffic | undefined, arm: Arm, counter: TrafficCounter): Traffic {
  const sketch = SketchJson.safeParse(counter.latency)
  const more: TrafficSums = {
    requests: counter.requests,
    rows: counter.rows,
    errors: counter.errors,
    logLatencySum: counter.logLatencySum,
    logLatencySquareSum: counter.logLatencySquareSum,
    latency: sketch.success ? sketchFromJson(sketch.data) : createSketch(),
    features: counter.features,
    prediction: counter.prediction,
  }
  return { arm, sums: mergeTrafficSums(before?.sums ?? noTraffic(), more) }
}

/** Adds `more` into `sums`, which it returns. */
export function mergeTrafficSums(sums: TrafficSums, more: TrafficSums): TrafficSums {
  sums.requests += more.requests
  sums.rows += more.rows
  sums.errors += more.errors
  sums.logLatencySum += more.logLatencySum
  sums.logLatencySquareSum += more.logLatencySquareSum
  mergeSketch(sums.latency, more.latency)
  sums.features = more.features.map((counts, at) => mergeBins(sums.features[at], counts))
  sums.prediction = mergeBins(sums.prediction, more.prediction)
  return sums
}

/** A version's bins never change, so counts of another length are of a broken sender: the longer ones are kept as they are. */
function mergeBins(sum: number[] | undefined, more: readonly number[]): number[] {
  if (!sum || sum.length === 0) return [...more]
  if (more.length === 0) return sum
  return sum.length === more.length ? addCounts([...sum], more) : sum
}
