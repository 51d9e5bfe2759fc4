// A span: one timed step of a trace, as OpenTelemetry has it.

/** JSON texts by key: what an attribute is, is known only to those who wrote it. */
export type Attributes = ReadonlyMap<string, string>

export interface SpanEvent {
  readonly name: string
  readonly timeNs: bigint
  /** Text of a JSON object. */
  readonly attributes: string
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  /** Text of a JSON object. */
  readonly attributes: string | null
}

export const spanStatuses = ['UNSET', 'OK', 'ERROR'] as const
export type SpanStatus = (typeof spanStatuses)[number]

export interface Span {
  /** `tr-` and 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** Null for the root of the trace. */
  readonly parentSpanId: string | null
  readonly name: string
  readonly status: SpanStatus
  readonly statusMessage: string
  /** Unix time in nanoseconds. */
  readonly startNs: bigint
  /** Null while it runs. */
  readonly endNs: bigint | null
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
  /** What produced it; JSON texts by key. */
  readonly resource: Attributes
}

const base64OfHex = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
const statusCode: Readonly<Record<SpanStatus, string>> = {
  UNSET: 'STATUS_CODE_UNSET',
  OK: 'STATUS_CODE_OK',
  ERROR: 'STATUS_CODE_ERROR',
}

/** The text under which a span is kept: the JSON that MLflow's clients read from `traces.json`. Its attributes are JSON texts in JSON. */
export function contentOf(span: Span, attributes: Attributes): string {
  const quoted = JSON.stringify
  const parent = span.parentSpanId === null ? 'null' : quoted(base64OfHex(span.parentSpanId))
  const events = span.events.map(
    (event) => `{"name":${quoted(event.name)},"time_unix_nano":${event.timeNs},"attributes":${event.attributes}}`,
  )
  const links = span.links.map(
    (link) =>
      `{"trace_id":${quoted(link.traceId)},"span_id":${quoted(link.spanId)},"attributes":${link.attributes ?? 'null'}}`,
  )
  const pairs = Array.from(attributes, ([key, value]) => `${quoted(key)}:${quoted(value)}`)
  return (
    `{"trace_id":${quoted(base64OfHex(span.traceId.slice(3)))},"span_id":${quoted(base64OfHex(span.spanId))},"parent_span_id":${parent},` +
    `"name":${quoted(span.name)},"start_time_unix_nano":${span.startNs},"end_time_unix_nano":${span.endNs ?? 'null'},` +
    `"events":[${events.join()}],"status":{"code":"${statusCode[span.status]}","message":${quoted(span.statusMessage)}},` +
    `"attributes":{${pairs.join()}},"links":[${links.join()}]}`
  )
}
