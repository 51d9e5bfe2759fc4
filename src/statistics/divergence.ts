// How far two histograms over the same bins are apart. All from counts; SciPy's definitions unless said otherwise.
import { chiSquaredSurvival } from './distributions.ts'
import { rowsOf } from './value-counts.ts'

/** Counts or weights over the same bins, in the same order. */
export type Counts = ArrayLike<number>

/** Counts as shares of their sum; all 0 where there are none. */
export function sharesOf(counts: Counts): Float64Array {
  const total = rowsOf(counts)
  const shares = new Float64Array(counts.length)
  // A loop, for Float64Array.from() with a function takes many times as long for millions of counts.
  if (total > 0) for (let at = 0; at < shares.length; at++) shares[at] = counts[at]! / total
  return shares
}

/**
 * What stands in for an empty bin where a logarithm needs more than 0:
 * `floor`: a share of at least 0.0001, the textbook's; the other shares stay as they are. `half_count`: half a row more in every bin on
 * both sides, shares taken afterwards. `evidently`: each side's empty bins get 0.0001, or a millionth of its smallest share where that is
 * not above 0.0001.
 */
export type ZeroFill = 'floor' | 'half_count' | 'evidently'

const FLOOR = 1e-4

function filledShares(counts: Counts, zeroFill: ZeroFill): Float64Array {
  if (zeroFill === 'half_count') return sharesOf(Float64Array.from(counts, (count) => count + 0.5))
  const shares = sharesOf(counts)
  if (zeroFill === 'floor') return shares.map((share) => Math.max(share, FLOOR))
  const smallest = shares.reduce((least, share) => (share > 0 && share < least ? share : least), Infinity)
  const fill = smallest <= FLOOR ? smallest * 1e-6 : FLOOR
  return shares.map((share) => (share === 0 ? fill : share))
}

/** Population stability index: Σ (r − c) ln(r / c) over shares. Common reading: under 0.1 stable, over 0.25 changed. */
export function populationStability(reference: Counts, current: Counts, zeroFill: ZeroFill = 'floor'): number {
  const r = filledShares(reference, zeroFill)
  const c = filledShares(current, zeroFill)
  let sum = 0
  for (let at = 0; at < r.length; at++) sum += (r[at]! - c[at]!) * Math.log(r[at]! / c[at]!)
  return sum
}

function relativeEntropy(p: Float64Array, q: Float64Array): number {
  let sum = 0
  for (let at = 0; at < p.length; at++) if (p[at]! > 0) sum += p[at]! * Math.log(p[at]! / q[at]!)
  return sum
}

/**
 * Kullback-Leibler divergence of the current from the reference, Σ r ln(r / c), in nats. Infinite where the current lacks a bin that the
 * reference has, unless a zero fill is named (shares are normalised again after it).
 */
export function kullbackLeibler(reference: Counts, current: Counts, zeroFill?: ZeroFill): number {
  if (!zeroFill) return relativeEntropy(sharesOf(reference), sharesOf(current))
  return relativeEntropy(sharesOf(filledShares(reference, zeroFill)), sharesOf(filledShares(current, zeroFill)))
}

/** Jensen-Shannon distance: the square root of the divergence. Natural logarithm (at most 0.8326) unless a base is given (2: at most 1). */
export function jensenShannon(reference: Counts, current: Counts, base = Math.E): number {
  const r = sharesOf(reference)
  const c = sharesOf(current)
  const middle = r.map((share, at) => (share + c[at]!) / 2)
  const divergence = (relativeEntropy(r, middle) + relativeEntropy(c, middle)) / 2
  return Math.sqrt(Math.max(0, divergence) / Math.log(base))
}

/** Hellinger distance sqrt(1 − Σ sqrt(r c)), in [0, 1]. */
export function hellinger(reference: Counts, current: Counts): number {
  const r = sharesOf(reference)
  const c = sharesOf(current)
  let overlap = 0
  for (let at = 0; at < r.length; at++) overlap += Math.sqrt(r[at]! * c[at]!)
  return Math.sqrt(Math.max(0, 1 - overlap))
}

