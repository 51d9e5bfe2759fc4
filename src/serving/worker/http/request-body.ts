// The body of a request, whole and unpacked, within the limit.
import type { IncomingMessage } from 'node:http'
import { gunzip, inflate } from 'node:zlib'
import { DomainError, messageOf } from '../../../platform/errors.ts'
import { bodiesBytesMax, bodyBytesMax } from '../../contract/gateway-limits.ts'
import type { GatewayRequest } from './gateway-request.ts'

export const bodyTooLarge = (): DomainError =>
  new DomainError('too_large', 'body_too_large', `a request body may have ${bodyBytesMax} bytes: send several requests`)

/** By what the request says of itself. */
export const isTooLarge = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length'] ?? 0) > bodyBytesMax

/** What a caller goes on sending after a refusal is read and thrown away up to so many bytes, so that it sees the refusal. */
const wastedBytesMax = 4 * bodyBytesMax

type Unpack = typeof gunzip
/** `deflate` is zlib's format, as HTTP says. */
const unpackers: Readonly<Record<string, Unpack>> = { gzip: gunzip, 'x-gzip': gunzip, deflate: inflate }

/** Calls `done` once with the bytes, or with an error; never when the caller hung up before the end. */
export function readBody(
  { headers, body: source }: Pick<GatewayRequest, 'headers' | 'body'>,
  done: (body: Buffer | DomainError) => void,
): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return collect(source, done)
  const name = encoding.toLowerCase()
  const unpack = Object.hasOwn(unpackers, name) ? unpackers[name] : undefined
  if (!unpack) {
    const message = `the content encoding "${encoding.slice(0, 40)}" is not supported: send gzip, deflate, or the body as it is`
    return done(new DomainError('invalid', 'media_type_unsupported', message))
  }
  collect(source, (packed) => {
    if (packed instanceof DomainError) return done(packed)
    // In the thread pool, and never more than the limit, however small it is packed.
    unpack(packed, { maxOutputLength: bodyBytesMax }, (error, body) => {
      if (!error) return done(body)
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return done(bodyTooLarge())
      const message = `the body is no ${name}, as its Content-Encoding says: ${messageOf(error)}`
      done(new DomainError('invalid', 'request_invalid', message))
    })
  })
}

/** Bytes of bodies that are not whole yet. */
let bytesWaiting = 0

const tooMuchWaits = (): DomainError => {
  const message = `this worker holds ${bodiesBytesMax} bytes of requests that are not whole yet: try again in a second`
  return new DomainError('unavailable', 'bodies_full', message)
}

function collect(request: IncomingMessage | Buffer, done: (body: Buffer | DomainError) => void): void {
  if (Buffer.isBuffer(request)) return done(request)
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let bytes = 0
  let isDone = false
  const finish = (body: Buffer | DomainError): void => {
    isDone = true
    bytesWaiting -= bytes
    first = rest = undefined
    done(body)
  }
  if (isTooLarge(request)) finish(bodyTooLarge())
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (isDone) {
      if (bytes > wastedBytesMax) request.destroy()
      return
    }
    bytesWaiting += chunk.length
    if (bytes > bodyBytesMax) return finish(bodyTooLarge())
    if (bytesWaiting > bodiesBytesMax) return finish(tooMuchWaits())
    if (!first) first = chunk
    else (rest ??= [first]).push(chunk)
  })
  request.on('end', () => {
    if (!isDone) finish(rest ? Buffer.concat(rest, bytes) : (first ?? Buffer.alloc(0)))
  })
  request.on('error', () => {
    // A caller that hangs up gets no answer; nothing waits for it.
    if (!isDone) bytesWaiting -= bytes
    isDone = true
  })
}
