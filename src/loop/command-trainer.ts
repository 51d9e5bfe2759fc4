// Training by any command in place of a built-in trainer: what a loop says about it. Pure.
import { z } from 'zod'
import { CommandLine, CommandVariables } from '../pipelines/command.ts'
import { retriesMax } from '../pipelines/pipeline.ts'
import { DomainError } from '../platform/errors.ts'
import { dayMs, Duration, durationMs } from './duration.ts'

/** A command line is a param of its run, and that has a limit. */
const commandLineLengthMax = 4_000
const foldsMax = 20
const timeoutMaxMs = 14 * dayMs

/**
 * Runs in a copy of the project's code, on the training rows as files, and leaves a graph (app's step training.command says how). Its output
 * is never taken from the cache: nobody knows what else it reads.
 */
export const CommandTrainer = z.strictObject({
  trainer: z.literal('command'),
  argv: CommandLine.refine(
    (argv) => JSON.stringify(argv).length <= commandLineLengthMax,
    `at most ${commandLineLengthMax} characters: put what is longer into a file of the project`,
  ),
  env: CommandVariables.default({}),
  /** Of one attempt, its folds included; then it is ended. */
  timeout: Duration.refine((text) => isTimeout(text), 'longer than nothing and at most 14d').default('6h'),
  /**
   * How often it trains once more without a run of days, to be judged on them: what the rule that sets limits from training needs. 0: never.
   */
  folds: z
    .int()
    .min(0)
    .max(foldsMax)
    .refine((folds) => folds !== 1, '0, or at least 2')
    .default(0),
  /** Attempts after a first that failed. */
  retries: z.int().min(0).max(retriesMax).default(2),
})
export type CommandTrainer = z.infer<typeof CommandTrainer>

const isTimeout = (text: string): boolean => durationMs(text) > 0 && durationMs(text) <= timeoutMaxMs

export const loopCodeMissing = (loop: string): DomainError =>
  new DomainError(
    'invalid',
    'loop_code_missing',
    `loop "${loop}" trains by a command, which runs in the project's code, and none was sent: run "trueloop apply" in its folder`,
  )
