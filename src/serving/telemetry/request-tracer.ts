// The OpenTelemetry trace of a request: sampled, joined to the caller's `traceparent`, made when the answer is known.
import type { Clock } from '../../platform/clock.ts'
import type { DomainError } from '../../platform/errors.ts'
import { unitInterval } from '../../statistics/hash.ts'
import type { Span, SpanContext } from './span.ts'
import { parseTraceparent } from './traceparent.ts'

/** Of a request that is traced. */
export interface RequestTrace {
  readonly context: SpanContext
  readonly parentSpanId: string | undefined
}

/** The run that answered; requests of one run have the very same predictions. */
export interface TracedRun {
  readonly queueMs: number
  readonly inferMs: number
  readonly predictions: { readonly rows: number }
}

/** What is known of a request when it has its answer. */
export interface TracedRequest {
  readonly endpoint: string
  readonly predictionId: string
  readonly rows: number
  /** From the end of the body to the answer. */
  readonly ms: number
  readonly version?: string
  readonly outcome?: TracedRun
  readonly error?: DomainError
}

export interface RequestTracer {
  /** Undefined: the request is not sampled, and costs nothing more. */
  begin(traceparent: string | string[] | undefined, predictionId: string): RequestTrace | undefined
  end(trace: RequestTrace, request: TracedRequest): void
}

export interface RequestTracerDeps {
  /** Share of the requests without a caller's trace that are sampled; a caller's own decision is followed. */
  readonly share: number
  readonly clock: Clock
  /** Random ids in hexadecimal. */
  readonly randomHex: (bytes: number) => string
  readonly add: (span: Span) => void
}

const traceIdBytes = 16
const spanIdBytes = 8

export function createRequestTracer({ share, clock, randomHex, add }: RequestTracerDeps): RequestTracer {
  /** The span of a run by what it answered: all requests of the run look at the same predictions. */
  const runs = new WeakMap<object, SpanContext>()
  const contextIn = (traceId: string): SpanContext => ({ traceId, spanId: randomHex(spanIdBytes) })

  /** A run has a trace of its own, since it is part of several. Told with the first request of it that is traced. */
  const runOf = (outcome: TracedRun, version: string, endMs: number): SpanContext => {
    const known = runs.get(outcome.predictions)
    if (known) return known
    const context = contextIn(randomHex(traceIdBytes))
    runs.set(outcome.predictions, context)
    const attributes = { 'trueloop.model.version': version, 'trueloop.batch.rows': outcome.predictions.rows }
    add({ ...context, name: 'batch', kind: 'internal', startMs: endMs - outcome.inferMs, endMs, attributes })
    return context
  }
  const addParts = ({ context }: RequestTrace, outcome: TracedRun, run: { version: string; endMs: number }): void => {
    const { traceId, spanId } = context
    const startMs = run.endMs - outcome.inferMs
    const part = { parentSpanId: spanId, kind: 'internal' } as const
    const queue = { ...contextIn(traceId), ...part, name: 'queue', attributes: {} }
    add({ ...queue, startMs: startMs - outcome.queueMs, endMs: startMs })
    const links = [runOf(outcome, run.version, run.endMs)]
    const attributes = { 'trueloop.model.version': run.version }
    add({ ...contextIn(traceId), ...part, name: 'run', startMs, endMs: run.endMs, attributes, links })
  }

  return {
    begin(header, predictionId) {
      const parent = typeof header === 'string' ? parseTraceparent(header) : undefined
      if (parent ? !parent.isSampled : share < 1 && unitInterval('trace', predictionId) >= share) return undefined
      const context = contextIn(parent?.traceId ?? randomHex(traceIdBytes))
      return { context, parentSpanId: parent?.spanId }
    },
    end(trace, { endpoint, predictionId, rows, ms, version, outcome, error }) {
      const endMs = clock()
      add({
        ...trace.context,
        parentSpanId: trace.parentSpanId,
        name: `infer ${endpoint}`,
        kind: 'server',
        startMs: endMs - ms,
        endMs,
        attributes: {
          'trueloop.endpoint': endpoint,
          'trueloop.prediction.id': predictionId,
          'trueloop.rows': rows,
          ...(version === undefined ? {} : { 'trueloop.model.version': version }),
          ...(error ? { 'error.type': error.code } : {}),
        },
        error: error?.code,
      })
      // Clocks of wall and duration differ: the run ended a moment before the answer.
      if (outcome && version !== undefined && !error) addParts(trace, outcome, { version, endMs })
    },
  }
}
