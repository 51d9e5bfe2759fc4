// A candidate beside the champion on the same held-out rows: both evaluated, and their difference with its interval. Runs in step processes.
import { DomainError } from '../platform/errors.ts'
import { areaDifference } from '../statistics/area-difference.ts'
import { bootstrapMean } from '../statistics/bootstrap.ts'
import type { Frame } from '../training/frame.ts'
import type { Comparison, ComparisonOptions, GateEvidence } from './evaluation.ts'
import type { LoadedModel } from './inference.ts'
import { lossesOf, mainMetric, pairedMetrics, positivesOf, type PairedMetric, type Scored } from './metric.ts'
import { answersFor, evaluate, scoredRows, type Answers } from './scoring.ts'
import { slicesOf, type SliceSpec } from './slice.ts'

export interface PairInput {
  readonly candidate: LoadedModel
  readonly champion: LoadedModel | null
  /** Held-out rows; the target in terms of the candidate's classes. */
  readonly frame: Frame
  readonly slices: readonly SliceSpec[]
  readonly options: ComparisonOptions
  readonly signal?: AbortSignal
}

/**
 * Evaluates both models on the same rows. `losses` are the candidate's by row (of the main metric; NaN where it is broken), to store.
 * A champion of another task or other classes cannot be compared: it is treated as absent, and the gate's signature check says so.
 * @throws DomainError metric_unsuited: the task has no such metric; and as `answersFor` and `slicesOf`
 */
export async function evaluatePair(input: PairInput): Promise<{ evidence: GateEvidence; losses: Float32Array }> {
  const { candidate, frame, options, signal } = input
  const { task } = candidate.signature
  const metric = options.metric ?? mainMetric(task)
  if (!pairedMetrics[task].includes(metric)) {
    const message = `a ${task} model has no metric ${metric} to compare by: use ${pairedMetrics[task].join(', ')}`
    throw new DomainError('invalid', 'metric_unsuited', message)
  }
  const champion = input.champion && isComparable(candidate, input.champion) ? input.champion : null
  const slices = slicesOf(frame, input.slices)
  const labels = frame.target
  const mine = await answersFor(candidate, frame, signal)
  const theirs = champion && (await answersFor(champion, frame, signal))
  const sides = theirs && { task, labels, mine, theirs }
  const everyRow = Uint32Array.from({ length: frame.rowCount }, (_, row) => row)
  const evidence: GateEvidence = {
    candidate: evaluate({ task, labels, answers: mine, slices }),
    champion: theirs && evaluate({ task, labels, answers: theirs, slices }),
    comparison: sides && compareRows(sides, everyRow, { ...options, metric }),
    sliceComparisons: sides
      ? slices.map(({ name, rows }) => ({ name, comparison: compareRows(sides, rows, { ...options, metric }) }))
      : [],
  }
  const scored = scoredRows({ task, labels, answers: mine }, everyRow, new Set())
  return { evidence, losses: lossesOf(scored, mainMetric(task) === 'mse' ? 'mse' : 'log_loss') }
}

function isComparable({ signature: a }: LoadedModel, { signature: b }: LoadedModel): boolean {
  return (
    a.task === b.task &&
    a.classes.length === b.classes.length &&
    a.classes.every((name, index) => name === b.classes[index])
  )
}

interface Sides {
  readonly task: Scored['task']
  readonly labels: Float64Array
  readonly mine: Answers
  readonly theirs: Answers
}

/**
 * The difference on the chosen rows. Means of losses by a percentile bootstrap of the paired differences, AUC by DeLong. Rows are taken as
 * exchangeable: the interval says what other rows of these days would show, not what other days would.
 */
function compareRows(
  { task, labels, mine, theirs }: Sides,
  rows: Uint32Array,
  { metric, confidence, resamples, seed }: ComparisonOptions & { metric: PairedMetric },
): Comparison {
  const broken = new Set([...mine.broken, ...theirs.broken])
  const candidate = scoredRows({ task, labels, answers: mine }, rows, broken)
  const champion = scoredRows({ task, labels, answers: theirs }, rows, broken)
  const of = { metric, rows: candidate.labels.length, confidence }
  if (of.rows === 0) return { ...of, difference: 0, ...unknown }
  if (metric === 'auc') {
    const scores = { first: positivesOf(candidate), second: positivesOf(champion) }
    const { difference, lower, upper } = areaDifference(candidate.labels, scores, confidence)
    return Number.isFinite(lower + upper) ? { ...of, difference, lower, upper } : { ...of, difference: 0, ...unknown }
  }
  const before = lossesOf(champion, metric)
  const differences = lossesOf(candidate, metric).map((loss, row) => loss - before[row]!)
  const { mean, lower, upper } = bootstrapMean(differences, { seed, resamples, confidence })
  return { ...of, difference: mean, lower, upper }
}

/** An interval that says nothing, in numbers that JSON can hold. */
const unknown = { lower: -Number.MAX_VALUE, upper: Number.MAX_VALUE }
