// The metrics of an evaluation: their names, which way is better, and the loss of one row where a metric is a mean of such. Pure.
import { z } from 'zod'
import {
  accuracy,
  areaUnderCurve,
  brierScore,
  calibration,
  logLoss,
  logLossOfRow,
  multiclassAccuracy,
  multiclassLogLoss,
} from '../statistics/classification.ts'
import { regressionQuality } from '../statistics/regression.ts'
import type { Task } from './signature.ts'

/**
 * binary: auc, log_loss (nats), brier, accuracy (at 0.5), calibration_gap (mean predicted less mean observed), calibration_error (ten bins),
 * mean_predicted, mean_observed. multiclass: log_loss, accuracy. regression: rmse, mse, mae, mean_error (predicted less observed), r2.
 */
export const MetricName = z.enum([
  'auc',
  'log_loss',
  'brier',
  'accuracy',
  'calibration_gap',
  'calibration_error',
  'mean_predicted',
  'mean_observed',
  'rmse',
  'mse',
  'mae',
  'mean_error',
  'r2',
])
export type MetricName = z.infer<typeof MetricName>

/** A metric that has no value (the AUC of rows of one class) is left out. */
export const Metrics = z.partialRecord(MetricName, z.number())
export type Metrics = Readonly<z.infer<typeof Metrics>>

/** Labels (class index, or value) and what a model said: `width` numbers a row. */
export interface Scored {
  readonly task: Task
  readonly labels: Float64Array
  readonly values: Float32Array
  readonly width: number
}

/** Probability of the positive class of each row of a binary model. */
export function positivesOf({ values }: Pick<Scored, 'values'>): Float32Array {
  return Float32Array.from({ length: values.length / 2 }, (_, row) => values[row * 2 + 1]!)
}

/** Every metric of the task. Rows must hold finite numbers. */
export function metricsOf(scored: Scored): Metrics {
  const found = Object.entries(allMetricsOf(scored)).filter(([, value]) => Number.isFinite(value))
  return Object.fromEntries(found) as Metrics
}

function allMetricsOf(scored: Scored): Metrics {
  const { task, labels, values, width } = scored
  if (labels.length === 0) return {}
  if (task === 'regression') {
    const quality = regressionQuality(labels, values)
    return {
      rmse: quality.rootMeanSquaredError,
      mse: quality.rootMeanSquaredError ** 2,
      mae: quality.meanAbsoluteError,
      mean_error: quality.meanError,
      r2: quality.r2,
    }
  }
  if (task === 'multiclass') {
    return { log_loss: multiclassLogLoss(labels, values, width), accuracy: multiclassAccuracy(labels, values, width) }
  }
  const positives = positivesOf(scored)
  const { gap, expectedError } = calibration(labels, positives)
  return {
    auc: areaUnderCurve(labels, positives),
    log_loss: logLoss(labels, positives),
    brier: brierScore(labels, positives),
    accuracy: accuracy(labels, positives),
    calibration_gap: gap,
    calibration_error: expectedError,
    mean_predicted: mean(positives),
    mean_observed: mean(labels),
  }
}

function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let row = 0; row < values.length; row++) sum += values[row]!
  return sum / values.length
}

/** Metrics by which two models can be compared row by row: means over rows, and the AUC. */
export const PairedMetric = MetricName.extract(['auc', 'log_loss', 'brier', 'accuracy', 'mse', 'mae'])
export type PairedMetric = z.infer<typeof PairedMetric>

/** The metric that the task's models are compared by unless a policy names one. */
export const mainMetric = (task: Task): PairedMetric => (task === 'regression' ? 'mse' : 'log_loss')

/** Paired metrics of each task. */
export const pairedMetrics: Readonly<Record<Task, readonly PairedMetric[]>> = {
  binary: ['auc', 'log_loss', 'brier', 'accuracy'],
  multiclass: ['log_loss', 'accuracy'],
  regression: ['mse', 'mae'],
}

/** Loss of each row, the smaller the better: nats, squared or absolute error, 1 for a wrong class. */
export function lossesOf(scored: Scored, metric: Exclude<PairedMetric, 'auc'>): Float32Array {
  const { labels, values, width, task } = scored
  return Float32Array.from(labels, (label, row) => {
    if (task === 'regression') return metric === 'mae' ? Math.abs(values[row]! - label) : (values[row]! - label) ** 2
    const start = row * width
    if (metric === 'accuracy') return mostProbable(values, start, width) === label ? 0 : 1
    if (metric === 'brier') return (values[start + 1]! - label) ** 2
    return task === 'binary' ? logLossOfRow(label, values[start + 1]!) : logLossOfRow(1, values[start + label]!)
  })
}

/** As inference.ts answers: of two classes the second from 0.5 on, else the first of the most probable. */
function mostProbable(values: Float32Array, start: number, width: number): number {
  if (width === 2) return values[start + 1]! >= 0.5 ? 1 : 0
  let best = 0
  for (let index = 1; index < width; index++) if (values[start + index]! > values[start + best]!) best = index
  return best
}
