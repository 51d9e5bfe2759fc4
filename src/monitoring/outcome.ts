// An outcome: what really happened, posted by prediction id when it is known. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import type { OutcomeValue } from './aggregates/scoring.ts'

/** Most outcomes of one call. */
export const outcomesMax = 10_000

export const Outcome = z.strictObject({
  predictionId: z
    .string()
    .max(200)
    .regex(/^[^\p{Cc}]+$/v, 'not empty, and without control characters'),
  /** A regression's value; a class name; of a binary model also 0, 1, false or true. */
  value: z.union([z.number(), z.string().max(1000), z.boolean()]),
  /** When it happened, Unix time; of two values of one prediction the later one counts. Absent: the one that came last counts. */
  observedAtMs: z.int().nonnegative().optional(),
})
export type Outcome = Readonly<z.infer<typeof Outcome>>

export const OutcomeBatch = z.strictObject({ outcomes: z.array(Outcome).max(outcomesMax) })

/** What became of a batch; the four add up to its length. */
export const OutcomeReceipt = z.strictObject({
  /** First values, joined to their predictions. */
  accepted: z.int(),
  /** Said before, or older than what is known: nothing changed. */
  duplicates: z.int(),
  /** First values whose prediction is not known: kept, and joined should it come. */
  unmatched: z.int(),
  /** Another value than before, which it replaces. */
  revised: z.int(),
})
export type OutcomeReceipt = z.infer<typeof OutcomeReceipt>

export const outcomeUnfit = (predictionId: string, value: OutcomeValue, version: string): DomainError =>
  new DomainError(
    'invalid',
    'outcome_unfit',
    `outcome ${JSON.stringify(value)} of prediction "${predictionId}" does not fit ${version}: post a number for a regression, a class name (or 0 and 1) for a classifier; nothing of the batch was stored`,
    { predictionId, version },
  )

export const predictionNotFound = (id: string): DomainError =>
  new DomainError(
    'not_found',
    'prediction_not_found',
    `no prediction "${id}" is logged: its retention may have ended, or the log share left it out`,
  )
