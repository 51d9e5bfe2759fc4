// When a rollout may go on, must end, or is given up: the numbers that a verdict compares evidence with. Pure.
import { z } from 'zod'

/** How the shadow phase is judged: on losses of both versions on the same rows. Losses are in the task's own unit (log loss: nats a row). */
export const ShadowPolicy = z.strictObject({
  /** Chance of a wrong verdict, at whatever moment it is looked at. */
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** `not_worse`: passes when surely no worse than the margin; `better`: only when surely better. */
  requirement: z.enum(['not_worse', 'better']).default('not_worse'),
  /** Largest loss difference (challenger less champion) that still counts as no worse; below it, rolling back is never decided for `not_worse`. */
  nonInferiorityMargin: z.number().nonnegative().default(0.002),
  /** Pairs with an outcome before any verdict. */
  minimumPairs: z.int().min(100).default(500),
  /** Days of outcomes before it may pass: one day's weather is not a season. */
  minimumDays: z.number().nonnegative().default(1),
  /** Pairs, or days, after which an open question is *inconclusive*. */
  maximumPairs: z.int().positive().default(200_000),
  maximumDays: z.number().positive().default(28),
  /** Rolled back when the challenger fails on more than this share of at least `hardLimitRows` rows. */
  hardFailureRate: z.number().gt(0).max(1).default(0.2),
  hardLimitRows: z.int().min(1).default(20),
})
export type ShadowPolicy = Readonly<z.infer<typeof ShadowPolicy>>

/** How the canary phase is judged: on errors and latency; on losses only against a wide margin, for the shadow has decided quality. */
export const CanaryPolicy = z.strictObject({
  /** Chance that a healthy canary is ever rolled back, all guardrails together. */
  alpha: z.number().gt(0).lt(0.5).default(0.01),
  /** Chance that a harmful canary is promoted, for each guardrail. */
  promotionAlpha: z.number().gt(0).lt(0.5).default(0.05),
  /** Error rate (share of requests) that the canary may have above the champion's and be promoted. */
  errorMargin: z.number().gt(0).lt(1).default(0.01),
  /** Geometric mean of latency, canary over champion: above it, rolled back when sure; promoted only when surely below it. */
  latencyRatioMargin: z.number().gt(1).default(1.5),
  /** Rate of slow requests, canary over champion, that is still no harm. */
  slowRatioMargin: z.number().min(1).default(2),
  /** Share of slow requests that the canary may have above the champion's and be promoted. */
  slowMargin: z.number().gt(0).lt(1).default(0.05),
  /** What callers were promised: rolled back when surely more than `1 - quantile` of the canary's requests take longer. Null: nothing was. */
  objective: z
    .strictObject({ quantile: z.number().min(0.5).lt(1).default(0.99), latencyMs: z.number().positive() })
    .nullable()
    .default(null),
  /**
   * How far its predictions may lie from its own training's (population stability index), beyond what the champion's lie from theirs, and be
   * promoted: classes that it suddenly prefers, say. Null: they are not looked at.
   */
  predictionShiftMax: z.number().positive().nullable().default(0.25),
  /** Rows of either before that is read. */
  predictionShiftRows: z.int().min(100).default(1000),
  /** Loss of the canary's rows less the champion's, above which it is rolled back when sure. */
  lossMargin: z.number().gt(0).default(0.1),
  /** Canary requests, and time, before it may advance or be promoted. */
  minimumRequests: z.int().min(100).default(500),
  minimumMs: z.number().nonnegative().default(0),
  /** Canary requests, or time, after which an open question is *inconclusive*. */
  maximumRequests: z.int().positive().default(100_000),
  maximumMs: z
    .number()
    .positive()
    .default(14 * 86_400_000),
  /** Rolled back at once when more than this share of at least `hardLimitRequests` canary requests failed. */
  hardErrorRate: z.number().gt(0).max(1).default(0.5),
  hardLimitRequests: z.int().min(1).default(20),
  /** Chance that a right split of traffic is taken for a wrong one. */
  splitAlpha: z.number().gt(0).lt(0.5).default(0.001),
})
export type CanaryPolicy = Readonly<z.infer<typeof CanaryPolicy>>
