// OpenTelemetry's trace export request in protobuf: the fields of opentelemetry/proto/trace/v1 that are kept, by their numbers.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
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
import { hexOf, spanOf } from './identity.ts'
import { depthMax, malformed, messagesMax, spansMax, tooManyParts, type ExportRequest } from './request.ts'

/** Reads one field or answers false, for it to be skipped. */
type Read = (field: number, wireType: WireType) => boolean

function readMessage(reader: BinaryReader, end: number, read: Read): void {
  while (reader.pos < end) {
    const [field, wireType] = reader.tag()
    if (!read(field, wireType)) reader.skip(wireType, field)
  }
  if (reader.pos !== end) throw malformed()
}

/** Of the request that is read: reading never pauses. */
let messages = 0

function readNested(reader: BinaryReader, read: Read): void {
  if (++messages > messagesMax) throw tooManyParts()
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw malformed()
  readMessage(reader, end, read)
}

const isNested = (wireType: WireType): boolean => wireType === WireType.LengthDelimited

/** @throws DomainError otlp_malformed, otlp_span */
export function decodeProtobuf(body: Uint8Array): ExportRequest {
  const spans: Span[] = []
  let resources = 0
  messages = 0
  try {
    const reader = new BinaryReader(body)
    readMessage(reader, reader.len, (field, wireType) => {
      if (field !== 1 || !isNested(wireType)) return false
      resources++
      for (const span of readResourceSpans(reader)) spans.push(span)
      if (spans.length > spansMax) throw tooManyParts()
      return true
    })
  } catch (error) {
    // What the reader itself throws is about bytes that are no such message.
    if (error instanceof RangeError || error instanceof TypeError || (error as Error).name === 'Error')
      throw malformed()
    throw error
  }
  return { resources, spans }
}

function readResourceSpans(reader: BinaryReader): Span[] {
  let resource: Attributes = new Map()
  const spans: Span[] = []
  readNested(reader, (field, wireType) => {
    if (!isNested(wireType)) return false
    if (field === 1) {
      resource = readResource(reader)
      return true
    }
    if (field !== 2) return false
    readNested(reader, (inner, innerType) => {
      if (inner !== 2 || !isNested(innerType)) return false
      spans.push(readSpan(reader))
      if (spans.length > spansMax) throw tooManyParts()
      return true
    })
    return true
  })
  // The resource may stand after the spans.
  return spans.map((span) => ({ ...span, resource }))
}

function readResource(reader: BinaryReader): Attributes {
  const attributes = new Map<string, string>()
  readNested(reader, (field, wireType) => {
    if (field !== 1 || !isNested(wireType)) return false
    attributes.set(...readPair(reader, readValue))
    return true
  })
  return attributes
}

function readSpan(reader: BinaryReader): Span {
  const attributes = new Map<string, string>()
  const events: SpanEvent[] = []
  const links: SpanLink[] = []
  const found = { traceId: '', spanId: '', parentSpanId: '', name: '', startNs: 0n, endNs: 0n }
  const status: { is: SpanStatus; message: string } = { is: 'UNSET', message: '' }
  readNested(reader, (field) => {
    switch (field) {
      case 1:
        found.traceId = hexOf(reader.bytes())
        return true
      case 2:
        found.spanId = hexOf(reader.bytes())
        return true
      case 4:
        found.parentSpanId = hexOf(reader.bytes())
        return true
      case 5:
        found.name = reader.string(true)
        return true
      case 7:
        found.startNs = BigInt(reader.fixed64())
        return true
      case 8:
        found.endNs = BigInt(reader.fixed64())
        return true
      case 9:
        attributes.set(...readPair(reader, readAttribute))
        return true
      case 11:
        events.push(readEvent(reader))
        return true
      case 13:
        links.push(readLink(reader))
        return true
      case 15:
        readStatus(reader, status)
        return true
      default:
        return false
    }
  })
  return spanOf({ ...found, attributes, events, links, status })
}

function readStatus(reader: BinaryReader, status: { is: SpanStatus; message: string }): void {
  readNested(reader, (field) => {
    if (field === 2) status.message = reader.string(true)
    else if (field === 3) status.is = (['UNSET', 'OK', 'ERROR'] as const)[reader.int32()] ?? 'UNSET'
    else return false
    return true
  })
}

function readEvent(reader: BinaryReader): SpanEvent {
  const attributes = new Map<string, string>()
  let name = ''
  let timeNs = 0n
  readNested(reader, (field) => {
    if (field === 1) timeNs = BigInt(reader.fixed64())
    else if (field === 2) name = reader.string(true)
    else if (field === 3) attributes.set(...readPair(reader, readValue))
    else return false
    return true
  })
  return { name, timeNs, attributes: textOfMap(attributes) }
}

function readLink(reader: BinaryReader): SpanLink {
  const attributes = new Map<string, string>()
  let traceId = ''
  let spanId = ''
  readNested(reader, (field) => {
    if (field === 1) traceId = hexOf(reader.bytes())
    else if (field === 2) spanId = hexOf(reader.bytes())
    else if (field === 4) attributes.set(...readPair(reader, readValue))
    else return false
    return true
  })
  return {
    traceId: `tr-${traceId.padStart(32, '0')}`,
    spanId: spanId.padStart(16, '0'),
    attributes: attributes.size > 0 ? textOfMap(attributes) : null,
  }
}

type ReadValue = (reader: BinaryReader, depth: number) => string

function readPair(reader: BinaryReader, read: ReadValue, depth = 0): readonly [key: string, value: string] {
  let key = ''
  let value = 'null'
  readNested(reader, (field) => {
    if (field === 1) key = reader.string(true)
    else if (field === 2) value = read(reader, depth)
    else return false
    return true
  })
  return [key, value]
}

const readAttribute: ReadValue = (reader) => readAny(reader, 0, attributeOfString)
const readValue: ReadValue = (reader, depth) => readAny(reader, depth, textOfString)

/** The JSON text of an AnyValue; of its alternatives the last one sent counts. */
function readAny(reader: BinaryReader, depth: number, string: (value: string) => string): string {
  if (depth > depthMax) throw malformed()
  let text = 'null'
  readNested(reader, (field) => {
    if (field === 1) text = string(reader.string(true))
    else if (field === 2) text = textOfBoolean(reader.bool())
    else if (field === 3) text = textOfInteger(reader.int64())
    else if (field === 4) text = textOfDouble(reader.double())
    else if (field === 5) text = readList(reader, depth + 1)
    else if (field === 6) text = readMap(reader, depth + 1)
    else if (field === 7) text = textOfBytes(reader.bytes())
    else return false
    return true
  })
  return text
}

function readList(reader: BinaryReader, depth: number): string {
  const values: string[] = []
  readNested(reader, (field) => {
    if (field !== 1) return false
    values.push(readValue(reader, depth))
    return true
  })
  return textOfList(values)
}

function readMap(reader: BinaryReader, depth: number): string {
  const pairs = new Map<string, string>()
  readNested(reader, (field) => {
    if (field !== 1) return false
    pairs.set(...readPair(reader, readValue, depth))
    return true
  })
  return textOfMap(pairs)
}
