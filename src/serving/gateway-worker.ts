// One gateway worker: HTTP in front of batching in front of models, and what it reports. Runs alone in a test, or under the cluster.
import type { Server, IncomingMessage } from 'node:http'
import { Server as NetServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Caller } from '../governance/access.ts'
import type { AllowedAddresses } from '../platform/addresses.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { countersPerReportMax } from './contract/gateway-limits.ts'
import { createMetrics, label, metricsText, type Metrics, type MetricSnapshot } from './gateway-metrics.ts'
import type { RepositoryChange } from './contract/gateway-repository.ts'
import type { VersionStatistics } from './contract/gateway-statistics.ts'
import { createWorkerGrpc } from './grpc/worker-grpc.ts'
import { createEventSinks, type EventSinks } from './telemetry/event-sinks.ts'
import { createWorkerTracing } from './telemetry/worker-tracing.ts'
import { endsWithin } from './contract/time-limit.ts'
import type { TracingSettings } from './tracing-settings.ts'
import { createCompute, type Compute, type ComputeLoss } from './worker/compute/compute.ts'
import { createExecutor, type Executor } from './worker/runs/executor.ts'
import { createGatewayServer, type GatewayServer } from './worker/http/http-server.ts'
import type { HandlerDeps } from './worker/exchange.ts'
import type { InferenceTools } from './worker/inference.ts'
import { createPredictionIds } from './worker/prediction-id.ts'
import { createPredictionLog } from './worker/reports/prediction-logger.ts'
import { createRawLog } from './worker/reports/raw-log.ts'
import { createLoneRepository } from './worker/lone-repository.ts'
import { createModelMemory } from './worker/model-memory.ts'
import { createReportBuffer, type EncodedReport } from './worker/reports/report-buffer.ts'
import { startReporting, type Reporting } from './worker/reports/reporting.ts'
import { createRequestGuard } from './worker/http/request-guard.ts'
import { createRouteHandlers } from './worker/http/route-handlers.ts'
import { openRunMark, type RunMark } from './worker/runs/run-mark.ts'
import { createStatistics } from './worker/statistics.ts'
import { createServingSet, type ApplyResult, type ServingSet } from './worker/serving-set.ts'

/** Where a gateway keeps what it needs to serve without the control plane. */
export interface GatewayPaths {
  /** Model bytes by digest. */
  readonly models: string
  /** Reports that the control plane has not taken. */
  readonly reports: string
  /** Raw rows that nobody has made Parquet of. */
  readonly raw: string
  /** Marks of workers. */
  readonly workers: string
}

export const gatewayPaths = (home: string): GatewayPaths => ({
  models: join(home, 'gateway', 'models'),
  reports: join(home, 'gateway', 'reports'),
  raw: join(home, 'gateway', 'raw'),
  workers: join(home, 'gateway', 'workers'),
})

export interface GatewayWorkerDeps {
  readonly paths: GatewayPaths
  /** Unique among all workers of all time: letters, digits and `_`. */
  readonly worker: string
  readonly clock: Clock
  readonly nowMs: () => number
  readonly fillRandom: (bytes: Uint8Array) => void
  readonly log: Log
  readonly version: string
  /** Host names besides loopback. */
  readonly hosts: readonly string[]
  readonly identify: (request: Pick<IncomingMessage, 'headers'>) => Caller
  /** The endpoint that answers at the root; undefined: the only one. */
  readonly rootEndpoint?: string | undefined
  /** Metrics of the whole gateway; by default this worker's own. */
  readonly metricsText?: () => Promise<string>
  /** Of the whole gateway; by default this worker's own. */
  readonly statistics?: () => Promise<readonly VersionStatistics[]>
  /** Loads or unloads in the whole gateway; by default in this worker. */
  readonly changeRepository?: (change: RepositoryChange) => Promise<void>
  /** Is told of its compute process: undefined, it is gone. */
  readonly noteCompute?: (pid: number | undefined) => void
  /** Is told when the compute process ended at work. */
  readonly computeLost?: (loss: ComputeLoss) => void
  /** What events may be sent to although it is not public; nothing by default. */
  readonly allowedAddresses?: AllowedAddresses
  /** Undefined: no request is traced. */
  readonly tracing?: TracingSettings | undefined
}

