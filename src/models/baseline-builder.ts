// Makes the baseline of a model version from its training rows and what the model says of them. Pure; runs in step processes.
import { DomainError } from '../platform/errors.ts'
import {
  binCount,
  categoryBins,
  compileBins,
  countValues,
  emptyCounts,
  quantileBins,
  type FeatureBins,
} from '../statistics/binning.ts'
import { takeRows, type Frame, type FrameColumn } from '../training/frame.ts'
import { derivedValue, type Baseline, type BaselineFeature } from './baseline.ts'
import type { Answers } from './scoring.ts'
import { lossesOf, mainMetric, type Scored } from './metric.ts'
import type { Signature } from './signature.ts'

export interface BaselineInput {
  /** The training rows; columns that are no input of the model are left out. */
  readonly frame: Frame
  readonly signature: Signature
  /** What the graph itself answers on these rows: live answers are counted into bins of the same float32 numbers. */
  readonly answers: Answers
  /** From {@link crossFittedDays}; empty: monitors of quality get no threshold by rule. */
  readonly days: Baseline['days']
}

/** Bins of one number; a tenth of the training rows each, or one for each value of few. */
const valueBins = 10
const categoriesMax = 200

/** @throws DomainError input_column_missing: the frame lacks an input of the model */
export function computeBaseline({ frame, signature, answers, days }: BaselineInput): Baseline {
  const byName = new Map(frame.columns.map((column) => [column.name, column]))
  const features = signature.inputs.flatMap(({ name, required }): BaselineFeature[] => {
    const column = byName.get(name)
    if (column) return featuresOf(column)
    if (!required) return []
    const message = `column "${name}" is missing: the model takes it, and the training rows do not have it`
    throw new DomainError('invalid', 'input_column_missing', message, { column: name })
  })
  return { rows: frame.rowCount, features, prediction: predictionOf(signature, answers), days }
}

function featuresOf(column: FrameColumn): BaselineFeature[] {
  const { name } = column
  switch (column.kind) {
    case 'number': {
      // As the graph sees them: a double just below an edge may be a float32 just above it.
      const values = Float32Array.from(column.values)
      const bins = quantileBins(values, valueBins)
      return [{ name, derive: 'value', bins, counts: countValues(bins, values) }]
    }
    case 'category':
      return [categoryFeature(column)]
    case 'time':
      return (['hour', 'weekday'] as const).map((derive) => {
        const values = Array.from(column.micros, (micros) => derivedValue(micros, derive))
        const edges = derive === 'hour' ? 24 : 7
        const bins: FeatureBins = { kind: 'numeric', edges: Array.from({ length: edges + 1 }, (_, edge) => edge) }
        return { name, derive, bins, counts: countValues(bins, values) }
      })
  }
}

/** By code, so that a category is looked up once and not once a row. The category '' is missing, as in the graph. */
function categoryFeature({ name, codes, categories }: FrameColumn & { kind: 'category' }): BaselineFeature {
  const values = function* (): Generator<string | null> {
    for (const code of codes) yield code < 0 || categories[code] === '' ? null : categories[code]!
  }
  const bins = categoryBins(values(), categoriesMax)
  const place = compileBins(bins)
  const places = categories.map((category) => place(category === '' ? null : category))
  const counts = emptyCounts(bins)
  const missing = place(null)
  for (const code of codes) counts[code < 0 ? missing : places[code]!]!++
  return { name, derive: 'value', bins, counts }
}

function predictionOf({ task, classes }: Signature, { values, width }: Answers): Baseline['prediction'] {
  if (task !== 'multiclass') {
    const predicted = Float32Array.from({ length: values.length / width }, (_, row) => values[row * width + width - 1]!)
    const bins = quantileBins(predicted, valueBins)
    return { bins, counts: countValues(bins, predicted) }
  }
  const bins: FeatureBins = { kind: 'category', categories: [...classes] }
  const counts = Array.from({ length: binCount(bins) }, () => 0)
  const place = compileBins(bins)
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width)
    const best = row.reduce((found, value, index) => (value > row[found]! ? index : found), 0)
    counts[place(classes[best])]!++
  }
  return { bins, counts }
}

