// The body of a request, whole, within the limit.
import type { IncomingMessage } from 'node:http'
import { DomainError } from '../../platform/errors.ts'
import { bodyBytesMax } from '../gateway-limits.ts'

const tooLarge = (): DomainError =>
  new DomainError('too_large', 'body_too_large', `a request body may have ${bodyBytesMax} bytes: send several requests`)

/** Calls `done` once with the bytes, or with an error; never when the caller hung up before the end. */
export function readBody(request: IncomingMessage, done: (body: Buffer | DomainError) => void): void {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    const message = `the content encoding "${encoding.slice(0, 40)}" is not supported: send the body as it is`
    return done(new DomainError('invalid', 'media_type_unsupported', message))
  }
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) return done(tooLarge())
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let bytes = 0
  let isDone = false
  request.on('data', (chunk: Buffer) => {
    if (isDone) return
    bytes += chunk.length
    if (bytes > bodyBytesMax) {
      isDone = true
      return done(tooLarge())
    }
    if (!first) first = chunk
    else (rest ??= [first]).push(chunk)
  })
  request.on('end', () => {
    if (isDone) return
    isDone = true
    done(rest ? Buffer.concat(rest, bytes) : (first ?? Buffer.alloc(0)))
  })
  // A caller that hangs up gets no answer; nothing waits for it.
  request.on('error', () => undefined)
}
