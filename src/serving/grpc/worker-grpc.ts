// What a worker says over gRPC: the inference service and its health, on a port of their own.
import type { HandlerDeps } from '../worker/exchange.ts'
import { createHealth } from './health.ts'
import { inferenceMethods } from './inference-service.ts'
import { createGrpcServer, type GrpcServer, type GrpcServerDeps } from './server.ts'

export interface WorkerGrpc extends GrpcServer {
  /** Tells those who watch the health what has changed. */
  look(): void
}

export function createWorkerGrpc(
  handlers: HandlerDeps,
  deps: Pick<GrpcServerDeps, 'guard' | 'identify' | 'log'>,
): WorkerGrpc {
  const health = createHealth(() => handlers.serving.generation >= 0 && !handlers.isLeaving())
  const methods = new Map([...inferenceMethods(handlers), ...health.methods])
  const server = createGrpcServer({ ...deps, methods, metrics: handlers.metrics })
  return {
    ...server,
    look: () => health.look(),
    leave(limits) {
      health.end()
      return server.leave(limits)
    },
  }
}
