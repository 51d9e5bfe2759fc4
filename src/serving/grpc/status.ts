// gRPC's status of an error: which code it is, and its message as a header may carry it. Pure.
import { DomainError, messageOf, type ErrorKind } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'

/** Codes of gRPC, by name. */
export const statusCodes = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const
export type StatusName = keyof typeof statusCodes

const statusOfKind: Readonly<Record<ErrorKind, StatusName>> = {
  invalid: 'INVALID_ARGUMENT',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  conflict: 'FAILED_PRECONDITION',
  too_large: 'RESOURCE_EXHAUSTED',
  unavailable: 'UNAVAILABLE',
}

/** Codes whose status is not their kind's. */
const statusOfCode: Readonly<Record<string, StatusName>> = {
  model_failed: 'INTERNAL',
  internal: 'INTERNAL',
  deadline_unreachable: 'DEADLINE_EXCEEDED',
  deadline_passed: 'DEADLINE_EXCEEDED',
  rate_limited: 'RESOURCE_EXHAUSTED',
  route_not_found: 'UNIMPLEMENTED',
  extension_unsupported: 'UNIMPLEMENTED',
  media_type_unsupported: 'UNIMPLEMENTED',
}

export const statusNameOf = (error: DomainError): StatusName => statusOfCode[error.code] ?? statusOfKind[error.kind]

/** Bytes of a message in a header; clients take some 8 KiB of headers in all. */
const messageBytesMax = 3_000

/** The error as it is told: what nobody expected is logged, and told as a bug. */
export function expectedError(thrown: unknown, log: Log): DomainError {
  if (thrown instanceof DomainError) return thrown
  log.error('a gRPC call failed unexpectedly', {
    error: messageOf(thrown),
    stack: (thrown as Error | undefined)?.stack,
  })
  return new DomainError('unavailable', 'internal', 'this is a bug in Trueloop; the log of the gateway has its cause')
}

/** The message percent-encoded as gRPC wants it, cut where it is too long for a header. */
export function encodeMessage(message: string): string {
  let text = ''
  for (const character of message) {
    const plain = /^[ -$&-~]$/v.test(character)
    text += plain ? character : [...Buffer.from(character)].map(percentEncoded).join('')
    if (text.length > messageBytesMax) return `${text}...`
  }
  return text
}

const percentEncoded = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

/** What a call's last headers say. */
export type StatusHeaders = Readonly<Record<string, string>>

export const okHeaders: StatusHeaders = { 'grpc-status': '0' }

export const errorHeaders = (error: DomainError): StatusHeaders => ({
  'grpc-status': String(statusCodes[statusNameOf(error)]),
  'grpc-message': encodeMessage(error.message),
  'trueloop-error-code': error.code,
})