export interface GatewayWorker {
  readonly server: Server
  apply(config: GatewayConfig): Promise<ApplyResult>
  /** Resolves with the port. */
  listen(address: { host: string; port: number }): Promise<number>
  /** gRPC, which is not served without it. Resolves with the port. */
  listenGrpc(address: { host: string; port: number }): Promise<number>
  /**
   * No new connections; the ones there are get their answers with `Connection: close`. Idle ones may stay for `idleLimitMs`, requests in
   * flight for `activeLimitMs` more. Resolves when the last connection is gone or the time is over.
   */
  leave(limits: { idleLimitMs: number; activeLimitMs: number }): Promise<void>
  /** Writes the last report and lets go. After it nothing may be asked. */
  close(): Promise<void>
  /** As `close` for reports only, at once: for a process that ends. */
  flushNow(): void
  /** Not ready any more, though everything is still answered. */
  announceLeaving(): void
  snapshot(): MetricSnapshot
  /** Of this worker. */
  readonly statistics: readonly VersionStatistics[]
}

/** At the end of a worker, for events that wait. */
const lastEventsLimitMs = 2_000

const versionLabels = new Map<string, string>()

/** Remembered: it is needed at each run. Versions of a home are few. */
function versionLabel(version: string): string {
  let found = versionLabels.get(version)
  if (!found) versionLabels.set(version, (found = label('version', version)))
  return found
}

/** The file in which a worker says what it is about to run. */
export const markPath = (paths: GatewayPaths, worker: string): string => join(paths.workers, `${worker}.mark`)

/** All of a worker but its HTTP. */
interface Core {
  readonly serving: ServingSet
  readonly tools: InferenceTools
  readonly mark: RunMark
  readonly reporting: Reporting
  readonly events: EventSinks
  readonly compute: Compute
  readonly snapshot: () => MetricSnapshot
}

function createComputeOf({ log, noteCompute, computeLost }: GatewayWorkerDeps, metrics: Metrics): Compute {
  return createCompute({
    log,
    noteProcess: (pid) => noteCompute?.(pid),
    copied: (bytes) => metrics.add('trueloop_compute_copied_bytes_total', '', bytes),
    lost(loss) {
      metrics.add('trueloop_compute_losses_total', `${versionLabel(loss.version)},kind="${loss.kind}"`, 1)
      computeLost?.(loss)
    },
  })
}

function createExecutorOf({ nowMs, log }: GatewayWorkerDeps, metrics: Metrics, mark: RunMark): Executor {
  return createExecutor({
    nowMs,
    mark: (version) => mark.set(version),
    unmark: () => mark.clear(),
    ran(version, { rows, ms, waitedMs }) {
      const labels = versionLabel(version)
      metrics.observe('trueloop_inference_run_rows', labels, rows)
      metrics.observe('trueloop_inference_run_seconds', labels, ms / 1000)
      metrics.observe('trueloop_inference_queue_seconds', labels, waitedMs / 1000)
    },
    log,
  })
}

