// A trace: what one request did, in spans. What is known of it without them.
import { DomainError } from '../platform/errors.ts'
import type { Assessment } from './assessment.ts'
import type { Cost, Tokens } from './derive/usage.ts'

export const traceStates = ['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'] as const
export type TraceState = (typeof traceStates)[number]

export interface Trace {
  readonly id: string
  readonly experimentId: number
  /** Unix time. */
  readonly startedAtMs: number
  /** Null while it runs. */
  readonly durationMs: number | null
  readonly state: TraceState
  readonly name: string | null
  /** The conversation it is a part of. */
  readonly sessionId: string | null
  readonly clientRequestId: string | null
  /** The start of what was asked and answered. */
  readonly requestPreview: string | null
  readonly responsePreview: string | null
  readonly tokens: Tokens | null
  /** In USD, as the client said; none is computed here. */
  readonly cost: Cost | null
  readonly tags: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly assessments: readonly Assessment[]
}

/** Where the spans are: here, or in a file `traces.json` of the trace's artifacts, as clients of old write it. */
export const spansHere = 'TRACKING_STORE'

export const linksMax = 100
export const sessionIdMax = 250
export const nameMax = 4096
export const modelNameMax = 500
/** A key in an index; PostgreSQL indexes 2,704 bytes at most. */
export const idMax = 250

export const traceNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'trace_not_found', `there is no trace "${id}": list the traces of its experiment`, {
    id,
  })

export const traceTagNotFound = (id: string, key: string): DomainError =>
  new DomainError('not_found', 'trace_tag_not_found', `trace "${id}" has no tag "${key}"`, { id, key })

/** A limit of a text, in code points. @throws DomainError trace_text_too_long */
export function assertLength(what: string, limit: number, text: string): string {
  if (text.length <= limit || Array.from(text).length <= limit) return text
  throw new DomainError('invalid', 'trace_text_too_long', `${what} has at most ${limit} characters`, { what, limit })
}

/** @throws DomainError trace_id */
export function assertTraceId(id: string): string {
  if (id.length > 0 && id.length <= idMax && !/\p{Cc}/v.test(id)) return id
  throw new DomainError('invalid', 'trace_id', `a trace id has 1 to ${idMax} characters without control characters`)
}
