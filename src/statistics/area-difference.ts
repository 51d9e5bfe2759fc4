// Is one model's AUC better than another's on the same rows? DeLong, DeLong and Clarke-Pearson (1988) in O(n log n) (Sun and Xu 2014).
import { orderByScore } from './classification.ts'
import { normalQuantile, normalSurvival } from './distributions.ts'

export interface AreaDifference {
  readonly first: number
  readonly second: number
  /** second − first */
  readonly difference: number
  readonly standardError: number
  readonly lower: number
  readonly upper: number
  /** Two-sided, of no difference. */
  readonly pValue: number
}

/** Mid-ranks from 1 of the rows chosen, by score. */
function midRanks(scores: ArrayLike<number>): Float64Array {
  const order = orderByScore(scores)
  const ranks = new Float64Array(scores.length)
  for (let from = 0; from < order.length;) {
    let to = from + 1
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++
    for (let at = from; at < to; at++) ranks[order[at]!] = (from + to + 1) / 2
    from = to
  }
  return ranks
}

interface Placements {
  readonly area: number
  /** For each positive, the share of negatives below it. */
  readonly positives: Float64Array
  /** For each negative, the share of positives above it. */
  readonly negatives: Float64Array
}

function placementsOf(labels: ArrayLike<number>, scores: ArrayLike<number>): Placements {
  const all = midRanks(scores)
  const isPositive = (row: number): boolean => labels[row]! > 0
  const rows = Array.from({ length: labels.length }, (_, row) => row)
  const positiveRows = rows.filter(isPositive)
  const negativeRows = rows.filter((row) => !isPositive(row))
  const amongPositives = midRanks(positiveRows.map((row) => scores[row]!))
  const amongNegatives = midRanks(negativeRows.map((row) => scores[row]!))
  const positives = Float64Array.from(
    positiveRows,
    (row, at) => (all[row]! - amongPositives[at]!) / negativeRows.length,
  )
  const negatives = Float64Array.from(
    negativeRows,
    (row, at) => 1 - (all[row]! - amongNegatives[at]!) / positiveRows.length,
  )
  return { area: positives.reduce((sum, share) => sum + share, 0) / positives.length, positives, negatives }
}

/** Variance of the mean of a[i] − b[i], over i. */
function varianceOfMeanDifference(a: Float64Array, b: Float64Array | undefined): number {
  const rows = a.length
  let mean = 0
  for (let row = 0; row < rows; row++) mean += (a[row]! - (b?.[row] ?? 0)) / rows
  let squares = 0
  for (let row = 0; row < rows; row++) squares += (a[row]! - (b?.[row] ?? 0) - mean) ** 2
  return squares / (rows - 1) / rows
}

/** AUC with DeLong's standard error. NaN when a class has fewer than two rows. */
export function areaWithError(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
): { area: number; standardError: number } {
  const { area, positives, negatives } = placementsOf(labels, scores)
  const variance = varianceOfMeanDifference(positives, undefined) + varianceOfMeanDifference(negatives, undefined)
  return { area, standardError: Math.sqrt(variance) }
}

/** AUC of `second` less AUC of `first` on the same labelled rows, with its interval (confidence 0.95 unless given). */
export function areaDifference(
  labels: ArrayLike<number>,
  scores: { first: ArrayLike<number>; second: ArrayLike<number> },
  confidence = 0.95,
): AreaDifference {
  const a = placementsOf(labels, scores.first)
  const b = placementsOf(labels, scores.second)
  const variance =
    varianceOfMeanDifference(b.positives, a.positives) + varianceOfMeanDifference(b.negatives, a.negatives)
  const standardError = Math.sqrt(variance)
  const difference = b.area - a.area
  const reach = normalQuantile((1 + confidence) / 2) * standardError
  const pValue = standardError > 0 ? 2 * normalSurvival(Math.abs(difference) / standardError) : difference === 0 ? 1 : 0
  return {
    first: a.area,
    second: b.area,
    difference,
    standardError,
    lower: difference - reach,
    upper: difference + reach,
    pValue,
  }
}
