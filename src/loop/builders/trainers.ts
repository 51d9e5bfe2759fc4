// Builders of trainers. The objective comes from the loop's target.
import type { z } from 'zod'
import type { CommandTrainer } from '../command-trainer.ts'
import type { Duration } from '../duration.ts'
import type { GradientBoostingSpec, LinearRegressionSpec, LogisticRegressionSpec } from '../../training/trainer-spec.ts'

type Options<Spec extends z.ZodType> = Omit<z.input<Spec>, 'trainer' | 'objective'>

export type GradientBoostingInput = { trainer: 'gradient_boosting' } & Options<typeof GradientBoostingSpec>
export type LogisticRegressionInput = { trainer: 'logistic_regression' } & Options<typeof LogisticRegressionSpec>
export type LinearRegressionInput = { trainer: 'linear_regression' } & Options<typeof LinearRegressionSpec>

export type CommandTrainerInput = z.input<typeof CommandTrainer>

/** Any built-in trainer, or a command. */
export type TrainerInput = GradientBoostingInput | LogisticRegressionInput | LinearRegressionInput | CommandTrainerInput

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

export interface CommandOptions {
  /** Added to its environment. No place for secrets: a loop is shown to whoever may read it. */
  readonly env?: Readonly<Record<string, string>>
  /** Of one attempt, its folds included, at most `14d`; `6h` by default. */
  readonly timeout?: Duration
  /**
   * How often it trains once more without a run of days (`inputs/loop.json` says `fold`), 0 by default. A monitor of calibration, log loss or
   * RMSE without limits of its own needs at least 2; built-in trainers do 5.
   */
  readonly folds?: number
  /** Attempts after a first that failed; 2 by default. */
  readonly retries?: number
}

/**
 * Any program that trains: `command(['python3', 'train.py'])`. It runs in a copy of this folder's code (what git lists), without a shell. It
 * finds the training rows as Parquet in `inputs/training/` and what the loop says in `inputs/loop.json`, and writes the graph to
 * `outputs/model.onnx`; numbers in `outputs/metrics.json` and any other files there are recorded on the run.
 */
export const command = (argv: readonly string[], options: CommandOptions = {}): CommandTrainerInput => ({
  trainer: 'command',
  argv: [...argv],
  ...options,
})
