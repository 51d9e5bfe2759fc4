// The caller's trace in W3C's header `traceparent`. Pure.
import type { SpanContext } from './span.ts'

export interface CallerTrace extends SpanContext {
  readonly isSampled: boolean
}

const form =
  /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<rest>-.*)?$/v
const nothing = /^0+$/v

/** Undefined: it is none, and the request begins a trace of its own, as the specification wants. Later versions may have more parts. */
export function parseTraceparent(header: string): CallerTrace | undefined {
  const { version, traceId, spanId, flags, rest } = form.exec(header)?.groups ?? {}
  if (!version || !traceId || !spanId || !flags) return undefined
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (nothing.test(traceId) || nothing.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
