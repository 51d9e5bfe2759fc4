// A gateway worker under the cluster: takes its orders from the primary, says that it lives, and ends in order.
import cluster from 'node:cluster'
import type { IncomingMessage } from 'node:http'
import type { Caller } from '../governance/access.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import { drainLimitMs, heartbeatIntervalMs } from './contract/gateway-limits.ts'
import type { GatewayConfig } from './gateway-config.ts'
import type { FromWorker, ToWorker } from './contract/gateway-messages.ts'
import type { VersionStatistics } from './contract/gateway-statistics.ts'
import { createGatewayWorker, gatewayPaths, type GatewayWorker } from './gateway-worker.ts'
import type { TracingSettings } from './tracing-settings.ts'
import { createPrimaryCalls } from './worker/primary-calls.ts'
import { noteCompute } from './primary/worker-processes.ts'

export interface GatewayWorkerProcessDeps {
  readonly home: string
  readonly clock: Clock
  readonly nowMs: () => number
  readonly fillRandom: (bytes: Uint8Array) => void
  readonly log: Log
  readonly version: string
  readonly hosts: readonly string[]
  readonly identify: (request: Pick<IncomingMessage, 'headers'>) => Caller
  readonly rootEndpoint: string | undefined
  readonly tracing: TracingSettings | undefined
  readonly allowedAddresses: readonly string[]
}

const tell = (message: FromWorker): void => {
  if (process.connected) process.send?.(message)
}

/** Runs until the primary says otherwise, or is gone. */
export function runGatewayWorker(deps: GatewayWorkerProcessDeps): void {
  if (!cluster.isWorker) throw new Error('a gateway worker is started by its primary')
  const primary = createPrimaryCalls(tell)
  let worker: GatewayWorker | undefined
  const beat = (): void => {
    if (worker) tell({ kind: 'beat', metrics: worker.snapshot(), statistics: worker.statistics })
  }
  const beating = setInterval(beat, heartbeatIntervalMs)
  const metricsText = (): Promise<string> => {
    beat() // So that the answer holds what this worker has just counted.
    return primary.metricsText()
  }
  const statistics = (): Promise<readonly VersionStatistics[]> => {
    beat()
    return primary.statistics()
  }
  const apply = async (config: GatewayConfig): Promise<void> => {
    const applied = await worker!.apply(config)
    tell({ kind: 'applied', generation: config.generation, ...applied })
  }
  const obey = async (message: ToWorker): Promise<void> => {
    switch (message.kind) {
      case 'start': {
        const paths = gatewayPaths(deps.home)
        worker = createGatewayWorker({
          ...deps,
          paths,
          worker: message.worker,
          metricsText,
          statistics,
          changeRepository: (change) => primary.change(change),
          noteCompute: (pid) => noteCompute(paths, message.worker, pid),
          computeLost: ({ kind: how, version }) => tell({ kind: 'compute_lost', how, version }),
        })
        await apply(message.config)
        const { host, grpcPort } = message
        const port = await worker.listen({ host, port: message.port })
        if (grpcPort !== null) await worker.listenGrpc({ host, port: grpcPort })
        return tell({ kind: 'serving', port })
      }
      case 'config':
        return apply(message.config)
      case 'announce_leaving':
        return worker?.announceLeaving()
      case 'metrics':
      case 'statistics':
      case 'repository':
        return primary.receive(message)
      case 'leave':
        await worker?.leave({ idleLimitMs: message.idleLimitMs, activeLimitMs: drainLimitMs })
        return tell({ kind: 'left' })
      case 'end':
        await worker?.close()
        beat()
        clearInterval(beating)
        process.disconnect()
    }
  }
  process.on('message', (message: ToWorker) => {
    obey(message).catch((error: unknown) => {
      const text = error instanceof Error ? error.stack : String(error)
      deps.log.error('a gateway worker could not do as told and ends', { kind: message.kind, error: text })
      process.exit(1)
    })
  })
  // The primary decides about the end; a terminal's Ctrl-C reaches everybody.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => undefined)
  // The primary is gone: cluster ends this process in the same turn. What was answered is told first.
  process.prependListener('disconnect', () => worker?.flushNow())
  tell({ kind: 'born' })
}
