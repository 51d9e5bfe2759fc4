// Turns features into bytes: a bin of each value, with the thresholds between bins.
import { lowerBound } from '../../statistics/lower-bound.ts'
import type { Feature, FeatureValues } from '../feature.ts'

/** A feature's bins are 0 to `bins - 1`, and `bins` itself for a missing value. `thresholds` is there for numbers: bin b holds values <= thresholds[b]. */
export interface FeatureBins {
  readonly bins: number
  readonly thresholds: Float32Array | undefined
}

/** Rows that thresholds are learned from; quantiles of more rows would be hardly better. */
export const QUANTILE_ROWS = 200_000

/** Learns the bins of one feature from the values at these rows (all of them if they are few). */
export function learnBins(
  feature: Feature,
  values: FeatureValues,
  sample: { rows: Int32Array; maxBins: number },
): FeatureBins {
  if (feature.kind === 'category')
    return { bins: feature.categories.length + (feature.pooled ? 1 : 0), thresholds: undefined }
  const present = new Float32Array(sample.rows.length)
  let count = 0
  for (const row of sample.rows) {
    const value = values[row]!
    if (!Number.isNaN(value)) present[count++] = value
  }
  const thresholds = learnThresholds(present.subarray(0, count).sort(), sample.maxBins)
  return { bins: thresholds.length + 1, thresholds }
}

/** Thresholds half way between distinct values, or between quantiles if there are more distinct values than bins. */
export function learnThresholds(sorted: Float32Array, maxBins: number): Float32Array {
  const distinct = distinctValues(sorted)
  if (distinct.length <= maxBins) {
    return Float32Array.from({ length: Math.max(0, distinct.length - 1) }, (_, index) =>
      between(distinct[index]!, distinct[index + 1]!),
    )
  }
  const thresholds: number[] = []
  for (let bin = 1; bin < maxBins; bin++) {
    const position = Math.floor((bin * sorted.length) / maxBins)
    // The split lies before the run of equal values that holds the quantile, or after it, whichever is nearer.
    const value = sorted[position]!
    const first = lowerBound(sorted, value)
    const after = upperBound(sorted, value)
    const boundary = first > 0 && (position - first <= after - position || after === sorted.length) ? first : after
    const threshold = between(sorted[boundary - 1]!, sorted[boundary]!)
    if (thresholds.length === 0 || threshold > thresholds.at(-1)!) thresholds.push(threshold)
  }
  return Float32Array.from(thresholds)
}

/** Writes the bin of each row, in this order of rows. */
export function fillBins(
  into: Uint8Array,
  values: FeatureValues,
  { bins, order }: { bins: FeatureBins; order: Int32Array },
): void {
  const { thresholds } = bins
  if (thresholds === undefined) {
    for (let index = 0; index < order.length; index++) {
      const code = values[order[index]!]!
      into[index] = code < 0 ? bins.bins : code
    }
    return
  }
  for (let index = 0; index < order.length; index++) {
    const value = values[order[index]!]!
    into[index] = Number.isNaN(value) ? bins.bins : lowerBound(thresholds, value)
  }
}

/** The float32 to split between two neighbours: `low <= threshold < high`. */
function between(low: number, high: number): number {
  const middle = Math.fround(low + (high - low) / 2)
  return middle >= low && middle < high ? middle : low
}

function distinctValues(sorted: Float32Array): Float32Array {
  return sorted.filter((value, index) => index === 0 || value !== sorted[index - 1])
}

/** The first index whose element is > value. */
function upperBound(sorted: Float32Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}
