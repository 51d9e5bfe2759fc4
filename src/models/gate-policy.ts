// What a gate asks of a model version, what it looks at, and one check of it. Pure.
import { z } from 'zod'
import { ComparisonOptions, type GateEvidence } from './evaluation.ts'
import type { InfraResult } from './infra-result.ts'
import { MetricName } from './metric.ts'
import type { TimeWindow } from './model-version.ts'
import type { Signature } from './signature.ts'
import { SliceSpec } from './slice.ts'

const Bounds = z.strictObject({ min: z.number().optional(), max: z.number().optional() })

export const GatePolicy = z.strictObject({
  /** Held-out rows that must have been answered. */
  minimumRows: z.int().min(1).default(1000),
  /** Bounds, inclusive, of metrics on the held-out rows. */
  metrics: z.partialRecord(MetricName, Bounds).default({}),
  /**
   * The upper end of the interval of "worse by" must lie below `margin` (in the metric's unit): with that confidence the candidate is not
   * worse by more. A margin below 0 wants it better by so much.
   */
  notWorseThanChampion: ComparisonOptions.extend({ margin: z.number().default(0) }).optional(),
  /** No slice of at least `minRows` may be worse than the champion's by more than `margin`, unless chance explains all of it. */
  slices: z
    .strictObject({
      by: z.array(SliceSpec).min(1).max(20),
      minRows: z.int().min(1).default(500),
      margin: z.number().nonnegative().default(0),
    })
    .optional(),
  /** Milliseconds, measured in the disposable process of the infra validation. */
  latency: z
    .strictObject({
      loadMs: z.number().positive().optional(),
      oneRowP99Ms: z.number().positive().optional(),
      hundredRowsP99Ms: z.number().positive().optional(),
    })
    .optional(),
  /**
   * Beside the champion's: `same` inputs; `compatible` (every input of the champion is still there, new ones are optional); `any`.
   * Task and classes must be the same but for `any`.
   */
  signature: z.enum(['same', 'compatible', 'any']).default('compatible'),
  /** Bounds of |mean predicted − mean observed| and of the expected calibration error. */
  calibration: z
    .strictObject({ gapMax: z.number().positive().optional(), errorMax: z.number().positive().optional() })
    .optional(),
  /** Held-out rows must be later than the training rows of candidate and champion. */
  laterThanTraining: z.boolean().default(true),
})
export type GatePolicy = Readonly<z.infer<typeof GatePolicy>>

export const GateCheck = z.strictObject({
  /** Such as `rows`, `metric:auc`, `champion`, `slice:carrier = AA`, `latency:one_row`. */
  name: z.string(),
  passed: z.boolean(),
  sentence: z.string(),
  observed: z.number().nullable(),
  threshold: z.number().nullable(),
  interval: z.strictObject({ lower: z.number(), upper: z.number(), confidence: z.number() }).nullable(),
  /** Rows that it rests on. */
  n: z.int().nonnegative().nullable(),
})
export type GateCheck = Readonly<z.infer<typeof GateCheck>>

export interface Contestant {
  /** `model/version`. */
  readonly name: string
  readonly signature: Signature
  /** Null: not recorded. */
  readonly trainedOn: TimeWindow | null
}

export interface GateInput {
  readonly policy: GatePolicy
  readonly candidate: Contestant & { readonly infra: InfraResult | null }
  /** Null: the model has no champion yet. */
  readonly champion: Contestant | null
  readonly evidence: GateEvidence
  /** Event time of the held-out rows; null: they have none. */
  readonly heldOut: TimeWindow | null
}
