// For slow tests: callers of a whole gateway over HTTP and gRPC, on kept connections and on new ones; nobody tries twice what a server may have seen.
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { constants } from 'node:http2'
import { join } from 'node:path'
import { sleep } from '../../platform/clock.ts'
import {
  framed,
  grpcCaller,
  inferPath,
  inferRequest,
  readAnswer,
  resultOf,
  smallInputs,
  type GrpcCaller,
} from '../grpc/testing.ts'
import { oipBody } from '../testing.ts'
import type { TestGateway } from './gateway.ts'

export type CallerKind = 'http_kept' | 'http_short' | 'grpc_kept' | 'grpc_short'

export interface Called {
  readonly kind: CallerKind
  readonly isAnswered: boolean
  /** `flights/3`. */
  readonly version: string | undefined
  /** HTTP's status, gRPC's number, or the error of the connection. */
  readonly outcome: string
  /** Of what failed: the connection was made for this request, and not a byte of an answer came. */
  readonly isAtTheDoor: boolean
}

export interface Callers {
  readonly called: readonly Called[]
  /** Resolves when every caller has its last answer. */
  stop(): Promise<readonly Called[]>
}

interface CallersOptions {
  readonly counts: Readonly<Partial<Record<CallerKind, number>>>
  /** Between an answer and the next request. */
  readonly pauseMs?: number
  /** A caller whose request failed asks no more. */
  readonly endsAtFailure?: boolean
}

interface Caller extends Disposable {
  call(): Promise<Called>
}

const callHeaders = { ':method': 'POST', ':path': inferPath, 'content-type': 'application/grpc', te: 'trailers' }
const callBytes = framed(inferRequest({ inputs: smallInputs([1]) }))

export function startCallers(gateway: TestGateway, { counts, pauseMs = 0, endsAtFailure }: CallersOptions): Callers {
  const grpcPort = grpcPortOf(gateway)
  const called: Called[] = []
  let isStopped = false
  const loops = (Object.entries(counts) as [CallerKind, number][]).flatMap(([kind, count]) =>
    Array.from({ length: count }, async () => {
      using caller = kind.startsWith('http') ? httpCaller(gateway.url, kind) : grpcCallerOf(grpcPort, kind)
      while (!isStopped) {
        const found = await caller.call()
        called.push(found)
        if (endsAtFailure && !found.isAnswered) return
        if (pauseMs > 0) await sleep(pauseMs)
      }
    }),
  )
  return {
    called,
    async stop() {
      isStopped = true
      await Promise.all(loops)
      return called
    },
  }
}

export function grpcPortOf({ home }: TestGateway): number {
  const runtime = JSON.parse(readFileSync(join(home, 'run', 'gateway.json'), 'utf8')) as { grpc: string }
  return Number(runtime.grpc.split(':').at(-1))
}

function httpCaller(url: string, kind: CallerKind): Caller {
  const agent = new Agent(kind === 'http_kept' ? { keepAlive: true, maxSockets: 1 } : { keepAlive: false })
  const body = oipBody([1])
  const call = (): Promise<Called> =>
    new Promise((resolve) => {
      let status = 0
      const end = (how: Partial<Called>): void =>
        resolve({ kind, isAnswered: false, version: undefined, outcome: String(status), isAtTheDoor: false, ...how })
      const request = httpRequest(
        `${url}/v2/models/flights/infer`,
        { method: 'POST', agent, headers: { 'content-length': Buffer.byteLength(body) } },
        (response) => {
          status = response.statusCode ?? 0
          const version = response.headers['trueloop-model-version'] as string | undefined
          response.resume()
          response.once('end', () => end({ isAnswered: status === 200, version }))
          response.once('error', (error) => end({ outcome: `${status}, then ${String(error)}` }))
        },
      )
      request.once('error', (error) =>
        end({ outcome: String(error), isAtTheDoor: status === 0 && !request.reusedSocket }),
      )
      request.end(body)
    })
  return { call, [Symbol.dispose]: () => agent.destroy() }
}

/**
 * As gRPC's clients do: a connection that is told to go gets no new call, and a call of which the connection says that nobody has seen it
 * (REFUSED_STREAM) is made again, once, on another.
 */
function grpcCallerOf(port: number, kind: CallerKind): Caller {
  let caller: GrpcCaller | undefined
  const attempt = async (): Promise<Called & { wasUnseen: boolean }> => {
    let isFresh = false
    if (!caller || caller.session.closed || caller.session.destroyed) {
      caller?.[Symbol.dispose]()
      caller = grpcCaller(port)
      isFresh = true
    }
    const stream = caller.session.request(callHeaders)
    stream.end(callBytes)
    const { status, message, httpStatus, messages } = await resultOf(stream)
    if (kind === 'grpc_short') caller.session.close()
    return {
      kind,
      isAnswered: status === 0 && messages.length === 1,
      version: messages[0] && `flights/${readAnswer(messages[0]).version}`,
      outcome: status === -1 ? `no status (${httpStatus}), reset ${stream.rstCode}` : `${status} ${message}`.trim(),
      isAtTheDoor: isFresh && httpStatus === 0,
      wasUnseen: httpStatus === 0 && stream.rstCode === constants.NGHTTP2_REFUSED_STREAM,
    }
  }
  const call = async (): Promise<Called> => {
    const first = await attempt()
    return first.wasUnseen ? attempt() : first
  }
  return { call, [Symbol.dispose]: () => caller?.[Symbol.dispose]() }
}

/** Those that were not answered, by kind of caller and outcome. */
export function failuresOf(called: readonly Called[]): Record<string, number> {
  const failures: Record<string, number> = {}
  for (const { kind, outcome, isAnswered, isAtTheDoor } of called) {
    if (isAnswered) continue
    const name = `${kind}${isAtTheDoor ? ' at the door' : ''}: ${outcome}`
    failures[name] = (failures[name] ?? 0) + 1
  }
  return failures
}

/** Requests that were answered, by kind of caller. */
export function answersOf(called: readonly Called[]): Record<string, number> {
  const answers: Record<string, number> = {}
  for (const { kind, isAnswered } of called) if (isAnswered) answers[kind] = (answers[kind] ?? 0) + 1
  return answers
}
