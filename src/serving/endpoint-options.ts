// How an endpoint is to be served, beyond who answers: limits of callers, cache, what is logged. One document, kept as JSON. Pure.
import { z } from 'zod'

export const RateLimit = z.strictObject({
  /** Of each calling address and gateway worker, on the average. */
  requestsPerSecond: z.number().positive().max(1_000_000),
  /** Requests that may come at once after a pause. */
  burst: z.int().min(1).max(1_000_000),
})

export const ResponseCache = z.strictObject({
  /** Answers that one worker keeps. */
  entries: z.int().min(1).max(1_000_000),
  ttlMs: z.int().min(1).max(86_400_000),
})

/**
 * `labels`: the predicted class of each row, of a regression its value. `probabilities`: a list of them a row, in the order of the classes; of
 * a regression the value. `records`: all outputs by name.
 */
export const PredictionForm = z.enum(['labels', 'probabilities', 'records'])
export type PredictionForm = z.infer<typeof PredictionForm>

export const EventSink = z.strictObject({
  /** Each gets every event. Public ones, or what `TRUELOOP_ALLOWED_ADDRESSES` names. */
  urls: z
    .array(z.url({ protocol: /^https?$/v }).max(2_000))
    .min(1)
    .max(4),
  /** Which events of a request are sent. */
  mode: z.enum(['all', 'request', 'response']).default('all'),
})

export const EndpointOptions = z.strictObject({
  /** A request that has waited for so long is refused instead of run; a request may ask for less. Null: it waits. */
  timeoutMs: z.int().min(1).max(600_000).nullable().default(null),
  rateLimit: RateLimit.nullable().default(null),
  /** Answers of the same version to the same rows are given again. */
  cache: ResponseCache.nullable().default(null),
  /** Share of the logged predictions whose input rows are kept too. */
  rawShare: z.number().min(0).max(1).default(1),
  /** Columns whose values are left out of kept rows. */
  redact: z.array(z.string().min(1).max(500)).max(4096).default([]),
  /** Where CloudEvents of the logged requests and answers go. */
  eventSink: EventSink.nullable().default(null),
  /** Of answers in MLflow's and TensorFlow Serving's protocol, where a request says nothing. Null: labels, and records. */
  predictions: PredictionForm.nullable().default(null),
})
export type EndpointOptions = Readonly<z.infer<typeof EndpointOptions>>

export const defaultOptions: EndpointOptions = EndpointOptions.parse({})
