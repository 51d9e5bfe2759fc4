// A finished span, as the gateway makes it. Pure.

export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
}

export interface Span extends SpanContext {
  readonly parentSpanId?: string | undefined
  readonly name: string
  readonly kind: 'server' | 'internal'
  /** Unix time, with fractions. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** Spans of other traces that it has to do with. */
  readonly links?: readonly SpanContext[]
  /** Why it failed; undefined: it did not. */
  readonly error?: string | undefined
}
