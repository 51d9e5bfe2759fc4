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

export const malformed = (): DomainError =>
  new DomainError(
    'invalid',
    'otlp_malformed',
    'the body is no trace export request of OpenTelemetry: check its content type',
  )

export const spanRefused = (why: string): DomainError =>
  new DomainError('invalid', 'otlp_span', `a span cannot be kept: ${why}`)
