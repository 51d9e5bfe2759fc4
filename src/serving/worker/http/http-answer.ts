// Answers of the gateway: JSON by protocol, errors with their status, and `Connection: close` while the worker leaves.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { DomainError, messageOf, type ErrorKind } from '../../../platform/errors.ts'
import type { Log } from '../../../platform/log.ts'
import { retryAfterSeconds } from '../../contract/gateway-limits.ts'
import type { Protocol } from '../../gateway-routes.ts'

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
  rate_limited: 429,
  deadline_passed: 504,
  media_type_unsupported: 415,
  method_not_allowed: 405,
  extension_unsupported: 501,
}

export const statusOf = (error: DomainError): number => statusOfCode[error.code] ?? statusOfKind[error.kind]

export interface Reply {
  readonly status: number
  readonly body: string | Uint8Array
  /** True: known to be text in ASCII; otherwise it may be anything. */
  readonly isAscii?: boolean | undefined
  /** Exactly `application/json` by default: some clients compare it with nothing else. */
  readonly contentType?: string | undefined
  /** Names and values in turn. */
  readonly headers?: readonly string[] | undefined
}

export const json = (value: unknown, status = 200): Reply => ({ status, body: JSON.stringify(value) })

/** @param isLast the connection ends with it */
export function send(response: ServerResponse, reply: Reply, isLast: boolean): void {
  if (response.writableEnded || response.destroyed) return
  const { body } = reply
  const bytes = reply.isAscii ? body.length : Buffer.byteLength(body)
  const headers = [
    'content-type',
    reply.contentType ?? 'application/json',
    'content-length',
    String(bytes),
    'x-content-type-options',
    'nosniff',
    ...(reply.headers ?? []),
  ]
  if (isLast) headers.push('connection', 'close')
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
  // As MLflow's scoring server says that it does not take a content type.
  if (protocol === 'mlflow' && status === 415)
    return { status, body: message, contentType: 'text/plain; charset=utf-8' }
  const body =
    protocol === 'mlflow' ? { error_code: mlflowCode(status, code), message, code } : { error: message, code }
  const after = error.detail?.['retryAfterSeconds'] ?? (status === 503 ? retryAfterSeconds : undefined)
  const headers = typeof after === 'number' ? ['retry-after', String(after)] : []
  if (code === 'method_not_allowed') headers.push('allow', String(error.detail?.['allowed']))
  return { status, body: JSON.stringify(body), headers }
}

/** MLflow's names by status. */
const mlflowCodes: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  429: 'REQUEST_LIMIT_EXCEEDED',
  501: 'NOT_IMPLEMENTED',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** Those that its server calls something else than its other refusals. */
const mlflowCodesByCode: Readonly<Record<string, string>> = {
  input_column_missing: 'INVALID_PARAMETER_VALUE',
  input_rows_unequal: 'INVALID_PARAMETER_VALUE',
}

const mlflowCode = (status: number, code: string): string =>
  mlflowCodesByCode[code] ?? mlflowCodes[status] ?? (status >= 500 ? 'INTERNAL_ERROR' : 'BAD_REQUEST')

interface Refusal {
  readonly status: string
  readonly body: { readonly error: string; readonly code: string }
}

const malformed: Refusal = {
  status: '400 Bad Request',
  body: {
    error: 'this is no HTTP request that can be read: its request line, headers or framing are wrong',
    code: 'request_invalid',
  },
}
const slow: Refusal = {
  status: '408 Request Timeout',
  body: { error: 'the request did not arrive in time: send it faster, or in parts', code: 'request_invalid' },
}
/** By the codes of Node's parser. */
const refusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: slow,
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    body: { error: 'the headers are too large: send at most 16 KiB of them', code: 'request_invalid' },
  },
}

/** For the caller to read why. */
const refusedMs = 2_000

/** Answers what never became a request, and closes the connection. */
export function refuseUnread(socket: Socket, code: string | undefined): void {
  if (!socket.writable || code === 'ECONNRESET') return void socket.destroy()
  const { status, body } = refusals[code ?? ''] ?? malformed
  const text = JSON.stringify(body)
  const headers = `content-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close`
  socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${text}`)
  // Whoever does not close its side either would keep the connection for ever.
  setTimeout(() => socket.destroy(), refusedMs).unref()
}
