// The HTTP/2 connections of a gRPC server: what each may hold, and how they are let go without losing a call.
import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { Server as NetServer, type Socket } from 'node:net'
import { endsWithin } from '../contract/time-limit.ts'

/** A connection without a call is told to go after this time; clients connect anew with their next call. */
const idleLimitMs = 600_000
/** What a caller may send on one connection before it is read. */
const windowBytes = 4 * 1024 * 1024
/** A caller that is told of the end has this long to say that it heard. */
const noticeLimitMs = 5_000
/** A connection that is closed on this side is cut when its caller has not closed it at the second look. */
const lookIntervalMs = 1_000
/**
 * The notice of an end (RFC 9113, section 6.8): a GOAWAY frame of 8 bytes with the largest stream id, since it says nothing yet about which
 * calls were seen, and no error. It is written past `session.goaway`, after which a session without a call reads and writes nothing more: a
 * call already on its way would stay unread.
 */
const notice = Buffer.of(0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0)

export interface GrpcConnections {
  /**
   * Takes no new connections, tells every caller to open its next call elsewhere, and lets those under way end. `endStreams` is called after
   * `idleLimitMs` for calls that their callers keep open; after `activeLimitMs` more nothing is waited for.
   */
  leave(limits: { idleLimitMs: number; activeLimitMs: number }, endStreams: () => void): Promise<void>
  /** Cuts what is still there. */
  destroy(): void
}

export function keepConnections(server: Http2Server): GrpcConnections {
  const sessions = new Map<ServerHttp2Session, Socket>()
  let connecting: Socket | undefined
  let isLeaving = false
  // A session hides its socket; it is made in the same turn.
  server.prependListener('connection', (socket) => (connecting = socket))
  server.on('session', (session) => {
    sessions.set(session, connecting!)
    session.once('close', () => sessions.delete(session))
    // What a connection breaks with is its caller's, who sees it; its calls see their own end.
    session.on('error', () => undefined)
    session.setLocalWindowSize(windowBytes)
    session.setTimeout(idleLimitMs, () => session.close())
    if (isLeaving) dismiss(session, connecting!)
  })
  // Not HTTP/2, or cut off before it began.
  server.on('sessionError', () => undefined)
  return {
    async leave({ idleLimitMs: idleMs, activeLimitMs: activeMs }, endStreams) {
      isLeaving = true
      const isGone = new Promise<void>((resolve) => {
        // The callback comes when the last connection is gone. Only the listener is dropped: Http2Server's own `close` ends connections at once.
        NetServer.prototype.close.call(server, () => resolve())
      })
      for (const [session, socket] of sessions) dismiss(session, socket)
      const seen = new Set<ServerHttp2Session>()
      const looking = setInterval(() => cutClosed(sessions, seen), lookIntervalMs)
      try {
        if (await endsWithin(isGone, idleMs)) return
        endStreams()
        await endsWithin(isGone, activeMs)
      } finally {
        clearInterval(looking)
      }
    },
    destroy() {
      for (const [session, socket] of sessions) {
        session.destroy()
        socket.destroy()
      }
    },
  }
}

/**
 * First a notice that takes calls still on their way, then, when the caller has answered a ping and so has read the notice, the end: a
 * call that would be opened in between is answered, and none is refused. Callers write the answer to a ping ahead of calls that they had
 * opened before they read the notice; the answer to a second ping comes after these.
 */
function dismiss(session: ServerHttp2Session, socket: Socket): void {
  const isGone = (): boolean => session.closed || session.destroyed
  if (isGone()) return
  const close = (): void => {
    clearTimeout(timer)
    if (!isGone()) session.close()
  }
  const ask = (heard: () => void): void => {
    if (isGone() || !session.ping((error) => (error ? close() : heard()))) close()
  }
  const timer = setTimeout(close, noticeLimitMs)
  socket.write(notice)
  ask(() => ask(close))
}

/** Its last call is answered and its end was told: a caller that keeps its own side open holds nobody up. */
function cutClosed(sessions: ReadonlyMap<ServerHttp2Session, Socket>, seen: Set<ServerHttp2Session>): void {
  for (const [session, socket] of sessions) {
    if (!session.destroyed) continue
    if (seen.has(session)) socket.destroy()
    seen.add(session)
  }
}
