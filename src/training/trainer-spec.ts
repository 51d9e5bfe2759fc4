// What a step says about training: which built-in trainer, and its parameters. Pure.
import { z } from 'zod'
import { CalendarPart } from './calendar.ts'

const calendar = (parts: CalendarPart[]) => z.array(CalendarPart).min(1).max(CalendarPart.options.length).default(parts)

/**
 * Histogram gradient boosting. Takes numbers, categories and times; a missing value goes the way that was learned for it. Without
 * `earlyStopping` all iterations run.
 */
export const GradientBoostingSpec = z.strictObject({
  trainer: z.literal('gradient_boosting'),
  objective: z.enum(['binary', 'multiclass', 'regression']).default('binary'),
  iterations: z.int().min(1).max(5000).default(100),
  learningRate: z.number().positive().max(1).default(0.1),
  maxLeaves: z.int().min(2).max(1024).default(31),
  maxDepth: z.int().min(1).max(64).default(64),
  minSamplesLeaf: z.int().min(1).default(20),
  /** Added to the hessian of a leaf. */
  l2: z.number().nonnegative().default(0),
  /** Bins of a number, and own bins of a category column: rarer categories share one. */
  maxBins: z.int().min(2).max(255).default(255),
  /** What a time column becomes. Months are not among the defaults: a training range rarely holds all of them. */
  calendar: calendar(['minute_of_day', 'weekday']),
  earlyStopping: z
    .strictObject({
      /** Iterations to wait for a better loss. */
      rounds: z.int().min(1).default(10),
      /** Share of rows held out by the seed, by class where there are classes; not used if a validation table is given. */
      share: z.number().positive().max(0.5).default(0.1),
      tolerance: z.number().nonnegative().default(1e-7),
    })
    .optional(),
})
export type GradientBoostingSpec = z.infer<typeof GradientBoostingSpec>

/** Parameters that the linear trainers share: missing numbers become the mean, numbers are standardised, categories one-hot. */
const linear = {
  /** Adds a feature per number column that is 1 where the value is missing. */
  missingIndicator: z.boolean().default(false),
  /** What a time column becomes: one-hot, but for `minute_of_day` and `days_since_1970`, which are numbers. */
  calendar: calendar(['hour', 'weekday']),
  maxIterations: z.int().min(1).max(10_000).default(1000),
}

/** Logistic regression by L-BFGS: the sum of log losses and `l2 / 2` times the squared weights, the intercept free. `l2` is scikit-learn's 1 / C. */
export const LogisticRegressionSpec = z.strictObject({
  trainer: z.literal('logistic_regression'),
  objective: z.enum(['binary', 'multiclass']).default('binary'),
  l2: z.number().nonnegative().default(1),
  ...linear,
})
export type LogisticRegressionSpec = z.infer<typeof LogisticRegressionSpec>

/** Least squares by conjugate gradients, with `l2` times the squared weights added to the squared errors. */
export const LinearRegressionSpec = z.strictObject({
  trainer: z.literal('linear_regression'),
  objective: z.literal('regression').default('regression'),
  l2: z.number().nonnegative().default(0),
  ...linear,
})
export type LinearRegressionSpec = z.infer<typeof LinearRegressionSpec>

export const TrainerSpec = z.discriminatedUnion('trainer', [
  GradientBoostingSpec,
  LogisticRegressionSpec,
  LinearRegressionSpec,
])
export type TrainerSpec = z.infer<typeof TrainerSpec>
