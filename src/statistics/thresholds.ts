// Where a monitor's threshold lies: from the training period's own days, by a rule, before any later day is seen. And hysteresis.
//
// A signal (calibration gap, log loss, a rate) is known for each of the D days of the training period, cross-fitted. The monitor will look
// at the mean over a later window of W days. The question is not where W-day means lay in the training period (31 days hold two windows of
// 14) but where the mean of W *new* days may lie if nothing changed. Three things spread it:
//   1. days differ, and neighbours alike (weather): a W-day mean has the variance S/W, S the long-run variance, autocovariances included;
//   2. the training period's mean, which it is compared with, is itself a mean of D days: S/D more;
//   3. S is only known from D days: Student's t instead of the normal distribution.
// So the threshold is mean ± t(1 − α/2; ν) · sqrt(S · (1/W + 1/D) + v/(W · rows a day)), where
//   S  = Newey and West's estimate with Bartlett weights over b days, b = D^(1/3) rounded up, 3 to 7, divided by 1 − b/D because the mean was
//        taken from the same days; days count by their rows;
//   ν  = 1.5 D / b, the degrees of freedom of that estimate;
//   v  = the variance of one row, where live days hold fewer rows than training days did; else 0.
// Simulated with D = 31, α = 0.01, W = 7, 14, 28: this raises a false alarm in 0.7 to 1.1 % of windows for independent days, 0.2 to 0.3 %
// with a weekly cycle, 2.1 % when neighbouring days correlate by 0.4, 3.5 to 5.4 % by 0.6. Quantiles of a block bootstrap of W-day means: 6.5 to 14,
// 3 to 9, 10 to 19 and 16 to 28 %, since they leave 2 and 3 out. That is why the bootstrap, though available, is not the default.
// α holds for one window: windows that overlap are looked at more than once, which is what hysteresis is for. A W that is a multiple of 7 keeps
// weekdays balanced.
import { DomainError } from '../platform/errors.ts'
import { quantileOfSorted, resampledMean, weightedMean, type DailyValue } from './bootstrap.ts'
import { normalQuantile, studentQuantile } from './distributions.ts'
import { createGenerator } from './random.ts'

/** Fewer training days than this say nothing about how days differ. */
const MIN_DAYS = 7
const RESAMPLES = 4000

export interface ThresholdOptions {
  /** W: days of the window that will be compared. */
  readonly windowDays: number
  /** False-alarm level of one window; 0.01. */
  readonly alpha?: number
  /** Which way is bad: `upper` and `lower` put all of alpha on one side, and the other bound is infinite. `both`. */
  readonly side?: 'both' | 'upper' | 'lower'
  /** `prediction` (the formula above) or `bootstrap` (the same with the bootstrap's shape, for skewed signals and long periods). */
  readonly method?: 'prediction' | 'bootstrap'
  /** Where live days hold fewer rows than training days: rows a day, and the variance of one row's value. */
  readonly live?: { readonly rowsPerDay: number; readonly varianceOfRow: number }
  /** Seed of the bootstrap; "thresholds". */
  readonly seed?: number | string
}

export interface Threshold {
  readonly lower: number
  readonly upper: number
  readonly method: 'prediction' | 'bootstrap'
  /** Mean of the training period. */
  readonly mean: number
  /** Standard deviation of a new window's mean about it. */
  readonly sd: number
  /** Days of the training period. */
  readonly n: number
  readonly blockDays: number
  readonly degrees: number
}

/** Days that are taken to hang together: the cube root of the period, 3 to 7. */
export function blockDaysFor(days: number): number {
  return Math.min(7, Math.max(3, Math.ceil(Math.cbrt(days) - 1e-9)))
}

/**
 * Long-run variance of a daily series: what a mean over many days has, times the number of days. Newey-West (1987), Bartlett weights over
 * `blockDays`, corrected for the estimated mean.
 */
