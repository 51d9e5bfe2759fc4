// The hot path from request to answer. No framework, no promise and no log line for a request that goes well.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { assertPermitted, type Caller } from '../../../governance/access.ts'
import type { Clock } from '../../../platform/clock.ts'
import { DomainError } from '../../../platform/errors.ts'
import type { Log } from '../../../platform/log.ts'
import {
  connectionsMax,
  headersTimeoutMs,
  keepAliveTimeoutMs,
  requestTimeoutMs,
} from '../../contract/gateway-limits.ts'
import type { Metrics } from '../../gateway-metrics.ts'
import { matchRoute, type Protocol, type RouteMatch, type RouteName } from '../../gateway-routes.ts'
import { errorReply, refuseUnread, send, type Reply } from './http-answer.ts'
import { requestOfNode, type GatewayRequest } from './gateway-request.ts'
import { createPlainConnections, type SendReply } from './plain-connections.ts'
import { encodingOf, pack, packedBytesMin } from './packed-answer.ts'
import { bodyTooLarge, isTooLarge } from './request-body.ts'

/** One request on a route that it may use. */
export interface RouteRequest {
  readonly match: RouteMatch
  readonly request: GatewayRequest
  /** Sends the one answer; an error is written in the route's protocol, with `headers` (names and values in turn) besides. */
  readonly reply: (reply: Reply | DomainError, headers?: readonly string[]) => void
  /** Sends what was thrown: a bug of ours as one, with the log telling its cause. */
  readonly fail: (thrown: unknown) => void
}

export type RouteHandlers = Readonly<Record<RouteName, (request: RouteRequest) => void>>

export interface GatewayHttpDeps {
  /** @throws DomainError host_refused, origin_refused */
  readonly guard: (request: Pick<GatewayRequest, 'method' | 'headers'>) => void
  /** Who asks. @throws DomainError token_unknown and the like */
  readonly identify: (request: Pick<GatewayRequest, 'headers'>) => Caller
  readonly handlers: RouteHandlers
  readonly metrics: Metrics
  readonly log: Log
  readonly clock: Clock
  /** While it is true, answers carry `Connection: close`. */
  readonly isLeaving: () => boolean
}

/** Matches of paths that were seen; a caller cannot make it grow beyond this. */
const matchesRememberedMax = 512

export interface GatewayServer {
  /** Not listening yet. */
  readonly server: Server
  /** Those that no request is answered on. */
  readonly closeIdleConnections: () => void
  readonly closeAllConnections: () => void
}

export function createGatewayServer(deps: GatewayHttpDeps): GatewayServer {
  const find = createRouteFinder()
  const answer = (request: GatewayRequest, sendReply: SendReply): void => {
    let protocol: Protocol = 'open_inference'
    const reply = (answer: Reply | DomainError, headers?: readonly string[]): void => {
      let written = answer instanceof DomainError ? errorReply(answer, protocol, deps.log) : answer
      if (headers) written = { ...written, headers: [...(written.headers ?? []), ...headers] }
      deps.metrics.add('trueloop_http_responses_total', statusLabel(written.status), 1)
      const encoding = written.body.length < packedBytesMin ? undefined : encodingOf(textOf(request, 'accept-encoding'))
      if (encoding === undefined) deliver(written)
      else pack(written, encoding, deliver)
    }
    const deliver = (written: Reply): void => {
      try {
        sendReply(written, deps.isLeaving())
      } catch (error) {
        // Nothing of it was written; whoever waits is told, and whoever called goes on.
        sendReply(errorReply(error, protocol, deps.log), true)
      }
    }
    const fail = (thrown: unknown): void => reply(errorReply(thrown, protocol, deps.log))
    try {
      deps.guard(request)
      const match = find(request.method, request.target)
      protocol = match.route.protocol
      const { permission } = match.route
      // A prober of a public route may send whatever token it likes.
      if (permission !== 'public') assertPermitted(deps.identify(request), permission)
      deps.handlers[match.route.name]({ match, request, reply, fail })
    } catch (error) {
      fail(error)
    }
  }

  const server = createNodeServer((request, response) => {
    answer(requestOfNode(request), (reply, isLast) => send(response, reply, isLast))
  }, deps.log)
  const plain = createPlainConnections({ answer, handOver: handedTo(server), clock: deps.clock })
  server.on('connection', plain.take)
  return {
    server,
    closeIdleConnections() {
      plain.closeIdle()
      server.closeIdleConnections()
    },
    closeAllConnections() {
      plain.closeAll()
      server.closeAllConnections()
    },
  }
}

/** @returns the route of a request; throws DomainError route_not_found, method_not_allowed */
function createRouteFinder(): (method: string, target: string) => RouteMatch {
  /** By method and target: a key of both would be a new text at each request. */
  const matches = new Map<string, Map<string, RouteMatch>>()
  let remembered = 0
  const remember = (method: string, target: string, match: RouteMatch): void => {
    let known = matches.get(method)
    if (!known) matches.set(method, (known = new Map()))
    known.set(target, match)
    remembered++
  }
  return (method, target) => {
    const known = matches.get(method)?.get(target)
    if (known) return known
    const found = matchRoute(method, target)
    if (!found)
      throw new DomainError(
        'not_found',
        'route_not_found',
        `there is no ${method} ${target.split('?')[0]?.slice(0, 200)}`,
      )
    if (!('route' in found)) {
      const allowed = found.allowed.join(', ')
      throw new DomainError('invalid', 'method_not_allowed', `this path takes ${allowed}, not ${method}`, { allowed })
    }
    if (remembered < matchesRememberedMax) remember(method, target, found)
    return found
  }
}

type OnRequest = (request: IncomingMessage, response: ServerResponse) => void

function createNodeServer(onRequest: OnRequest, log: Log): Server {
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      noDelay: true,
    },
    onRequest,
  )
  server.maxConnections = connectionsMax
  // A caller that asks first is told before it sends; without its body nothing that follows on the connection could be read.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (isTooLarge(request)) return send(response, errorReply(bodyTooLarge(), 'open_inference', log), true)
    response.writeContinue()
    onRequest(request, response)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseUnread(socket, error.code))
  return server
}

/** What the server does itself with a new connection, which from now on it does only when it is told. */
function handedTo(server: Server): (socket: Socket) => void {
  const own = server.listeners('connection')
  server.removeAllListeners('connection')
  return (socket) => {
    for (const listener of own) listener.call(server, socket)
  }
}

/** Of a header that may stand there once. */
function textOf({ headers }: GatewayRequest, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

const statusLabels = new Map<number, string>()

function statusLabel(status: number): string {
  let found = statusLabels.get(status)
  if (!found) statusLabels.set(status, (found = `status="${status}"`))
  return found
}
