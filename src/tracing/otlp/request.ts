// What an export request of OpenTelemetry comes to, and how one is refused.
import { DomainError } from '../../platform/errors.ts'
import type { Span } from '../span.ts'

export interface ExportRequest {
  /** How many resources sent spans, also those that sent none. */
  readonly resources: number
  readonly spans: readonly Span[]
}

/** Values within values; protobuf's own readers stop at a hundred messages. */
export const depthMax = 48

/** Of one request: what spans come to takes many times the bytes that they are sent in. */
export const spansMax = 250_000
/** Messages within messages, of one request: attributes, events, links, values. */
export const messagesMax = 4_000_000
/** Braces, brackets and commas of a request in JSON, which is read whole before it is looked at. */
export const jsonMarksMax = 10_000_000

export const tooManyParts = (): DomainError =>
  new DomainError(
    'too_large',
    'otlp_too_large',
    `The payload has more than ${spansMax} spans, or too many attributes and values: send fewer spans at once`,
  )

export const malformed = (): DomainError =>
  new DomainError(
    'invalid',
    'otlp_malformed',
    'the body is no trace export request of OpenTelemetry: check its content type',
  )

export const spanRefused = (why: string): DomainError =>
  new DomainError('invalid', 'otlp_span', `a span cannot be kept: ${why}`)
