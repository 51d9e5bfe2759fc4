// Connections whose requests come in the plainest form: read and answered without Node's parser and streams, whose work for a request is
// more than a small model's. The first request that is anything else makes its connection Node's, for good.
import type { Socket } from 'node:net'
import type { Clock } from '../../../platform/clock.ts'
import { headersTimeoutMs, keepAliveTimeoutMs } from '../../contract/gateway-limits.ts'
import type { GatewayRequest } from './gateway-request.ts'
import { refuseUnread, type Reply } from './http-answer.ts'
import { sendPlain } from './plain-answer.ts'
import { createRequestHolder, type RequestHolder, type WholeRequest } from './whole-requests.ts'

/** Sends the one answer of a request; after it, it sends nothing. */
export type SendReply = (reply: Reply, isLast: boolean) => void

export interface PlainConnectionDeps {
  readonly answer: (request: GatewayRequest, send: SendReply) => void
  /** Node's own care of a connection. */
  readonly handOver: (socket: Socket) => void
  readonly clock: Clock
}

export interface PlainConnections {
  readonly take: (socket: Socket) => void
  /** Of those that no request is answered on. */
  readonly closeIdle: () => void
  readonly closeAll: () => void
}

interface Shared extends PlainConnectionDeps {
  readonly holder: RequestHolder
  readonly open: Set<Connection>
}

interface Connection {
  readonly socket: Socket
  readonly callerAddress: string
  /** Of a request that is not whole, or that came before the one ahead of it was answered. */
  pending: Buffer | undefined
  /** A request is being answered. */
  isBusy: boolean
  hasAsked: boolean
  /** The caller sends nothing more. */
  hasEnded: boolean
  /** What is pending was not whole in time. */
  readonly giveUp: () => void
  readonly letGo: () => void
}

export function createPlainConnections(deps: PlainConnectionDeps): PlainConnections {
  const open = new Set<Connection>()
  const shared: Shared = { ...deps, open, holder: createRequestHolder() }
  return {
    take: (socket) => take(shared, socket),
    closeIdle() {
      for (const { socket, isBusy } of open) if (!isBusy) socket.destroy()
    },
    closeAll() {
      for (const { socket } of open) socket.destroy()
    },
  }
}

function take(shared: Shared, socket: Socket): void {
  const connection: Connection = {
    socket,
    callerAddress: socket.remoteAddress ?? '',
    pending: undefined,
    isBusy: false,
    hasAsked: false,
    hasEnded: false,
    giveUp: () => handOver(shared, connection, takePending(connection)),
    letGo() {
      shared.holder.release(connection.giveUp)
      shared.open.delete(connection)
      for (const [event, listener] of listeners) socket.off(event, listener)
    },
  }
  const listeners: readonly (readonly [string, (...values: Buffer[]) => void])[] = [
    ['data', (chunk) => onData(shared, connection, chunk!)],
    ['end', () => onEnd(connection)],
    ['timeout', () => onTimeout(connection)],
    // What is wrong with a connection is its caller's; that it is gone is told by `close`.
    ['error', () => undefined],
    ['close', connection.letGo],
  ]
  shared.open.add(connection)
  for (const [event, listener] of listeners) socket.on(event, listener)
  socket.setTimeout(headersTimeoutMs)
}

function onData(shared: Shared, connection: Connection, chunk: Buffer): void {
  const bytes = connection.pending ? Buffer.concat([connection.pending, chunk]) : chunk
  if (!connection.isBusy) return receive(shared, connection, bytes)
  connection.socket.pause()
  connection.pending = bytes
}

function onEnd(connection: Connection): void {
  connection.hasEnded = true
  if (connection.isBusy) return
  if (connection.pending) refuseUnread(connection.socket, undefined)
  else connection.socket.end()
}

function onTimeout({ socket, isBusy, hasAsked }: Connection): void {
  if (isBusy) return
  if (hasAsked) socket.destroy()
  else refuseUnread(socket, 'ERR_HTTP_REQUEST_TIMEOUT')
}

function takePending(connection: Connection): Buffer {
  const bytes = connection.pending!
  connection.pending = undefined
  return bytes
}

function receive(shared: Shared, connection: Connection, bytes: Buffer): void {
  const { holder } = shared
  const arrival = holder.read(bytes)
  if (arrival === 'partial' && holder.hold(connection.giveUp, bytes.length)) {
    connection.pending = bytes
    return
  }
  if (connection.pending) holder.release(connection.giveUp)
  connection.pending = undefined
  if (typeof arrival === 'string') handOver(shared, connection, bytes)
  else serve(shared, connection, arrival)
}

function serve(shared: Shared, connection: Connection, { head, body }: WholeRequest): void {
  const { socket, callerAddress } = connection
  const { method, target, headers } = head
  connection.isBusy = true
  let isAnswered = false
  shared.answer({ method, target, headers, callerAddress, body }, (reply, isLast) => {
    if (isAnswered || socket.destroyed) return
    isAnswered = true
    const isRead = sendPlain(socket, reply, { isLast: isLast || connection.hasEnded, nowMs: shared.clock() })
    if (isRead) next(shared, connection)
    else socket.once('drain', () => next(shared, connection))
  })
}

function next(shared: Shared, connection: Connection): void {
  const { socket, hasAsked } = connection
  connection.isBusy = false
  connection.hasAsked = true
  if (!hasAsked) socket.setTimeout(keepAliveTimeoutMs)
  if (!connection.pending) return
  socket.resume()
  receive(shared, connection, takePending(connection))
}

/** With what has come of its next request. */
function handOver(shared: Shared, { socket, letGo }: Connection, bytes: Buffer): void {
  letGo()
  socket.setTimeout(0)
  socket.pause()
  socket.unshift(bytes)
  shared.handOver(socket)
  socket.resume()
}
