// The gRPC server of a worker: HTTP/2 streams to calls of methods. No promise and no log line for a call that goes well.
import type { IncomingMessage } from 'node:http'
import { constants, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { assertPermitted, type Caller, type Permission } from '../../governance/access.ts'
import { DomainError } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { connectionsMax, requestTimeoutMs } from '../contract/gateway-limits.ts'
import type { Metrics } from '../gateway-metrics.ts'
import { createCall, type CallDeps, type GrpcCall } from './call.ts'
import { keepConnections } from './connections.ts'
import { assertEncoding, createMessageReader, timeoutMsOf } from './messages.ts'
import type { StatusName } from './status.ts'

/** What a caller sends on a stream of many messages. */
export interface StreamReceiver {
  message(bytes: Buffer): void
  /** The caller sends no more. */
  end(): void
  /** The worker leaves: end the call once what came is answered. */
  leave(): void
  /** Whether no more should be read for now; the receiver calls `resume` of its call when that changes. */
  readonly isFull: boolean
}

export type GrpcMethod =
  | {
      readonly permission: Permission
      /** One message comes; the method answers it now or later, with one message or, where it says so, more. */
      readonly one: (call: GrpcCall, message: Buffer) => void
    }
  | { readonly permission: Permission; readonly many: (call: GrpcCall) => StreamReceiver }

export interface GrpcServerDeps {
  /** @throws DomainError host_refused, origin_refused */
  readonly guard: (request: Pick<IncomingMessage, 'method' | 'headers'>) => void
  /** Who asks. @throws DomainError token_unknown and the like */
  readonly identify: (request: Pick<IncomingMessage, 'headers'>) => Caller
  /** By path, `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, GrpcMethod>
  readonly metrics: Metrics
  readonly log: Log
}

export interface GrpcServer {
  /** Resolves with the port. */
  listen(address: { host: string; port: number }): Promise<number>
  /** No new connections; calls under way get their answers, those opened on the way here too. Streams end after `idleLimitMs`. */
  leave(limits: { idleLimitMs: number; activeLimitMs: number }): Promise<void>
  destroy(): void
}

/** Calls under way on one connection. */
const callsPerConnectionMax = 1_000
const headerListBytesMax = 16 * 1024
const headersMax = 128
/** Memory of one connection, in MB as Node counts it; the messages of its calls are not in it. */
const connectionMemoryMb = 32
const lookIntervalMs = 5_000

/** A call whose messages are still on their way. */
interface Reading {
  readonly call: GrpcCall
  /** Looks of the watch since it began or, in a stream, since the last message was whole. */
  looks: number
}

interface Running extends GrpcServerDeps {
  readonly call: CallDeps
  readonly reading: Set<Reading>
  readonly receivers: Set<StreamReceiver>
}

export function createGrpcServer(deps: GrpcServerDeps): GrpcServer {
  const ended = (status: StatusName): void => deps.metrics.add('trueloop_grpc_calls_total', codeLabel(status), 1)
  const running: Running = {
    ...deps,
    call: { log: deps.log, ended },
    reading: new Set(),
    receivers: new Set(),
  }
  const server = createServer({
    maxSessionMemory: connectionMemoryMb,
    maxHeaderListPairs: headersMax,
    settings: {
      enablePush: false,
      maxConcurrentStreams: callsPerConnectionMax,
      maxHeaderListSize: headerListBytesMax,
      initialWindowSize: 1024 * 1024,
    },
  })
  server.maxConnections = connectionsMax
  const connections = keepConnections(server)
  server.on('stream', (stream, headers) => open(running, stream, headers))
  const watching = setInterval(() => endSlow(running.reading), lookIntervalMs).unref()
  return {
    listen: (address) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(address, () => resolve((server.address() as AddressInfo).port))
      }),
    leave: (limits) =>
      connections.leave(limits, () => {
        for (const receiver of running.receivers) receiver.leave()
      }),
    destroy() {
      clearInterval(watching)
      connections.destroy()
    },
  }
}

/** A caller that never gets to the end of a message holds nothing for ever. */
function endSlow(reading: ReadonlySet<Reading>): void {
  for (const each of reading) {
    if (++each.looks * lookIntervalMs <= requestTimeoutMs) continue
    const message = `the message was not whole after ${requestTimeoutMs / 1000} seconds: send it again`
    each.call.fail(new DomainError('invalid', 'request_invalid', message))
  }
}

