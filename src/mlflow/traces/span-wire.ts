// Spans as OpenTelemetry's messages, from the texts under which they are kept and from the files that clients of old write.
import { parseJson } from '../wire/json.ts'
import type { AnyValue, KeyValue, Span, SpanEvent, SpanLink, StatusStatusCode } from '../generated/messages.ts'
import { wireOfNumber } from '../../experiments/metric.ts'
import { parsePythonJson, WholeFloat } from '../../tracing/python-json.ts'

/** Of MLflow's `traces.json`, schema 3; schema 2 is brought into this form. */
interface SpanText {
  readonly trace_id: string
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  readonly start_time_unix_nano: number | bigint
  readonly end_time_unix_nano: number | bigint | null
  readonly events?: readonly { name: string; time_unix_nano: number | bigint; attributes?: Record<string, unknown> }[]
  readonly status: { readonly code: string; readonly message?: string | null }
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links?: readonly { trace_id: string; span_id: string; attributes?: Record<string, unknown> | null }[]
}

export const wireOfContent = (content: string): Span => wireOfSpan(parseJson(content) as SpanText)

export function wireOfSpan(span: SpanText): Span {
  const attributes = Object.entries(span.attributes).map(([key, value]) => pairOf(key, attributeOf(value)))
  const events = (span.events ?? []).map((event): SpanEvent => ({
    time_unix_nano: event.time_unix_nano,
    name: event.name,
    ...pairsOf(event.attributes),
  }))
  const links = (span.links ?? []).map((link): SpanLink => ({
    trace_id: base64OfHex(link.trace_id.replace(/^tr-/v, '')),
    span_id: base64OfHex(link.span_id),
    ...pairsOf(link.attributes ?? undefined),
  }))
  const { code, message } = span.status
  return {
    trace_id: span.trace_id,
    span_id: span.span_id,
    ...(span.parent_span_id ? { parent_span_id: span.parent_span_id } : {}),
    name: span.name,
    start_time_unix_nano: span.start_time_unix_nano,
    ...(span.end_time_unix_nano ? { end_time_unix_nano: span.end_time_unix_nano } : {}),
    ...(attributes.length > 0 ? { attributes } : {}),
    ...(events.length > 0 ? { events } : {}),
    ...(links.length > 0 ? { links } : {}),
    status: {
      ...(message ? { message } : {}),
      ...(code === 'STATUS_CODE_UNSET' ? {} : { code: code as StatusStatusCode }),
    },
  }
}

const base64OfHex = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

function pairsOf(values: Readonly<Record<string, unknown>> | undefined): { attributes?: KeyValue[] } {
  const entries = Object.entries(values ?? {})
  return entries.length > 0 ? { attributes: entries.map(([key, value]) => pairOf(key, anyOf(value))) } : {}
}

/** Nothing is no value. */
const pairOf = (key: string, value: AnyValue): KeyValue => (Object.keys(value).length > 0 ? { key, value } : { key })

/** Attributes are JSON texts, in which 1 and 1.0 are not the same. */
function attributeOf(text: unknown): AnyValue {
  if (typeof text !== 'string') return anyOf(text)
  try {
    return anyOf(parsePythonJson(text))
  } catch {
    return /^(?:NaN|-?Infinity)$/v.test(text) ? anyOf(Number(text)) : { string_value: text }
  }
}

function anyOf(value: unknown): AnyValue {
  if (value instanceof WholeFloat) return { double_value: value.value }
  if (Array.isArray(value)) {
    const values = value.map((each) => anyOf(each))
    return { array_value: values.length > 0 ? { values } : {} }
  }
  switch (typeof value) {
    case 'string':
      return { string_value: value }
    case 'boolean':
      return { bool_value: value }
    case 'bigint':
      return { int_value: value }
    case 'number':
      return Number.isInteger(value) ? { int_value: value } : { double_value: wireOfNumber(value) }
    case 'object': {
      if (value === null) return {}
      const values = Object.entries(value).map(([key, each]) => pairOf(key, anyOf(each)))
      return { kvlist_value: values.length > 0 ? { values } : {} }
    }
    // JSON has none of these.
    case 'undefined':
    case 'function':
    case 'symbol':
    default:
      return {}
  }
}
