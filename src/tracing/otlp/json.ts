// OpenTelemetry's trace export request in JSON: ids are hexadecimal, names in camel case or as in the protobuf files.
import type { Attributes, Span, SpanEvent, SpanLink, SpanStatus } from '../span.ts'
import {
  attributeOfString,
  textOfBoolean,
  textOfBytes,
  textOfDouble,
  textOfInteger,
  textOfList,
  textOfMap,
  textOfString,
} from './any-value.ts'
import { spanOf } from './identity.ts'
import { depthMax, jsonMarksMax, malformed, spansMax, tooManyParts, type ExportRequest } from './request.ts'

type Fields = Readonly<Record<string, unknown>>

/** @throws DomainError otlp_malformed, otlp_span, otlp_too_large */
export function decodeJson(bytes: Uint8Array): ExportRequest {
  if (bytes.byteLength > jsonMarksMax) assertFewMarks(bytes)
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw malformed()
  }
  const resources = listOf(fieldsOf(body), 'resourceSpans')
  const spans: Span[] = []
  for (const each of resources) {
    const sent = fieldsOf(each)
    const resource = attributesOf(fieldsOf(sent['resource'] ?? {}), valueText)
    for (const scope of listOf(sent, 'scopeSpans')) {
      for (const span of listOf(fieldsOf(scope), 'spans')) {
        spans.push({ ...readSpan(fieldsOf(span)), resource })
        if (spans.length > spansMax) throw tooManyParts()
      }
    }
  }
  return { resources: resources.length, spans }
}

const [quote, backslash] = [0x22, 0x5c]
const marks: ReadonlySet<number> = new Set(Buffer.from('{[,'))

/** Of what a small text can say, parsing it would take all memory. */
function assertFewMarks(bytes: Uint8Array): void {
  let count = 0
  let isText = false
  for (let at = 0; at < bytes.byteLength; at++) {
    const byte = bytes[at]!
    if (byte === quote) isText = !isText
    else if (isText && byte === backslash) at++
    else if (!isText && marks.has(byte) && ++count > jsonMarksMax) throw tooManyParts()
  }
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed()
  return value as Fields
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/gv, (letter) => `_${letter.toLowerCase()}`)
const fieldOf = (fields: Fields, name: string): unknown => fields[name] ?? fields[snakeCase(name)] ?? undefined

function listOf(fields: Fields, name: string): readonly unknown[] {
  const value = fieldOf(fields, name) ?? []
  if (!Array.isArray(value)) throw malformed()
  return value as unknown[]
}

function stringOf(fields: Fields, name: string): string {
  const value = fieldOf(fields, name) ?? ''
  if (typeof value !== 'string') throw malformed()
  return value
}

function hexIdOf(fields: Fields, name: string): string {
  const value = stringOf(fields, name)
  if (!/^(?:[0-9a-fA-F]{2})*$/v.test(value)) throw malformed()
  return value.toLowerCase()
}

/** 64-bit integers come as text; a number that JavaScript does not hold exactly would be another moment. */
function integerOf(value: unknown): bigint {
  if (typeof value === 'string' && /^-?\d{1,20}$/v.test(value)) return BigInt(value)
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  throw malformed()
}

const timeOf = (fields: Fields, name: string): bigint => {
  const time = integerOf(fieldOf(fields, name) ?? 0)
  if (time < 0n) throw malformed()
  return time
}

function readSpan(sent: Fields): Span {
  return spanOf({
    traceId: hexIdOf(sent, 'traceId'),
    spanId: hexIdOf(sent, 'spanId'),
    parentSpanId: hexIdOf(sent, 'parentSpanId'),
    name: stringOf(sent, 'name'),
    startNs: timeOf(sent, 'startTimeUnixNano'),
    endNs: timeOf(sent, 'endTimeUnixNano'),
    attributes: attributesOf(sent, attributeText),
    events: listOf(sent, 'events').map((event): SpanEvent => {
      const fields = fieldsOf(event)
      const attributes = textOfMap(attributesOf(fields, valueText))
      return { name: stringOf(fields, 'name'), timeNs: timeOf(fields, 'timeUnixNano'), attributes }
    }),
    links: listOf(sent, 'links').map((link): SpanLink => {
      const fields = fieldsOf(link)
      const attributes = attributesOf(fields, valueText)
      return {
        traceId: `tr-${hexIdOf(fields, 'traceId').padStart(32, '0')}`,
        spanId: hexIdOf(fields, 'spanId').padStart(16, '0'),
        attributes: attributes.size > 0 ? textOfMap(attributes) : null,
      }
    }),
    status: statusOf(fieldsOf(sent['status'] ?? {})),
  })
}

const codes: ReadonlyMap<unknown, SpanStatus> = new Map<unknown, SpanStatus>([
  [1, 'OK'],
  ['STATUS_CODE_OK', 'OK'],
  [2, 'ERROR'],
  ['STATUS_CODE_ERROR', 'ERROR'],
])

const statusOf = (sent: Fields): { is: SpanStatus; message: string } => ({
  is: codes.get(fieldOf(sent, 'code')) ?? 'UNSET',
  message: stringOf(sent, 'message'),
})

function attributesOf(fields: Fields, text: (value: Fields) => string): Map<string, string> {
  const pairs = listOf(fields, 'attributes').map((pair): [string, string] => {
    const sent = fieldsOf(pair)
    return [stringOf(sent, 'key'), text(fieldsOf(sent['value'] ?? {}))]
  })
  return new Map(pairs)
}

const attributeText = (value: Fields): string => anyText(value, 0, attributeOfString)
const valueText = (value: Fields): string => anyText(value, 0, textOfString)

function anyText(value: Fields, depth: number, string: (value: string) => string): string {
  if (depth > depthMax) throw malformed()
  const nested = (each: unknown): string => anyText(fieldsOf(each), depth + 1, textOfString)
  const [name] = Object.keys(value)
  if (name === undefined) return 'null'
  const sent = value[name]
  switch (name) {
    case 'stringValue':
    case 'string_value':
      return string(stringOf(value, name))
    case 'boolValue':
    case 'bool_value':
      if (typeof sent !== 'boolean') throw malformed()
      return textOfBoolean(sent)
    case 'intValue':
    case 'int_value':
      return textOfInteger(integerOf(sent))
    case 'doubleValue':
    case 'double_value':
      return textOfDouble(doubleOf(sent))
    case 'arrayValue':
    case 'array_value':
      return textOfList(listOf(fieldsOf(sent), 'values').map(nested))
    case 'kvlistValue':
    case 'kvlist_value':
      return textOfMap(pairsOf(fieldsOf(sent), nested))
    case 'bytesValue':
    case 'bytes_value':
      return textOfBytes(Buffer.from(stringOf(value, name), 'base64'))
    default:
      return 'null'
  }
}

const pairsOf = (fields: Fields, nested: (value: unknown) => string): Attributes =>
  new Map(
    listOf(fields, 'values').map((pair): [string, string] => {
      const sent = fieldsOf(pair)
      return [stringOf(sent, 'key'), nested(sent['value'] ?? {})]
    }),
  )

function doubleOf(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number !== 'number' || (Number.isNaN(number) && value !== 'NaN')) throw malformed()
  return number
}
