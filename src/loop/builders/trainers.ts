// Builders of trainers. The objective comes from the loop's target.
import type { z } from 'zod'
import type { GradientBoostingSpec, LinearRegressionSpec, LogisticRegressionSpec } from '../../training/trainer-spec.ts'

type Options<Spec extends z.ZodType> = Omit<z.input<Spec>, 'trainer' | 'objective'>

export type GradientBoostingInput = { trainer: 'gradient_boosting' } & Options<typeof GradientBoostingSpec>
export type LogisticRegressionInput = { trainer: 'logistic_regression' } & Options<typeof LogisticRegressionSpec>
export type LinearRegressionInput = { trainer: 'linear_regression' } & Options<typeof LinearRegressionSpec>

/** Any built-in trainer. */
export type TrainerInput = GradientBoostingInput | LogisticRegressionInput | LinearRegressionInput

/**
 * Histogram gradient boosting: trees on numbers, categories and times, missing values included. Defaults: 100 iterations, learning rate 0.1,
 * 31 leaves, time columns as minute of the day and weekday.
 */
export const gradientBoosting = (options: Options<typeof GradientBoostingSpec> = {}): GradientBoostingInput => ({
  trainer: 'gradient_boosting',
  ...options,
})

/** Logistic regression on standardised numbers and one-hot categories, for binary and multiclass targets. Default: `l2` 1. */
export const logisticRegression = (options: Options<typeof LogisticRegressionSpec> = {}): LogisticRegressionInput => ({
  trainer: 'logistic_regression',
  ...options,
})

/** Least squares on standardised numbers and one-hot categories, for regression targets. Default: `l2` 0. */
export const linearRegression = (options: Options<typeof LinearRegressionSpec> = {}): LinearRegressionInput => ({
  trainer: 'linear_regression',
  ...options,
})
