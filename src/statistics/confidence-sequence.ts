// Intervals that hold at every moment at once: looking daily, hourly or after each row does not weaken them. O(1) from merged moments.
import { logBeta } from './distributions.ts'
import { varianceOf, type Moments } from './moments.ts'

/** What an interval for a mean needs. The variance is the sample's (denominator n − 1). */
export interface MeanStatistics {
  readonly n: number
  readonly mean: number
  readonly variance: number
}

export interface SequenceInterval {
  readonly estimate: number
  readonly lower: number
  readonly upper: number
}

export interface SequenceOptions {
  /** Chance that the interval ever misses the truth; 0.05. */
  readonly alpha?: number
  /** Rows at which the interval is tightest relative to others of its kind; 1000. It must not be chosen after looking. */
  readonly optimalAt?: number
}

export function meanStatistics(moments: Moments): MeanStatistics {
  return { n: moments.n, mean: moments.mean, variance: varianceOf(moments) }
}

/**
 * Asymptotic confidence sequence for a mean (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024), two-sided. The guarantee is asymptotic:
 * do not read it below some 100 rows, and give it rows that hang together (a day's) as one.
 */
export function meanSequence(statistics: MeanStatistics, options: SequenceOptions = {}): SequenceInterval {
  const { alpha = 0.05, optimalAt = 1000 } = options
  const { n, mean, variance } = statistics
  if (n < 2) return { estimate: mean, lower: -Infinity, upper: Infinity }
  const log = -2 * Math.log(alpha)
  const rhoSquared = (log + Math.log(log + 1)) / optimalAt
  const scaled = n * rhoSquared + 1
  const radius = Math.sqrt(((variance * 2 * scaled) / (n * n * rhoSquared)) * Math.log(Math.sqrt(scaled) / alpha))
  return { estimate: mean, lower: mean - radius, upper: mean + radius }
}

/** Canary less baseline, two arms that share no row: each arm's sequence at half of alpha, and the extremes of both. */
function difference(canary: SequenceInterval, baseline: SequenceInterval): SequenceInterval {
  return {
    estimate: canary.estimate - baseline.estimate,
    lower: canary.lower - baseline.upper,
    upper: canary.upper - baseline.lower,
  }
}

/** Difference of two means, canary less baseline. `optimalAt` is for the canary, the smaller arm. */
export function differenceSequence(
  canary: MeanStatistics,
  baseline: MeanStatistics,
  options: SequenceOptions = {},
): SequenceInterval {
  const half = { ...options, alpha: (options.alpha ?? 0.05) / 2 }
  return difference(meanSequence(canary, half), meanSequence(baseline, half))
}

/** Bisection steps for a bound of a rate: to 2^-50. */
const STEPS = 50

/**
 * Confidence sequence for a rate, exact at any n, also with no hit at all: the rates that a Beta(½, ½) mixture's e-value does not reject
 * (Robbins 1970).
 */
export function rateSequence(counts: { n: number; hits: number }, alpha = 0.05): SequenceInterval {
  const { n, hits } = counts
  const estimate = n > 0 ? hits / n : Number.NaN
  if (n === 0) return { estimate, lower: 0, upper: 1 }
  const limit = logBeta(hits + 0.5, n - hits + 0.5) - logBeta(0.5, 0.5) + Math.log(alpha)
  const kept = (rate: number): boolean => {
    const positive = hits === 0 ? 0 : hits * Math.log(rate)
    const negative = n === hits ? 0 : (n - hits) * Math.log1p(-rate)
    return positive + negative >= limit
  }
  const bound = (inside: number, outside: number): number => {
    if (kept(outside)) return outside
    let [near, far] = [inside, outside]
    for (let step = 0; step < STEPS; step++) {
      const middle = (near + far) / 2
      if (kept(middle)) near = middle
      else far = middle
    }
    return far
  }
  return { estimate, lower: bound(estimate, 0), upper: bound(estimate, 1) }
}

/** Difference of two rates, canary less baseline; exact, each arm at half of alpha. */
export function rateDifferenceSequence(
  canary: { n: number; hits: number },
  baseline: { n: number; hits: number },
  alpha = 0.05,
): SequenceInterval {
  return difference(rateSequence(canary, alpha / 2), rateSequence(baseline, alpha / 2))
}
