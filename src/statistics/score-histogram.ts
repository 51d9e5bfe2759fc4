// Predictions with outcomes as sums that merge by addition: what a window of a monitor keeps instead of its rows.
import { z } from 'zod'
import { areaUnderCurveOfBins, calibrationOfBins, logLossOfRow, type Calibration } from './classification.ts'

/** Score bins of width 0.001: the AUC from them differs from the exact one by at most half the share of pairs within one bin. */
export const SCORE_BINS = 1000
/** Bins of the reliability diagram; each joins 100 score bins. */
const RELIABILITY_BINS = 10

/**
 * Sums over binary predictions whose outcome is known. Positives and negatives by score bin are sparse in JSON-friendly form: plain arrays
 * of `SCORE_BINS` counts.
 */
export const ScoreHistogram = z.strictObject({
  n: z.number().nonnegative(),
  sumPredicted: z.number(),
  sumObserved: z.number(),
  sumLogLoss: z.number(),
  sumLogLossSquared: z.number(),
  /** Σ (p − y)²: the Brier score's sum, and also the second moment of the calibration gap. */
  sumBrier: z.number(),
  sumBrierSquared: z.number(),
  positives: z.array(z.number().nonnegative()).length(SCORE_BINS),
  negatives: z.array(z.number().nonnegative()).length(SCORE_BINS),
  /** Σ p by reliability bin. */
  predicted: z.array(z.number()).length(RELIABILITY_BINS),
})
export type ScoreHistogram = z.infer<typeof ScoreHistogram>

const zeros = (length: number): number[] => Array.from({ length }, () => 0)

export function emptyScores(): ScoreHistogram {
  return {
    n: 0,
    sumPredicted: 0,
    sumObserved: 0,
    sumLogLoss: 0,
    sumLogLossSquared: 0,
    sumBrier: 0,
    sumBrierSquared: 0,
    positives: zeros(SCORE_BINS),
    negatives: zeros(SCORE_BINS),
    predicted: zeros(RELIABILITY_BINS),
  }
}

/** Counts one prediction in place: its probability and its outcome (0 or 1). */
export function addScore(scores: ScoreHistogram, probability: number, outcome: number): void {
  const loss = logLossOfRow(outcome, probability)
  const brier = (probability - outcome) ** 2
  scores.n++
  scores.sumPredicted += probability
  scores.sumObserved += outcome
  scores.sumLogLoss += loss
  scores.sumLogLossSquared += loss * loss
  scores.sumBrier += brier
  scores.sumBrierSquared += brier * brier
  const bin = Math.min(SCORE_BINS - 1, Math.max(0, Math.floor(probability * SCORE_BINS)))
  if (outcome > 0) scores.positives[bin]!++
  else scores.negatives[bin]!++
  scores.predicted[Math.floor((bin * RELIABILITY_BINS) / SCORE_BINS)]! += probability
}

function addArray(into: number[], more: readonly number[]): void {
  for (let at = 0; at < into.length; at++) into[at]! += more[at]!
}

/** Adds `more` into `scores`, which it returns. */
export function mergeScores(scores: ScoreHistogram, more: ScoreHistogram): ScoreHistogram {
  scores.n += more.n
  scores.sumPredicted += more.sumPredicted
  scores.sumObserved += more.sumObserved
  scores.sumLogLoss += more.sumLogLoss
  scores.sumLogLossSquared += more.sumLogLossSquared
  scores.sumBrier += more.sumBrier
  scores.sumBrierSquared += more.sumBrierSquared
  addArray(scores.positives, more.positives)
  addArray(scores.negatives, more.negatives)
  addArray(scores.predicted, more.predicted)
  return scores
}

/** A mean with the standard error that independent rows would give it. */
export interface Estimate {
  readonly value: number
  readonly standardError: number
}

function estimate(n: number, sum: number, sumOfSquares: number): Estimate {
  const value = sum / n
  return { value, standardError: Math.sqrt(Math.max(0, sumOfSquares / n - value * value) / Math.max(1, n - 1)) }
}

