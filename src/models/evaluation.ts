// What an evaluation found, of one model and of two beside each other: JSON, the output of a step and the evidence of a gate. Pure.
import { z } from 'zod'
import { Metrics, PairedMetric } from './metric.ts'
import { Task } from './signature.ts'

export const EvaluationSlice = z.strictObject({ name: z.string(), rows: z.int().nonnegative(), metrics: Metrics })

export const Evaluation = z.strictObject({
  task: Task,
  /** Rows that were answered. */
  rows: z.int().nonnegative(),
  /** Rows on which the model failed or gave no finite number; they are in no metric. */
  brokenRows: z.int().nonnegative(),
  metrics: Metrics,
  slices: z.array(EvaluationSlice),
  /** Reliability diagram of binary tasks, ten bins. */
  reliability: z.array(z.strictObject({ rows: z.int(), meanPredicted: z.number(), meanObserved: z.number() })),
})
export type Evaluation = Readonly<z.infer<typeof Evaluation>>

/** `difference` says by how much the candidate is worse: above 0 it is, below 0 it is better. */
export const Comparison = z.strictObject({
  metric: PairedMetric,
  /** Rows that both answered. */
  rows: z.int().nonnegative(),
  difference: z.number(),
  lower: z.number(),
  upper: z.number(),
  confidence: z.number(),
})
export type Comparison = Readonly<z.infer<typeof Comparison>>

export const SliceComparison = z.strictObject({ name: z.string(), comparison: Comparison })

/** How two models are compared. Part of a gate's policy. */
export const ComparisonOptions = z.strictObject({
  /** By default log_loss, or mse for regression. */
  metric: PairedMetric.optional(),
  confidence: z.number().min(0.5).max(0.9999).default(0.95),
  resamples: z.int().min(200).max(20_000).default(1000),
  seed: z.int().default(1),
})
export type ComparisonOptions = Readonly<z.infer<typeof ComparisonOptions>>

/** What a gate judges by: JSON, an output of the step that made it. `champion` and what compares with it are absent when there is none. */
export const GateEvidence = z.strictObject({
  candidate: Evaluation,
  champion: Evaluation.nullable(),
  comparison: Comparison.nullable(),
  sliceComparisons: z.array(SliceComparison),
})
export type GateEvidence = Readonly<z.infer<typeof GateEvidence>>