const codeLabels = new Map<StatusName, string>()

function codeLabel(status: StatusName): string {
  let found = codeLabels.get(status)
  if (!found) codeLabels.set(status, (found = `code="${status}"`))
  return found
}

function open(running: Running, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  // A caller that gives up resets its stream; nobody waits for the answer then.
  stream.on('error', () => undefined)
  if (headers[':method'] !== 'POST') return refuse(stream, 405)
  if (!/^application\/grpc(?:\+proto)?(?:;|$)/v.test(headers['content-type'] ?? '')) return refuse(stream, 415)
  let timeoutMs: number | undefined
  let wrong: unknown
  try {
    timeoutMs = timeoutMsOf(textOf(headers['grpc-timeout']))
  } catch (error) {
    wrong = error
  }
  const call = createCall(running.call, stream, { headers, timeoutMs })
  if (wrong !== undefined) return call.fail(wrong)
  try {
    const method = methodOf(running, headers)
    if ('one' in method) readOne(running, stream, { call, method })
    else readMany(running, stream, { call, method })
  } catch (error) {
    call.fail(error)
  }
}

/** No gRPC: told as HTTP does. */
function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ':status': status }, { endStream: true })
  stream.close(constants.NGHTTP2_NO_ERROR)
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined

/** The method that this caller may call. @throws DomainError */
function methodOf({ guard, identify, methods }: Running, headers: IncomingHttpHeaders): GrpcMethod {
  const { ':authority': authority, origin, 'sec-fetch-site': site } = headers
  guard({ method: 'POST', headers: { host: authority ?? headers.host, origin, 'sec-fetch-site': site } })
  const path = headers[':path'] ?? ''
  const method = methods.get(path)
  if (!method) throw new DomainError('not_found', 'route_not_found', `there is no method ${path.slice(0, 200)}`)
  if (method.permission !== 'public') assertPermitted(identify({ headers }), method.permission)
  assertEncoding(textOf(headers['grpc-encoding']))
  return method
}

function readOne(
  { reading }: Running,
  stream: ServerHttp2Stream,
  { call, method }: { call: GrpcCall; method: Extract<GrpcMethod, { one: unknown }> },
): void {
  let message: Buffer | undefined
  const slow: Reading = { call, looks: 0 }
  const reader = createMessageReader(textOf(call.headers['grpc-encoding']), (found) => {
    if (message) throw new DomainError('invalid', 'request_invalid', 'this method takes one message, and a second came')
    message = found
  })
  reading.add(slow)
  stream.on('data', (chunk: Buffer) => {
    if (call.isOver) return
    try {
      reader.push(chunk)
    } catch (error) {
      call.fail(error)
    }
  })
  stream.once('end', () => {
    reading.delete(slow)
    if (call.isOver) return
    try {
      if (!message || reader.isWithin) throw cutShort()
      method.one(call, message)
    } catch (error) {
      call.fail(error)
    }
  })
  stream.once('close', () => reading.delete(slow))
}

const cutShort = (): DomainError =>
  new DomainError('invalid', 'request_invalid', 'the call ended before a message was whole')

function readMany(
  { reading, receivers }: Running,
  stream: ServerHttp2Stream,
  { call, method }: { call: GrpcCall; method: Extract<GrpcMethod, { many: unknown }> },
): void {
  const slow: Reading = { call, looks: 0 }
  const receiver = method.many(call)
  receivers.add(receiver)
  const reader = createMessageReader(textOf(call.headers['grpc-encoding']), (message) => {
    slow.looks = 0
    receiver.message(message)
  })
  const attempt = (work: () => void): void => {
    if (call.isOver) return
    try {
      work()
    } catch (error) {
      call.fail(error)
    }
  }
  stream.on('data', (chunk: Buffer) =>
    attempt(() => {
      reader.push(chunk)
      if (reader.isWithin) reading.add(slow)
      else reading.delete(slow)
      if (receiver.isFull) stream.pause()
    }),
  )
  stream.once('end', () =>
    attempt(() => {
      if (reader.isWithin) throw cutShort()
      receiver.end()
    }),
  )
  stream.once('close', () => {
    reading.delete(slow)
    receivers.delete(receiver)
  })
}
