// How good one prediction was, once its outcome is known: the losses that all aggregates add up. Pure.
import { logLossOfRow, PROBABILITY_FLOOR } from '../../statistics/classification.ts'
import type { Task } from '../../models/signature.ts'
import type { VersionFacts } from '../version-facts.ts'

/** An outcome as it is posted: a number, a class name, or a truth value. */
export type OutcomeValue = number | string | boolean

export interface Score {
  readonly task: Task
  /** Probability of the positive class; the value of a regression; the probability of the most likely class. */
  readonly predicted: number
  /** 0 or 1; the value; whether the most likely class (the first of equals) came. */
  readonly observed: number
  /** Log loss in nats of a classifier; squared error of a regression. */
  readonly loss: number
  /** Squared error; of a multiclass model, summed over its classes (Brier's own definition). */
  readonly squaredError: number
  /** A classifier named the right class (binary: at a threshold of 0.5). */
  readonly correct: boolean
}

type Labels = Pick<VersionFacts, 'task' | 'classes'>

/**
 * The outcome as a number: 0 or 1 of a binary task, the class's index of a multiclass one, the value of a regression.
 * Undefined: it does not fit the task.
 */
export function observedNumber({ task, classes }: Labels, value: OutcomeValue): number | undefined {
  if (task === 'regression') return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  const named = classes.indexOf(String(value))
  if (named >= 0) return named
  if (task === 'multiclass') return undefined
  if (typeof value === 'boolean') return value ? 1 : 0
  return value === 0 || value === 1 ? value : undefined
}

/** Undefined: the output has another shape than the task asks for. `observed` comes from {@link observedNumber}. */
export function scoreOf({ task, classes }: Labels, output: readonly number[], observed: number): Score | undefined {
  const first = output[0]
  if (first === undefined) return undefined
  if (task === 'regression') {
    const squaredError = (first - observed) ** 2
    return { task, predicted: first, observed, loss: squaredError, squaredError, correct: false }
  }
  if (task === 'binary') {
    const positive = output.length === 2 ? output[1]! : first
    return {
      task,
      predicted: positive,
      observed,
      loss: logLossOfRow(observed, positive),
      squaredError: (positive - observed) ** 2,
      correct: positive >= 0.5 === observed > 0,
    }
  }
  if (output.length !== classes.length) return undefined
  return multiclassScore(output, observed)
}

function multiclassScore(output: readonly number[], observed: number): Score {
  let best = 0
  let squaredError = 0
  for (const [at, probability] of output.entries()) {
    if (probability > output[best]!) best = at
    squaredError += (probability - (at === observed ? 1 : 0)) ** 2
  }
  const correct = best === observed
  const clipped = Math.min(1 - PROBABILITY_FLOOR, Math.max(PROBABILITY_FLOOR, output[observed]!))
  return {
    task: 'multiclass',
    predicted: output[best]!,
    observed: correct ? 1 : 0,
    loss: -Math.log(clipped),
    squaredError,
    correct,
  }
}