function createCore(deps: GatewayWorkerDeps, metrics: Metrics): Core {
  const { paths, worker, clock, nowMs, log } = deps
  const mark = openRunMark(markPath(paths, worker), () => predictions.rowsAnswered)
  const compute = createComputeOf(deps, metrics)
  const memory = createModelMemory()
  const serving = createServingSet({ modelDirectory: paths.models, nowMs, mark, log, compute, memory })
  const executor = createExecutorOf(deps, metrics, mark)
  const reports = createReportBuffer(worker)
  const raw = createRawLog({ directory: paths.raw, worker, nowMs, log })
  const events = createEventSinks({ allow: deps.allowedAddresses ?? [], metrics, log })
  const predictions = createPredictionLog({ reports, raw, executor, nowMs, events, answered: () => mark.noteAnswers() })
  const take = (): EncodedReport | undefined => reports.take(serving.takeCounters(countersPerReportMax))
  let rowsReported = 0
  const spooled = ({ rows, dropped }: EncodedReport): void => {
    rowsReported += rows + dropped
    mark.setReported(rowsReported)
  }
  const reporting = startReporting({ directory: paths.reports, worker, take, spooled, raw, nowMs, log })
  const fellBack = (endpoint: string): void =>
    metrics.add('trueloop_inference_fallbacks_total', label('endpoint', endpoint), 1)
  const looked = (endpoint: string, isFound: boolean): void =>
    metrics.add('trueloop_inference_cache_total', `${label('endpoint', endpoint)},found="${isFound}"`, 1)
  const snapshot = (): MetricSnapshot => {
    for (const [version, rows] of serving.queuedRows()) metrics.set('trueloop_queue_rows', versionLabel(version), rows)
    metrics.set('trueloop_shadow_rows_dropped_total', '', predictions.shadowRowsDropped)
    metrics.set('trueloop_predictions_dropped_total', '', reports.droppedTotal)
    metrics.set('trueloop_raw_rows_dropped_total', '', raw.rowsDropped)
    return metrics.snapshot
  }
  return {
    serving,
    tools: { executor, nowMs, clock, predictions, fellBack, looked },
    mark,
    reporting,
    events,
    compute,
    snapshot,
  }
}

export function createGatewayWorker(deps: GatewayWorkerDeps): GatewayWorker {
  const { clock, log } = deps
  const metrics = createMetrics()
  const { serving, tools, mark, reporting, events, compute, snapshot } = createCore(deps, metrics)
  const statistics = createStatistics()
  const tracing = createWorkerTracing({ ...deps, metrics }, deps, deps.tracing)
  const alone = createLoneRepository((config) => serving.apply(config))
  let isLeaving = false
  const handlerDeps: HandlerDeps = {
    serving,
    tools,
    metrics,
    predictionIds: createPredictionIds(clock, deps.fillRandom),
    version: deps.version,
    isLeaving: () => isLeaving,
    rootEndpoint: deps.rootEndpoint,
    statistics,
    statisticsOfAll: deps.statistics ?? (async () => statistics.snapshot),
    changeRepository: deps.changeRepository ?? alone.change,
    metricsText: deps.metricsText ?? (async () => metricsText(snapshot())),
    tracer: tracing?.tracer,
  }
  const guard = createRequestGuard(deps.hosts)
  const grpc = createWorkerGrpc(handlerDeps, { guard, identify: deps.identify, log })
  const http = createGatewayServer({
    guard,
    identify: deps.identify,
    handlers: createRouteHandlers(handlerDeps),
    metrics,
    log,
    clock,
    isLeaving: () => isLeaving,
  })
  const { server } = http
  return {
    server,
    snapshot,
    get statistics() {
      return statistics.snapshot
    },
    apply: alone.apply,
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port))
      }),
    listenGrpc: (address) => grpc.listen(address),
    announceLeaving() {
      isLeaving = true
      grpc.look()
    },
    async leave(limits) {
      isLeaving = true
      await Promise.all([leaveSockets(http, limits), grpc.leave(limits)])
    },
    async close() {
      http.closeAllConnections()
      grpc.destroy()
      compute.close()
      await Promise.all([reporting.close(), tracing?.exporter.close(), events.close(lastEventsLimitMs)])
      mark.close()
    },
    flushNow: () => reporting.flushNow(),
  }
}

/**
 * Drops the listener and nothing else: `http.Server.close` would end idle connections at once, and a caller that is just about to send on
 * one of them would be reset. They end with their next answer, or with their keep-alive time.
 */
async function leaveSockets(
  { server, closeIdleConnections }: GatewayServer,
  { idleLimitMs, activeLimitMs }: { idleLimitMs: number; activeLimitMs: number },
): Promise<void> {
  const isGone = new Promise<void>((resolve) => {
    // The callback comes when the last connection is gone.
    NetServer.prototype.close.call(server, () => resolve())
  })
  if (await endsWithin(isGone, idleLimitMs)) return
  closeIdleConnections()
  await endsWithin(isGone, activeLimitMs)
}
