// One gRPC call on its HTTP/2 stream: headers, messages and the status at its end, each written once.
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Log } from '../../platform/log.ts'
import { encodingsTaken } from './messages.ts'
import { errorHeaders, expectedError, okHeaders, statusNameOf, type StatusHeaders, type StatusName } from './status.ts'

export interface GrpcCall {
  readonly headers: IncomingHttpHeaders
  /** Milliseconds after which the caller no longer wants the answer; undefined: it waits. */
  readonly timeoutMs: number | undefined
  callerAddress(): string
  /** Answered, or given up by its caller. */
  readonly isOver: boolean
  /** Sends the first headers of a call that goes well; before the first message. */
  begin(headers?: Readonly<Record<string, string>>): void
  /** @returns whether the caller takes messages as fast as they are sent */
  send(frame: Uint8Array): boolean
  /** The last message, if any, and a status of OK. */
  finish(frame?: Uint8Array): void
  /** Ends the call with the error's status, and what else its last headers say. Does nothing once it is over. */
  fail(thrown: unknown, headers?: Readonly<Record<string, string>>): void
  /** Calls `then` once what was sent is on its way. */
  onDrain(then: () => void): void
  /** Reads on, after a receiver was full. */
  resume(): void
}

export interface CallDeps {
  readonly log: Log
  /** Is told of each call that was answered. */
  readonly ended: (status: StatusName) => void
}

const baseHeaders = {
  [constants.HTTP2_HEADER_STATUS]: 200,
  [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
  'grpc-accept-encoding': encodingsTaken,
}

export function createCall(
  { log, ended }: CallDeps,
  stream: ServerHttp2Stream,
  { headers, timeoutMs }: Pick<GrpcCall, 'headers' | 'timeoutMs'>,
): GrpcCall {
  let isBegun = false
  let isOver = false
  let last: StatusHeaders = okHeaders
  const isWritable = (): boolean => !isOver && !stream.destroyed && !stream.closed
  const end = (status: StatusName): void => {
    isOver = true
    ended(status)
  }
  const call: GrpcCall = {
    headers,
    timeoutMs,
    callerAddress: () => stream.session?.socket.remoteAddress ?? '',
    get isOver() {
      return !isWritable()
    },
    begin(more) {
      if (!isWritable() || isBegun) return
      isBegun = true
      stream.respond(more ? { ...baseHeaders, ...more } : baseHeaders, { waitForTrailers: true })
      stream.once('wantTrailers', () => {
        stream.sendTrailers(last)
        // Whatever the caller still sends is not wanted; after the trailers, which would be lost otherwise.
        if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR))
      })
    },
    send(frame) {
      return isWritable() ? stream.write(frame) : true
    },
    finish(frame) {
      if (!isWritable()) return
      end('OK')
      if (frame) stream.end(frame)
      else stream.end()
    },
    fail(thrown, more) {
      if (!isWritable()) return
      const error = expectedError(thrown, log)
      end(statusNameOf(error))
      last = { ...more, ...errorHeaders(error) }
      if (isBegun) return void stream.end()
      stream.respond({ ...baseHeaders, ...last }, { endStream: true })
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
    },
    onDrain: (then) => void stream.once('drain', then),
    resume: () => void stream.resume(),
  }
  return call
}
