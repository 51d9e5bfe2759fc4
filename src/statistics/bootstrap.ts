// Resampling: intervals for a mean of paired differences, and the spread of W-day means of a daily series.
import { createGenerator, type Generator } from './random.ts'

/** Rows above this are resampled as this many groups of neighbours, which bounds the work and respects short-range dependence. */
const MAX_UNITS = 20_000

/** A mean and the interval it lies in with the stated confidence. */
export interface MeanInterval {
  readonly mean: number
  readonly lower: number
  readonly upper: number
  readonly rows: number
}

/** The q-quantile of sorted values, linear between neighbours (NumPy's default). */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1)
  const below = Math.floor(at)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return low + (high - low) * (at - below)
}

/** Sums and sizes of at most `MAX_UNITS` groups of neighbouring rows. */
function grouped(values: ArrayLike<number>): { sums: Float64Array; sizes: Float64Array } {
  const units = Math.min(values.length, MAX_UNITS)
  const sums = new Float64Array(units)
  const sizes = new Float64Array(units)
  for (let row = 0; row < values.length; row++) {
    const unit = Math.floor((row * units) / values.length)
    sums[unit]! += values[row]!
    sizes[unit]!++
  }
  return { sums, sizes }
}

/**
 * Percentile bootstrap of a mean (Efron 1979): of paired differences (challenger less champion on the same row), say. Rows are taken as
 * exchangeable: for rows that hang together by day, give the daily series to `blockBootstrapMeans` instead.
 * `confidence` 0.95, `resamples` 1000 unless given. NaN for no rows.
 */
export function bootstrapMean(
  values: ArrayLike<number>,
  options: { seed: number | string; resamples?: number; confidence?: number },
): MeanInterval {
  const { resamples = 1000, confidence = 0.95 } = options
  const { sums, sizes } = grouped(values)
  const units = sums.length
  let total = 0
  for (const sum of sums) total += sum
  const mean = total / values.length
  if (units === 0) return { mean, lower: Number.NaN, upper: Number.NaN, rows: 0 }
  const generator = createGenerator(options.seed)
  const means = new Float64Array(resamples)
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0
    let rows = 0
    for (let draw = 0; draw < units; draw++) {
      const unit = generator.integer(units)
      sum += sums[unit]!
      rows += sizes[unit]!
    }
    means[resample] = sum / rows
  }
  means.sort()
  const tail = (1 - confidence) / 2
  return { mean, lower: quantileOfSorted(means, tail), upper: quantileOfSorted(means, 1 - tail), rows: values.length }
}

/** One day of a series: its mean value and the rows it stands for. */
export interface DailyValue {
  readonly value: number
  readonly rows: number
}

/** Mean over days, each weighted by its rows. */
export function weightedMean(days: readonly DailyValue[]): number {
  let sum = 0
  let rows = 0
  for (const day of days) {
    sum += day.value * day.rows
    rows += day.rows
  }
  return sum / rows
}

/** The row-weighted mean of `length` days put together from random runs of `blockDays` neighbours, the series taken as a circle. */
export function resampledMean(
  days: readonly DailyValue[],
  shape: { length: number; blockDays: number },
  generator: Generator,
): number {
  let sum = 0
  let rows = 0
  for (let taken = 0; taken < shape.length;) {
    let at = generator.integer(days.length)
    for (let step = 0; step < shape.blockDays && taken < shape.length; step++, taken++) {
      const day = days[at]!
      sum += day.value * day.rows
      rows += day.rows
      at = at + 1 === days.length ? 0 : at + 1
    }
  }
  return sum / rows
}

/**
 * Circular block bootstrap (Politis and Romano 1992) of the mean of `windowDays` consecutive days: sorted upwards. Its spread is too small
 * for short series (measured in thresholds.ts): take it as a description of the series, not as a test.
 */
export function blockBootstrapMeans(
  days: readonly DailyValue[],
  options: { windowDays: number; blockDays: number; seed: number | string; resamples?: number },
): Float64Array {
  const { windowDays, blockDays, resamples = 2000 } = options
  const generator = createGenerator(options.seed)
  const shape = { length: windowDays, blockDays }
  return Float64Array.from({ length: resamples }, () => resampledMean(days, shape, generator)).sort()
}