export function longRunVariance(days: readonly DailyValue[], blockDays: number): number {
  const n = days.length
  const mean = weightedMean(days)
  const averageRows = days.reduce((sum, day) => sum + day.rows, 0) / n
  const residuals = days.map((day) => ((day.value - mean) * day.rows) / averageRows)
  let variance = 0
  for (let lag = 0; lag < Math.min(blockDays, n); lag++) {
    let product = 0
    for (let day = lag; day < n; day++) product += residuals[day]! * residuals[day - lag]!
    variance += ((lag === 0 ? 1 : 2) * (1 - lag / blockDays) * product) / n
  }
  return Math.max(0, variance) / (1 - blockDays / n)
}

/** Quantiles of (new W-day mean − mean of D days) when both are resampled by blocks, stretched as the prediction's t is. */
function bootstrapReach(
  days: readonly DailyValue[],
  options: ThresholdOptions,
  tails: [number, number],
): [number, number] {
  const blockDays = blockDaysFor(days.length)
  const generator = createGenerator(options.seed ?? 'thresholds')
  const spread = Float64Array.from({ length: RESAMPLES }, () => {
    const window = resampledMean(days, { length: options.windowDays, blockDays }, generator)
    return window - resampledMean(days, { length: days.length, blockDays }, generator)
  }).sort()
  const degrees = (1.5 * days.length) / blockDays
  const shrunk = 1 / Math.sqrt(1 - blockDays / days.length)
  const stretched = (tail: number): number =>
    quantileOfSorted(spread, tail) * shrunk * (studentQuantile(tail, degrees) / normalQuantile(tail))
  return [stretched(tails[0]), stretched(tails[1])]
}

/**
 * The range within which the mean of a W-day window stays, but for a share alpha, if the signal behaves as in the training period.
 * @param days one value and its rows for each day of the training period, in order, cross-fitted (no day scored by a model that saw it).
 * @throws DomainError too_few_days below 7 days
 */
export function thresholdFor(days: readonly DailyValue[], options: ThresholdOptions): Threshold {
  const { windowDays, alpha = 0.01, side = 'both', method = 'prediction', live } = options
  const used = days.filter((day) => day.rows > 0)
  const n = used.length
  if (n < MIN_DAYS) {
    throw new DomainError(
      'invalid',
      'too_few_days',
      `a threshold wants at least ${MIN_DAYS} days with outcomes in the training period, found ${n}; train on more days or name the threshold`,
      { days: n, wanted: MIN_DAYS },
    )
  }
  const blockDays = blockDaysFor(n)
  const degrees = (1.5 * n) / blockDays
  const mean = weightedMean(used)
  const sampling = live ? live.varianceOfRow / (live.rowsPerDay * windowDays) : 0
  const sd = Math.sqrt(longRunVariance(used, blockDays) * (1 / windowDays + 1 / n) + sampling)
  const tail = side === 'both' ? alpha / 2 : alpha
  let [below, above] = [sd * studentQuantile(tail, degrees), sd * studentQuantile(1 - tail, degrees)]
  if (method === 'bootstrap') {
    const extra = studentQuantile(1 - tail, degrees) * Math.sqrt(sampling)
    const [low, high] = bootstrapReach(used, options, [tail, 1 - tail])
    below = -Math.hypot(low, extra)
    above = Math.hypot(high, extra)
  }
  return {
    lower: side === 'upper' ? -Infinity : mean + below,
    upper: side === 'lower' ? Infinity : mean + above,
    method,
    mean,
    sd,
    n,
    blockDays,
    degrees,
  }
}

/** Where an alert stands: whether it is open, and how many looks in a row have said otherwise. */
export interface Hysteresis {
  readonly open: boolean
  /** Consecutive breaches while closed, or consecutive clean looks while open. */
  readonly streak: number
}

export const CLOSED: Hysteresis = { open: false, streak: 0 }

/**
 * One look: opens after `openAfter` breaches in a row, closes after `closeAfter` clean looks in a row (each at least 1). A look without enough
 * data (`undefined`) changes nothing.
 */
export function hysteresis(
  state: Hysteresis,
  breached: boolean | undefined,
  rule: { openAfter: number; closeAfter: number },
): Hysteresis {
  if (breached === undefined) return state
  if (breached === state.open) return { open: state.open, streak: 0 }
  const streak = state.streak + 1
  const needed = state.open ? rule.closeAfter : rule.openAfter
  return streak >= needed ? { open: !state.open, streak: 0 } : { open: state.open, streak }
}
