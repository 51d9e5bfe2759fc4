// Which span of which trace it is, from what was sent.
import { attributeKeys } from '../keys.ts'
import type { Span, SpanEvent, SpanLink, SpanStatus } from '../span.ts'
import { spanRefused } from './request.ts'

export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

export interface SentSpan {
  /** Hexadecimal. */
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly startNs: bigint
  /** 0 while it runs. */
  readonly endNs: bigint
  readonly attributes: Map<string, string>
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
  readonly status: { readonly is: SpanStatus; readonly message: string }
}

const traceDigits = 32
const spanDigits = 16
const nsMax = 2n ** 63n - 1n

/** @throws DomainError otlp_span */
export function spanOf(sent: SentSpan): Span {
  const { traceId, spanId, parentSpanId, attributes, startNs, endNs } = sent
  if (traceId.length === 0 || traceId.length > traceDigits) throw spanRefused('its trace id is not of 1 to 16 bytes')
  if (spanId.length === 0 || spanId.length > spanDigits) throw spanRefused('its id is not of 1 to 8 bytes')
  if (parentSpanId.length > spanDigits) throw spanRefused("its parent's id is longer than 8 bytes")
  if (startNs > nsMax || endNs > nsMax) throw spanRefused('its time is beyond the year 2262')
  const id = `tr-${traceId.padStart(traceDigits, '0')}`
  attributes.set(attributeKeys.traceId, JSON.stringify(id))
  const hasParent = parentSpanId.length > 0 && !/^0+$/v.test(parentSpanId)
  return {
    traceId: id,
    spanId: spanId.padStart(spanDigits, '0'),
    parentSpanId: hasParent ? parentSpanId.padStart(spanDigits, '0') : null,
    name: sent.name,
    status: sent.status.is,
    statusMessage: sent.status.message,
    startNs,
    endNs: endNs === 0n ? null : endNs,
    attributes,
    events: sent.events,
    links: sent.links,
    resource: new Map(),
  }
}