export interface ScoreQuality {
  readonly rows: number
  readonly logLoss: Estimate
  readonly brier: Estimate
  /** Mean predicted less mean observed. */
  readonly gap: Estimate
  /** From the score bins; NaN when a class has no row. Standard error by Hanley and McNeil (1982). */
  readonly areaUnderCurve: Estimate
  readonly calibration: Calibration
}

function areaEstimate(scores: ScoreHistogram): Estimate {
  const value = areaUnderCurveOfBins(scores.positives, scores.negatives)
  const positives = scores.sumObserved
  const negatives = scores.n - positives
  const square = value * value
  const variance =
    value * (1 - value) +
    (positives - 1) * (value / (2 - value) - square) +
    (negatives - 1) * ((2 * square) / (1 + value) - square)
  return { value, standardError: Math.sqrt(Math.max(0, variance) / (positives * negatives)) }
}

/** Every metric of the window. With no row, NaN throughout. */
export function scoreQuality(scores: ScoreHistogram): ScoreQuality {
  const rows = zeros(RELIABILITY_BINS)
  const observed = zeros(RELIABILITY_BINS)
  for (let bin = 0; bin < SCORE_BINS; bin++) {
    const wide = Math.floor((bin * RELIABILITY_BINS) / SCORE_BINS)
    rows[wide]! += scores.positives[bin]! + scores.negatives[bin]!
    observed[wide]! += scores.positives[bin]!
  }
  return {
    rows: scores.n,
    logLoss: estimate(scores.n, scores.sumLogLoss, scores.sumLogLossSquared),
    brier: estimate(scores.n, scores.sumBrier, scores.sumBrierSquared),
    gap: estimate(scores.n, scores.sumPredicted - scores.sumObserved, scores.sumBrier),
    areaUnderCurve: areaEstimate(scores),
    calibration: calibrationOfBins({ rows, predicted: scores.predicted, observed }),
  }
}

/** Sums over numeric predictions whose outcome is known; errors are predicted less observed. */
export const ErrorSums = z.strictObject({
  n: z.number().nonnegative(),
  sumError: z.number(),
  sumAbsolute: z.number(),
  sumSquared: z.number(),
  sumSquaredSquared: z.number(),
  sumObserved: z.number(),
  sumObservedSquared: z.number(),
})
export type ErrorSums = z.infer<typeof ErrorSums>

export function emptyErrors(): ErrorSums {
  return {
    n: 0,
    sumError: 0,
    sumAbsolute: 0,
    sumSquared: 0,
    sumSquaredSquared: 0,
    sumObserved: 0,
    sumObservedSquared: 0,
  }
}

/** Counts one prediction in place. */
export function addError(errors: ErrorSums, predicted: number, observed: number): void {
  const error = predicted - observed
  const square = error * error
  errors.n++
  errors.sumError += error
  errors.sumAbsolute += Math.abs(error)
  errors.sumSquared += square
  errors.sumSquaredSquared += square * square
  errors.sumObserved += observed
  errors.sumObservedSquared += observed * observed
}

/** Adds `more` into `errors`, which it returns. */
export function mergeErrors(errors: ErrorSums, more: ErrorSums): ErrorSums {
  for (const key of Object.keys(errors) as (keyof ErrorSums)[]) errors[key] += more[key]
  return errors
}

export interface ErrorQuality {
  readonly rows: number
  readonly meanError: Estimate
  readonly meanAbsoluteError: Estimate
  readonly meanSquaredError: Estimate
  readonly rootMeanSquaredError: number
  /** Loses digits where the target's mean is far larger than its spread. */
  readonly r2: number
}

/** Every metric of the window. With no row, NaN throughout. */
export function errorQuality(errors: ErrorSums): ErrorQuality {
  const { n, sumSquared, sumObserved, sumObservedSquared } = errors
  const spread = sumObservedSquared - (sumObserved * sumObserved) / n
  return {
    rows: n,
    meanError: estimate(n, errors.sumError, sumSquared),
    meanAbsoluteError: estimate(n, errors.sumAbsolute, sumSquared),
    meanSquaredError: estimate(n, sumSquared, errors.sumSquaredSquared),
    rootMeanSquaredError: Math.sqrt(sumSquared / n),
    r2: spread > 0 ? 1 - sumSquared / spread : sumSquared === 0 ? 1 : 0,
  }
}
