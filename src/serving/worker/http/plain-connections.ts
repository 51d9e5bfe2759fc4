// Connections whose requests come in the plainest form: read and answered without Node's parser and streams, whose work for a request is
// more than a small model's. The first request that is anything else makes its connection Node's, for good.
import type { Socket } from 'node:net'
import type { Clock } from '../../../platform/clock.ts'
import { headersTimeoutMs, keepAliveTimeoutMs } from '../../contract/gateway-limits.ts'
import type { GatewayRequest } from './gateway-request.ts'
import { refuseUnread, type Reply } from './http-answer.ts'
import { sendPlain } from './plain-answer.ts'
import type { PlainHead } from './plain-head.ts'
import { readShared } from './shared-reads.ts'
import { createRequestHolder, type Arrival, type RequestHolder } from './whole-requests.ts'

/** A second more than callers are told, so that nothing is reset that they send at the last moment. */
const keptMs = keepAliveTimeoutMs + 1_000

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
  /** Counted while there are connections. A timer of each of them would be set anew with each request and each answer. */
  turn: number
}

const turnMs = 1_000

interface Connection {
  readonly socket: Socket
  readonly callerAddress: string
  /** What has come of the request that arrives, or after the one that is being answered. */
  pieces: Buffer[]
  piecesBytes: number
  arrival: Arrival | undefined
  /** A request is being answered. */
  isBusy: boolean
  hasAsked: boolean
  /** The caller sends nothing more. */
  hasEnded: boolean
  /** Its last answer is on its way: what still comes is not read. */
  isOver: boolean
  /** In which something came or was answered. */
  lastTurn: number
  /** What arrives was not whole in time. */
  readonly giveUp: () => void
  readonly letGo: () => void
}

export function createPlainConnections(deps: PlainConnectionDeps): PlainConnections {
  const open = new Set<Connection>()
  const shared: Shared = { ...deps, open, holder: createRequestHolder(), turn: 0 }
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    shared.turn++
    for (const connection of open) if (isIdleTooLong(shared, connection)) endIdle(connection)
    if (open.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    take(socket) {
      take(shared, socket)
      timer ??= setInterval(look, turnMs).unref()
    },
    closeIdle() {
      for (const { socket, isBusy, pieces } of open) if (!isBusy && pieces.length === 0) socket.destroy()
    },
    closeAll() {
      for (const { socket } of open) socket.destroy()
    },
  }
}

function take(shared: Shared, accepted: Socket): void {
  const { socket, letGo } = readShared(accepted, (bytes) => onData(shared, connection, bytes))
  const connection: Connection = {
    socket,
    callerAddress: socket.remoteAddress ?? '',
    pieces: [],
    piecesBytes: 0,
    arrival: undefined,
    isBusy: false,
    hasAsked: false,
    hasEnded: false,
    isOver: false,
    lastTurn: shared.turn,
    giveUp: () => handOver(shared, connection),
    letGo() {
      shared.holder.release(connection.giveUp)
      shared.open.delete(connection)
      letGo()
      for (const [event, listener] of listeners) socket.off(event, listener)
    },
  }
  const listeners: readonly (readonly [string, () => void])[] = [
    ['end', () => onEnd(shared, connection)],
    // Only once its last answer is on its way.
    ['timeout', () => socket.destroy()],
    // What is wrong with a connection is its caller's; that it is gone is told by `close`.
    ['error', () => undefined],
    ['close', connection.letGo],
  ]
  shared.open.add(connection)
  for (const [event, listener] of listeners) socket.on(event, listener)
}

function onData(shared: Shared, connection: Connection, bytes: Buffer): void {
  if (connection.isOver) return
  connection.lastTurn = shared.turn
  connection.pieces.push(bytes)
  connection.piecesBytes += bytes.length
  if (connection.isBusy) connection.socket.pause()
  else receive(shared, connection)
}

function onEnd({ holder }: Shared, connection: Connection): void {
  const { socket, isBusy, arrival, giveUp } = connection
  connection.hasEnded = true
  if (isBusy || connection.isOver) return
  connection.isOver = true
  holder.release(giveUp)
  if (arrival) refuseUnread(socket, undefined)
  else socket.destroySoon()
}

function isIdleTooLong({ turn }: Shared, { isBusy, isOver, hasAsked, lastTurn }: Connection): boolean {
  if (isBusy || isOver) return false
  // The turn in which it was last seen had begun already.
  return (turn - lastTurn - 1) * turnMs >= (hasAsked ? keptMs : headersTimeoutMs)
}

function endIdle(connection: Connection): void {
  const { socket, hasAsked } = connection
  connection.isOver = true
  if (hasAsked) socket.destroy()
  else refuseUnread(socket, 'ERR_HTTP_REQUEST_TIMEOUT')
}

/** Looks at what has come while nothing is being answered. */
function receive(shared: Shared, connection: Connection): void {
  const { holder } = shared
  const arrival = (connection.arrival ??= holder.read(takeBytes(connection, false)))
  const { piecesBytes, giveUp } = connection
  if (arrival && piecesBytes < arrival.end && holder.hold(giveUp, piecesBytes)) return
  if (arrival?.end !== piecesBytes) return handOver(shared, connection)
  holder.release(giveUp)
  connection.arrival = undefined
  serve(shared, connection, { head: arrival.head, body: takeBytes(connection, true).subarray(arrival.start) })
}

/** In one piece. */
function takeBytes(connection: Connection, isTaken: boolean): Buffer {
  const { pieces, piecesBytes } = connection
  const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, piecesBytes)
  connection.pieces = isTaken ? [] : [bytes]
  if (isTaken) connection.piecesBytes = 0
  return bytes
}

function serve(
  shared: Shared,
  connection: Connection,
  { head, body }: { readonly head: PlainHead; readonly body: Buffer },
): void {
  const { socket, callerAddress } = connection
  const { method, target, headers } = head
  connection.isBusy = true
  let isAnswered = false
  shared.answer({ method, target, headers, callerAddress, body }, (reply, isLastWanted) => {
    if (isAnswered || socket.destroyed) return
    const isLast = isLastWanted || connection.hasEnded
    const isRead = sendPlain(socket, reply, { isLast, nowMs: shared.clock() })
    isAnswered = true
    if (isLast) end(connection)
    else if (isRead) next(shared, connection)
    else socket.once('drain', () => next(shared, connection))
  })
}

function end(connection: Connection): void {
  const { socket } = connection
  connection.isBusy = false
  connection.isOver = true
  connection.pieces = []
  socket.setTimeout(keptMs)
  socket.destroySoon()
}

function next(shared: Shared, connection: Connection): void {
  connection.isBusy = false
  connection.hasAsked = true
  connection.lastTurn = shared.turn
  if (connection.pieces.length === 0) return
  connection.socket.resume()
  receive(shared, connection)
}

/** With what has come of its next request. */
function handOver(shared: Shared, connection: Connection): void {
  const { socket, letGo } = connection
  letGo()
  socket.pause()
  socket.unshift(takeBytes(connection, true))
  shared.handOver(socket)
  socket.resume()
}
