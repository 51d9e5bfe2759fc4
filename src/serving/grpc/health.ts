// `grpc.health.v1.Health`: whether this worker serves, asked once or watched.
import { DomainError } from '../../platform/errors.ts'
import { frameOf, readSmall, writeCount } from '../protocols/grpc-wire.ts'
import type { GrpcCall } from './call.ts'
import type { GrpcMethod } from './server.ts'

const serving = 1
const notServing = 2
const serviceUnknown = 3

/** The empty name is the whole server. */
const services: ReadonlySet<string> = new Set(['', 'grpc.health.v1.Health', 'inference.GRPCInferenceService'])

const statusFrame = (status: number): Uint8Array => frameOf((writer) => writeCount(writer, 1, status))
const serviceOf = (message: Uint8Array): string => readSmall('HealthCheckRequest', message).texts[1] ?? ''

export interface Health {
  readonly methods: ReadonlyMap<string, GrpcMethod>
  /** Tells those who watch what has changed. */
  look(): void
  /** Ends the watches: their callers ask another worker. */
  end(): void
}

export function createHealth(isReady: () => boolean): Health {
  const watchers = new Map<GrpcCall, { status: number }>()
  const statusNow = (): number => (isReady() ? serving : notServing)
  const check = (call: GrpcCall, message: Uint8Array): void => {
    const service = serviceOf(message)
    if (!services.has(service)) throw unknown(service)
    call.begin()
    call.finish(statusFrame(statusNow()))
  }
  const watch = (call: GrpcCall, message: Uint8Array): void => {
    for (const each of watchers.keys()) if (each.isOver) watchers.delete(each)
    call.begin()
    const isKnown = services.has(serviceOf(message))
    const status = isKnown ? statusNow() : serviceUnknown
    call.send(statusFrame(status))
    watchers.set(call, { status })
  }
  return {
    methods: new Map<string, GrpcMethod>([
      ['/grpc.health.v1.Health/Check', { permission: 'public', one: check }],
      ['/grpc.health.v1.Health/Watch', { permission: 'public', one: watch }],
    ]),
    look() {
      for (const [call, told] of watchers) {
        if (call.isOver) watchers.delete(call)
        else if (told.status !== serviceUnknown && told.status !== statusNow()) {
          told.status = statusNow()
          call.send(statusFrame(told.status))
        }
      }
    },
    end() {
      for (const call of watchers.keys())
        call.fail(
          new DomainError('unavailable', 'worker_leaving', 'the worker of this stream leaves: open the stream again'),
        )
      watchers.clear()
    },
  }
}

const unknown = (service: string): DomainError =>
  new DomainError('not_found', 'health_service_unknown', `there is no service "${service.slice(0, 100)}" here`)
