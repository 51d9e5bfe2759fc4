// A gateway worker under the cluster: takes its orders from the primary, says that it lives, and ends in order.
import cluster from 'node:cluster'
import type { IncomingMessage } from 'node:http'
import type { Caller } from '../governance/access.ts'
import type { Clock } from '../platform/clock.ts'
import { DomainError } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import { drainLimitMs, heartbeatIntervalMs } from './gateway-limits.ts'
import type { GatewayConfig } from './gateway-config.ts'
import type { FromWorker, ToWorker } from './gateway-messages.ts'
import { createGatewayWorker, gatewayPaths, type GatewayWorker } from './gateway-worker.ts'

export interface GatewayWorkerProcessDeps {
  readonly home: string
  readonly clock: Clock
  readonly nowMs: () => number
  readonly fillRandom: (bytes: Uint8Array) => void
  readonly log: Log
  readonly version: string
  readonly hosts: readonly string[]
  readonly identify: (request: IncomingMessage) => Caller
}

const metricsLimitMs = 2_000

const tell = (message: FromWorker): void => {
  if (process.connected) process.send?.(message)
}

/** Asks the primary for the metrics of all workers. */
function createMetricsCall(): { ask: () => Promise<string>; answer: (id: number, text: string) => void } {
  let lastId = 0
  const waiting = new Map<number, (text: string) => void>()
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(new DomainError('unavailable', 'metrics_unavailable', 'the primary did not answer'))
      }, metricsLimitMs)
      waiting.set(id, (text) => {
        clearTimeout(timer)
        resolve(text)
      })
      tell({ kind: 'metrics_wanted', id })
    })
  const answer = (id: number, text: string): void => {
    waiting.get(id)?.(text)
    waiting.delete(id)
  }
  return { ask, answer }
}

/** Runs until the primary says otherwise, or is gone. */
export function runGatewayWorker(deps: GatewayWorkerProcessDeps): void {
  if (!cluster.isWorker) throw new Error('a gateway worker is started by its primary')
  const metrics = createMetricsCall()
  let worker: GatewayWorker | undefined
  const beat = (): void => {
    if (worker) tell({ kind: 'beat', metrics: worker.snapshot() })
  }
  const beating = setInterval(beat, heartbeatIntervalMs)
  const metricsText = (): Promise<string> => {
    beat() // So that the answer holds what this worker has just counted.
    return metrics.ask()
  }
  const apply = async (config: GatewayConfig): Promise<void> => {
    const applied = await worker!.apply(config)
    tell({ kind: 'applied', generation: config.generation, ...applied })
  }
  const obey = async (message: ToWorker): Promise<void> => {
    switch (message.kind) {
      case 'start': {
        worker = createGatewayWorker({ ...deps, paths: gatewayPaths(deps.home), worker: message.worker, metricsText })
        await apply(message.config)
        const port = await worker.listen({ host: message.host, port: message.port })
        return tell({ kind: 'serving', port })
      }
      case 'config':
        return apply(message.config)
      case 'announce_leaving':
        return worker?.announceLeaving()
      case 'metrics':
        return metrics.answer(message.id, message.text)
      case 'leave':
        await worker?.leave({ idleLimitMs: message.idleLimitMs, activeLimitMs: drainLimitMs })
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
