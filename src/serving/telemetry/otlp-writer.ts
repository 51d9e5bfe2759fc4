// Spans as an OTLP export request, in protobuf. Pure.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Span, SpanContext } from './span.ts'

/** Of opentelemetry.proto.trace.v1: the numbers of the fields that are written. */
const kinds = { internal: 1, server: 2 } as const
const statusError = 2

export interface Resource {
  readonly serviceName: string
  readonly serviceVersion: string
  /** Which of the processes of the service. */
  readonly instance: string
}

export function encodeSpans(spans: readonly Span[], resource: Resource): Uint8Array {
  const request = new BinaryWriter()
  open(request, 1) // resource_spans
  open(request, 1) // resource
  writeAttributes(request, 1, {
    'service.name': resource.serviceName,
    'service.version': resource.serviceVersion,
    'service.instance.id': resource.instance,
  })
  request.join()
  open(request, 2) // scope_spans
  open(request, 1).tag(1, WireType.LengthDelimited).string('trueloop.gateway')
  request.join()
  for (const span of spans) writeSpan(request, span)
  request.join()
  request.join()
  return request.finish()
}

const open = (writer: BinaryWriter, field: number): BinaryWriter => writer.tag(field, WireType.LengthDelimited).fork()

function writeSpan(writer: BinaryWriter, span: Span): void {
  open(writer, 2)
  writeContext(writer, span)
  if (span.parentSpanId !== undefined) writer.tag(4, WireType.LengthDelimited).bytes(bytesOf(span.parentSpanId))
  writer.tag(5, WireType.LengthDelimited).string(span.name)
  writer.tag(6, WireType.Varint).int32(kinds[span.kind])
  writer.tag(7, WireType.Bit64).fixed64(nanoseconds(span.startMs))
  writer.tag(8, WireType.Bit64).fixed64(nanoseconds(span.endMs))
  writeAttributes(writer, 9, span.attributes)
  for (const link of span.links ?? []) {
    open(writer, 13)
    writeContext(writer, link)
    writer.join()
  }
  if (span.error !== undefined) {
    open(writer, 15).tag(2, WireType.LengthDelimited).string(span.error).tag(3, WireType.Varint).int32(statusError)
    writer.join()
  }
  writer.join()
}

function writeContext(writer: BinaryWriter, { traceId, spanId }: SpanContext): void {
  writer.tag(1, WireType.LengthDelimited).bytes(bytesOf(traceId))
  writer.tag(2, WireType.LengthDelimited).bytes(bytesOf(spanId))
}

function writeAttributes(
  writer: BinaryWriter,
  field: number,
  attributes: Readonly<Record<string, string | number>>,
): void {
  for (const [key, value] of Object.entries(attributes)) {
    open(writer, field).tag(1, WireType.LengthDelimited).string(key)
    open(writer, 2)
    if (typeof value === 'string') writer.tag(1, WireType.LengthDelimited).string(value)
    else if (Number.isInteger(value)) writer.tag(3, WireType.Varint).int64(value)
    else writer.tag(4, WireType.Bit64).double(value)
    writer.join()
    writer.join()
  }
}

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex')

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n
