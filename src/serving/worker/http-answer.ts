// Answers of the gateway: JSON by protocol, errors with their status, and `Connection: close` while the worker leaves.
import type { ServerResponse } from 'node:http'
import { DomainError, messageOf, type ErrorKind } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { retryAfterSeconds } from '../gateway-limits.ts'
import type { Protocol } from '../gateway-routes.ts'

const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unavailable: 503,
}
/** Codes whose status is not their kind's. */
const statusOfCode: Readonly<Record<string, number>> = {
  model_failed: 500,
  internal: 500,
  media_type_unsupported: 415,
  method_not_allowed: 405,
}

export const statusOf = (error: DomainError): number => statusOfCode[error.code] ?? statusOfKind[error.kind]

export interface Reply {
  readonly status: number
  readonly body: string | Uint8Array
  /** Exactly `application/json` by default: some clients compare it with nothing else. */
  readonly contentType?: string
  /** Names and values in turn. */
  readonly headers?: readonly string[]
}

export const json = (value: unknown, status = 200): Reply => ({ status, body: JSON.stringify(value) })

export function send(response: ServerResponse, reply: Reply, isLeaving: boolean): void {
  if (response.writableEnded || response.destroyed) return
  const { body } = reply
  const bytes = Buffer.byteLength(body)
  const headers = [
    'content-type',
    reply.contentType ?? 'application/json',
    'content-length',
    String(bytes),
    'x-content-type-options',
    'nosniff',
    ...(reply.headers ?? []),
  ]
  if (isLeaving) headers.push('connection', 'close')
  response.writeHead(reply.status, headers)
  if (typeof body !== 'string') response.end(body)
  // As many bytes as characters: ASCII, which is written faster without UTF-8's care.
  else response.end(body, bytes === body.length ? 'latin1' : 'utf8')
}

/** The error in the protocol's own form, with the machine-readable code besides. */
export function errorReply(thrown: unknown, protocol: Protocol, log: Log): Reply {
  let error: DomainError
  if (thrown instanceof DomainError) error = thrown
  else {
    log.error('a request failed unexpectedly', {
      error: messageOf(thrown),
      stack: (thrown as Error | undefined)?.stack,
    })
    error = new DomainError(
      'unavailable',
      'internal',
      'this is a bug in Trueloop; the log of the gateway has its cause',
    )
  }
  const status = statusOf(error)
  const { code, message } = error
  const body = protocol === 'mlflow' ? { error_code: mlflowCode(status), message, code } : { error: message, code }
  const headers = status === 503 ? ['retry-after', String(retryAfterSeconds)] : []
  if (code === 'method_not_allowed') headers.push('allow', String(error.detail?.['allowed']))
  return { status, body: JSON.stringify(body), headers }
}

function mlflowCode(status: number): string {
  if (status === 404) return 'RESOURCE_DOES_NOT_EXIST'
  if (status === 401 || status === 403) return 'PERMISSION_DENIED'
  if (status === 503) return 'TEMPORARILY_UNAVAILABLE'
  return status >= 500 ? 'INTERNAL_ERROR' : 'BAD_REQUEST'
}
