// Spans out of a trace export request of the OpenTelemetry protocol (OTLP over HTTP).
import { decodeJson } from './otlp/json.ts'
import { decodeProtobuf } from './otlp/protobuf.ts'
import type { ExportRequest } from './otlp/request.ts'

export type { ExportRequest } from './otlp/request.ts'

export const otlpTypes = ['application/x-protobuf', 'application/json'] as const
export type OtlpType = (typeof otlpTypes)[number]

/** @throws DomainError otlp_malformed for a body that is none; otlp_span for a span without ids or with ones that are too long; otlp_too_large for too many parts */
export const decodeOtlp = (body: Uint8Array, type: OtlpType): ExportRequest =>
  type === 'application/json' ? decodeJson(body) : decodeProtobuf(body)
