// What outcomes say of one arm on one day, as sums: they merge by addition, and a corrected outcome is taken out by subtraction. Pure.
import {
  addError,
  addScore as addToScores,
  emptyErrors,
  emptyScores,
  type ErrorSums,
  type ScoreHistogram,
} from '../../statistics/score-histogram.ts'
import type { Score } from './scoring.ts'

/** Sums over multiclass predictions whose outcome is known. */
export interface ClassSums {
  n: number
  correct: number
  /** Σ probability of the most likely class: less `correct`, it is the calibration gap. */
  sumConfidence: number
  sumLogLoss: number
  sumLogLossSquared: number
  sumBrier: number
}

export type Quality =
  | { task: 'binary'; sums: ScoreHistogram }
  | { task: 'regression'; sums: ErrorSums }
  | { task: 'multiclass'; sums: ClassSums }

export interface PerformanceSums {
  /** Logged predictions. */
  predictions: number
  /** Those whose outcome is known; all else is over them. */
  outcomes: number
  lossSum: number
  lossSquareSum: number
  quality: Quality | null
}

export const noPerformance = (): PerformanceSums => ({
  predictions: 0,
  outcomes: 0,
  lossSum: 0,
  lossSquareSum: 0,
  quality: null,
})

const noClasses = (): ClassSums => ({
  n: 0,
  correct: 0,
  sumConfidence: 0,
  sumLogLoss: 0,
  sumLogLossSquared: 0,
  sumBrier: 0,
})

export function emptyQuality(task: Quality['task']): Quality {
  if (task === 'binary') return { task, sums: emptyScores() }
  return task === 'regression' ? { task, sums: emptyErrors() } : { task, sums: noClasses() }
}

/** Counts one prediction whose outcome became known, in place. */
export function addOutcome(sums: PerformanceSums, score: Score): void {
  sums.outcomes++
  sums.lossSum += score.loss
  sums.lossSquareSum += score.loss * score.loss
  const quality = (sums.quality ??= emptyQuality(score.task))
  if (quality.task === 'binary') addToScores(quality.sums, score.predicted, score.observed)
  else if (quality.task === 'regression') addError(quality.sums, score.predicted, score.observed)
  else {
    quality.sums.n++
    quality.sums.correct += score.observed
    quality.sums.sumConfidence += score.predicted
    quality.sums.sumLogLoss += score.loss
    quality.sums.sumLogLossSquared += score.loss * score.loss
    quality.sums.sumBrier += score.squaredError
  }
}

/** Adds `more` into `sums`, which it returns; with -1 takes it out. A version has one task, so the qualities are of one kind. */
export function mergePerformance(sums: PerformanceSums, more: PerformanceSums, sign: 1 | -1 = 1): PerformanceSums {
  sums.predictions += sign * more.predictions
  sums.outcomes += sign * more.outcomes
  sums.lossSum += sign * more.lossSum
  sums.lossSquareSum += sign * more.lossSquareSum
  if (!more.quality) return sums
  sums.quality ??= emptyQuality(more.quality.task)
  if (sums.quality.task !== more.quality.task) throw new Error('qualities of two tasks do not add up')
  addSums(sums.quality.sums as unknown as Sums, more.quality.sums as unknown as Sums, sign)
  return sums
}

type Sums = Record<string, number | number[]>

function addSums(into: Sums, more: Sums, sign: 1 | -1): void {
  for (const [name, value] of Object.entries(more)) {
    const sum = into[name]
    if (typeof value === 'number') into[name] = (sum as number) + sign * value
    else for (let at = 0; at < value.length; at++) (sum as number[])[at]! += sign * value[at]!
  }
}