/** Total variation ½ Σ |r − c|, in [0, 1]: the share of rows that would have to change bins. */
export function totalVariation(reference: Counts, current: Counts): number {
  const r = sharesOf(reference)
  const c = sharesOf(current)
  let sum = 0
  for (let at = 0; at < r.length; at++) sum += Math.abs(r[at]! - c[at]!)
  return sum / 2
}

/** The outcome of a chi-squared test. */
export interface ChiSquared {
  readonly statistic: number
  readonly degrees: number
  readonly pValue: number
}

/**
 * Goodness of fit: is the current a sample of the reference's shares, taken as known? A bin that the reference lacks and the current has
 * makes the statistic infinite. Over-confident when the reference is itself a small sample: use `chiSquaredHomogeneity` then.
 */
export function chiSquaredGoodness(reference: Counts, current: Counts): ChiSquared {
  const shares = sharesOf(reference)
  const rows = rowsOf(current)
  let statistic = 0
  for (let at = 0; at < shares.length; at++) {
    const wanted = shares[at]! * rows
    const found = current[at]!
    if (wanted > 0) statistic += (found - wanted) ** 2 / wanted
    else if (found > 0) statistic = Infinity
  }
  const degrees = Math.max(0, shares.length - 1)
  return { statistic, degrees, pValue: chiSquaredSurvival(statistic, degrees) }
}

/** Homogeneity: are both samples of one distribution? Without continuity correction; bins empty on both sides do not count. */
export function chiSquaredHomogeneity(reference: Counts, current: Counts): ChiSquared {
  let referenceRows = 0
  let currentRows = 0
  let used = 0
  for (let at = 0; at < reference.length; at++) {
    referenceRows += reference[at]!
    currentRows += current[at]!
    if (reference[at]! + current[at]! > 0) used++
  }
  if (referenceRows === 0 || currentRows === 0 || used < 2) return { statistic: 0, degrees: 0, pValue: 1 }
  let statistic = 0
  const rows = referenceRows + currentRows
  for (let at = 0; at < reference.length; at++) {
    const both = reference[at]! + current[at]!
    if (both === 0) continue
    const wantedReference = (both * referenceRows) / rows
    const wantedCurrent = (both * currentRows) / rows
    statistic += (reference[at]! - wantedReference) ** 2 / wantedReference
    statistic += (current[at]! - wantedCurrent) ** 2 / wantedCurrent
  }
  return { statistic, degrees: used - 1, pValue: chiSquaredSurvival(statistic, used - 1) }
}

/**
 * Wasserstein-1 distance of two weighted sets of points on the same positions (sorted upwards), in the positions' unit. Exact for counts by
 * value; for histograms, the positions are the bins' middles. 0 where a side has no rows.
 */
export function wassersteinOfCounts(positions: ArrayLike<number>, reference: Counts, current: Counts): number {
  const referenceRows = rowsOf(reference)
  const currentRows = rowsOf(current)
  if (referenceRows === 0 || currentRows === 0) return 0
  let distance = 0
  let before = 0
  let now = 0
  for (let at = 0; at + 1 < reference.length; at++) {
    before += reference[at]!
    now += current[at]!
    distance += Math.abs(before / referenceRows - now / currentRows) * (positions[at + 1]! - positions[at]!)
  }
  return distance
}

/** Standard deviation (denominator n) of weighted positions. */
export function deviationOfCounts(positions: ArrayLike<number>, counts: Counts): number {
  const rows = rowsOf(counts)
  if (rows === 0) return 0
  let mean = 0
  for (let at = 0; at < counts.length; at++) mean += (counts[at]! / rows) * positions[at]!
  let variance = 0
  for (let at = 0; at < counts.length; at++) variance += (counts[at]! / rows) * (positions[at]! - mean) ** 2
  return Math.sqrt(variance)
}

/** Below this standard deviation of the reference, Wasserstein distances are divided by it instead. */
const LEAST_DEVIATION = 0.001

/** Wasserstein-1 in standard deviations (denominator n) of the reference, at least 0.001. */
export function normalisedWassersteinOfCounts(
  positions: ArrayLike<number>,
  reference: Counts,
  current: Counts,
): number {
  const deviation = Math.max(LEAST_DEVIATION, deviationOfCounts(positions, reference))
  return wassersteinOfCounts(positions, reference, current) / deviation
}