export interface CrossFitInput {
  readonly frame: Frame
  readonly signature: Signature
  /** The time column by whose days (UTC) the rows are split; it need not be an input of the model. */
  readonly micros: BigInt64Array
  /** Parts that are left out in turn: runs of neighbouring days. 5 by default, at most one a day. */
  readonly folds?: number
}

const microsPerDay = 86_400_000_000n
const dayMs = 86_400_000

/** What is left out at a time: whole days of the time column, [from, to). */
export interface Fold {
  readonly index: number
  readonly fromMs: number
  readonly toMs: number
}

/** A predictor trained on a frame: class probabilities or values, row by row, as a trained model's `predict` gives them. */
export type TrainPart = (
  part: Frame,
  fold: Fold,
) => Promise<(rows: Frame) => ArrayLike<number> | Promise<ArrayLike<number>>>

/**
 * What a model that has not seen a day says of it, day by day: the training period's own days as a monitor will see later ones. Days are left
 * out in runs, since neighbours are alike.
 * @throws DomainError too_few_days: less than two days
 */
export async function crossFittedDays(train: TrainPart, input: CrossFitInput): Promise<Baseline['days']> {
  const { frame, signature, micros } = input
  const dayOf = Array.from(micros, (value) => Number(value / microsPerDay - (value % microsPerDay < 0n ? 1n : 0n)))
  const days = [...new Set(dayOf)].toSorted((a, b) => a - b)
  if (days.length < 2) {
    throw new DomainError(
      'invalid',
      'too_few_days',
      `the training rows lie on ${days.length} days: cross-fitting wants at least two`,
    )
  }
  const folds = Math.min(input.folds ?? 5, days.length)
  const foldOfDay = new Map(days.map((day, at) => [day, Math.floor((at * folds) / days.length)]))
  const sums = new Map(
    days.map((day) => [day, { dayMs: day * dayMs, rows: 0, sumPredicted: 0, sumObserved: 0, sumLoss: 0 }]),
  )
  for (let index = 0; index < folds; index++) {
    const left = days.filter((day) => foldOfDay.get(day) === index)
    const fold = { index, fromMs: left[0]! * dayMs, toMs: (left.at(-1)! + 1) * dayMs }
    const inside: number[] = []
    const outside: number[] = []
    dayOf.forEach((day, row) => (foldOfDay.get(day) === index ? inside : outside).push(row))
    const rows = takeRows(frame, inside)
    const predict = await train(takeRows(frame, outside), fold)
    const { predicted, observed, losses } = outcomesOf(signature, rows.target, await predict(rows))
    inside.forEach((row, at) => {
      const sum = sums.get(dayOf[row]!)!
      sum.rows++
      sum.sumPredicted += predicted(at)
      sum.sumObserved += observed(at)
      sum.sumLoss += losses[at]!
    })
  }
  return [...sums.values()]
}

/** Of binary tasks the positive class's probability and the label, of regression the value, of multiclass the share of right answers. */
function outcomesOf({ task, classes }: Signature, labels: Float64Array, predictions: ArrayLike<number>) {
  const width = task === 'regression' ? 1 : classes.length
  const scored: Scored = { task, labels, values: Float32Array.from(predictions), width }
  const metric = mainMetric(task)
  const losses = lossesOf(scored, metric === 'auc' ? 'log_loss' : metric)
  if (task !== 'multiclass') {
    return {
      predicted: (row: number) => scored.values[row * width + width - 1]!,
      observed: (row: number) => labels[row]!,
      losses,
    }
  }
  // The most probable class's probability beside whether it was right: how sure the model is beside how often it is right.
  const wrong = lossesOf(scored, 'accuracy')
  const surest = (row: number): number => Math.max(...scored.values.subarray(row * width, (row + 1) * width))
  return { predicted: surest, observed: (row: number) => 1 - wrong[row]!, losses }
}
