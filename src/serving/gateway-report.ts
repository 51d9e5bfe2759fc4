// What gateway workers tell the control plane: predictions and counters since the last report, each report applied once. Pure.
import { z } from 'zod'

/**
 * Milliseconds in the model that no caller notices: differences below count as none. A canary answers few requests and finds cold caches,
 * so at tenths of a millisecond it would look slower than the champion for no fault of its own.
 */
export const noticeableMs = 0.5

export const PredictionRecord = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  version: z.string(),
  role: z.enum(['champion', 'canary']),
  /** Probability with which the split chose this variant. */
  assignedWith: z.number(),
  eventTimeMs: z.int(),
  /** Wall time of the answer. */
  atMs: z.int(),
  /** Binary: [probability of the positive class]; multiclass: probabilities; regression: [value]. */
  output: z.array(z.number()),
  /** What shadow versions said of the same row; null: the version failed on it. */
  shadows: z.array(z.strictObject({ version: z.string(), output: z.array(z.number()).nullable() })),
})
export type PredictionRecord = Readonly<z.infer<typeof PredictionRecord>>

/** Sums since the last report for one version behind one endpoint on one day of event time (UTC). */
export const TrafficCounter = z.strictObject({
  endpoint: z.string(),
  version: z.string(),
  role: z.enum(['champion', 'canary', 'shadow']),
  /**
   * Probability with which the split chose this variant (0 for a shadow): a counter holds requests of one such probability only, because
   * the tests of a canary are exact only for a known share. Absent: unknown, and the counter is no evidence for a rollout.
   */
  assignedWith: z.number().min(0).max(1).optional(),
  dayMs: z.int(),
  requests: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  /** Requests (of a shadow: rows) on which the version itself failed; a caller's mistake is not counted here. */
  errors: z.int().nonnegative(),
  /** quantile-sketch.ts JSON of milliseconds a request in the model. */
  latency: z.unknown(),
  /** Sum and sum of squares of ln(milliseconds, at least {@link noticeableMs}), over `requests`. */
  logLatencySum: z.number(),
  logLatencySquareSum: z.number(),
  /** Per baseline feature, in order: live rows in each bin. */
  features: z.array(z.array(z.int().nonnegative())),
  prediction: z.array(z.int().nonnegative()),
})
export type TrafficCounter = Readonly<z.infer<typeof TrafficCounter>>

export const GatewayReport = z.strictObject({
  /** A worker process since its start. */
  worker: z.string(),
  /** 1, 2, 3… within the worker: the control plane applies each once. */
  sequence: z.int().positive(),
  predictions: z.array(PredictionRecord).max(20_000),
  counters: z.array(TrafficCounter).max(10_000),
  /** Largest accepted event time by endpoint. */
  eventTimes: z.record(z.string(), z.int()),
  /** Log rows that a full buffer dropped since the last report. */
  dropped: z.int().nonnegative(),
  /** Told by the primary of a worker that was killed: rows that it had answered, should have logged, and reported nowhere. */
  lost: z.int().nonnegative().default(0),
})
export type GatewayReport = Readonly<z.infer<typeof GatewayReport>>
