// The gateway's primary: keeps the workers up and their configuration new, sends what they report. No request passes through its JavaScript.
import cluster from 'node:cluster'
import { join } from 'node:path'
import { sleep, type Clock } from '../platform/clock.ts'
import type { IdSource } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { DomainError } from '../platform/errors.ts'
import type { GatewayConfig } from './gateway-config.ts'
import type { Refusal } from './contract/gateway-messages.ts'
import { drainLimitMs } from './contract/gateway-limits.ts'
import { addSnapshot, createMetrics, metricsText, type Metrics, type MetricSnapshot } from './gateway-metrics.ts'
import { gatewayPaths, type GatewayPaths } from './gateway-worker.ts'
import { startConfigFeed, type ConfigFeed } from './primary/config-feed.ts'
import type { FindControlPlane } from './primary/control-plane.ts'
import { createFleet, type Applied, type Fleet, type Loss } from './primary/fleet.ts'
import { startForwarder, type Forwarder } from './primary/forwarder.ts'
import { choosePorts } from './primary/free-port.ts'
import { createModelCache, readCachedConfig } from './primary/gateway-cache.ts'
import { createPreparer } from './primary/preparer.ts'
import { createRepository } from './primary/repository.ts'
import { createIncidents, type Incidents } from './primary/incidents.ts'
import { tellLost } from './primary/lost-predictions.ts'
import { startConfigRollout, type ConfigRollout } from './primary/rollout.ts'
import { endsWithin } from './contract/time-limit.ts'
import { endOrphans } from './primary/worker-processes.ts'

export type { FindControlPlane } from './primary/control-plane.ts'

export interface GatewayPrimaryDeps {
  readonly home: string
  /** The program of a worker: calls `runGatewayWorker`. */
  readonly workerFile: string
  readonly host: string
  /** 0: a free one, kept as long as a worker listens. */
  readonly port: number
  /** The same for gRPC; null: none. */
  readonly grpcPort: number | null
  readonly workers: number
  readonly findControlPlane: FindControlPlane
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  /** Silence after which a worker is killed; 2 seconds by default. */
  readonly heartbeatLimitMs?: number
  /** Numbers of others beside the gateway's own. */
  readonly moreMetrics?: () => MetricSnapshot
}

export interface GatewayPrimary {
  /** Of the first worker that serves. */
  readonly port: Promise<number>
  /** Null: no gRPC. */
  readonly grpcPort: number | null
  /** Answers what is in flight, reports what is left, and resolves when no worker is there any more. */
  stop(): Promise<void>
}

const lastReportsLimitMs = 3_000
/** At a stop, how long the gateway is not ready and still takes connections, so that whoever asks for its health turns away first. */
const stopNoticeMs = 1_000
/** At a stop, how long a caller has to send its next request on an idle connection and be told that it closes. */
const stopIdleLimitMs = 500

/** Wants the lock of the home. Serves what it has on disk at once, and what the control plane says when it answers. */
export async function startGatewayPrimary(deps: GatewayPrimaryDeps): Promise<GatewayPrimary> {
  const { findControlPlane: find, ids, log } = deps
  const paths = gatewayPaths(deps.home)
  const metrics = createMetrics()
  const noteLost = (worker: string, rows: number): void =>
    tellLost({ directory: paths.reports, metrics, log }, { worker, rows })
  endOrphans(paths, { log, onUnreported: noteLost })
  cluster.setupPrimary({ exec: deps.workerFile, args: [] })
  cluster.schedulingPolicy = cluster.SCHED_RR
  const { port, grpcPort } = await choosePorts(deps)
  const listening = Promise.withResolvers<number>()
  const { cachePath, cached, incidents, reports, told } = await openDisk(deps, paths)
  const { host, heartbeatLimitMs } = deps
  const fleet = createFleet(
    { paths, ids, log, host, grpcPort, ...(heartbeatLimitMs ? { heartbeatLimitMs } : {}) },
    {
      onServing: listening.resolve,
      onLoss: (loss) => onLoss(loss),
      onUnreported: noteLost,
      onApplied: (_, applied) => onApplied(applied),
      onComputeLost: ({ name: worker }, { kind, version }) => {
        const detail = `the compute process of its worker ${howOf(kind)} while it ran ${version}`
        if (incidents.note({ kind, worker, version, detail })) takeOut(version)
      },
      onChange: (change) => refusalOf(repository.change(change)),
      metricsText: () => allMetrics({ metrics, fleet, rollout, reports }, deps.moreMetrics?.()),
    },
  )
  const preparer = createPreparer({ paths, log })
  const rollout = startConfigRollout({ fleet, workers: deps.workers, port, preparer, log })
  const repository = createRepository({
    path: join(deps.home, 'gateway', 'unloaded.json'),
    given: () => (feed?.given ? incidents.overlay(feed.given) : undefined),
    serve: (config) => serve(config),
    rollout: () => rollout,
    log,
  })
  const serve = (config: GatewayConfig): void => rollout.setTarget(repository.overlay(incidents.overlay(config)))
  let feed: ConfigFeed | undefined
  const onLoss = (loss: Loss): void => {
    metrics.add('trueloop_gateway_worker_kills_total', `kind="${loss.kind}"`, 1)
    const version = noteLoss(incidents, loss)
    if (version !== undefined) takeOut(version)
    rollout.refill()
  }
  const takeOut = (version: string): void => {
    log.error('a model version is taken out', { version })
    if (feed?.given) serve(feed.given)
    void feed?.persist()
  }
  const onApplied = ({ failures }: Applied): void => {
    for (const { version, message } of failures) incidents.noteFailedLoad(version, message)
  }
  const models = createModelCache(paths.models, find)
  feed = await startConfigFeed({ find, models, cachePath, incidents, onConfig: serve, log }, cached)

  return {
    port: listening.promise,
    grpcPort,
    async stop() {
      for (const member of fleet.members) fleet.send(member, { kind: 'announce_leaving' })
      await Promise.all([feed.stop(), preparer.stop(), rollout.stop(), sleep(stopNoticeMs)])
      await dismiss(fleet)
      fleet.stop()
      await Promise.all([reports.stop(lastReportsLimitMs), told.stop(lastReportsLimitMs)])
    },
  }
}

/** A bug of ours is told as one; the log has it. */
async function refusalOf(work: Promise<void>): Promise<Refusal | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const { kind, code, message } = error
    return { kind, code, message }
  }
}

/** What the gateway keeps on its disk besides models: the last configuration, and what the control plane is to be told. */
interface Disk {
  readonly cachePath: string
  readonly cached: Awaited<ReturnType<typeof readCachedConfig>>
  readonly incidents: Incidents
  readonly reports: Forwarder
  readonly told: Forwarder
}

async function openDisk(deps: GatewayPrimaryDeps, paths: GatewayPaths): Promise<Disk> {
  const { home, clock, findControlPlane: find, ids, log } = deps
  const cachePath = join(home, 'gateway', 'config.json')
  const directory = join(home, 'gateway', 'incidents')
  const cached = await readCachedConfig(cachePath, log)
  return {
    cachePath,
    cached,
    incidents: createIncidents({ directory, clock, ids }, cached?.quarantined ?? []),
    reports: startForwarder({ directory: paths.reports, path: '/api/gateway/reports', find, log }),
    told: startForwarder({ directory, path: '/api/gateway/incidents', find, log }),
  }
}

interface Running {
  readonly metrics: Metrics
  readonly fleet: Fleet
  readonly rollout: ConfigRollout
  readonly reports: Forwarder
}

/** The primary's own numbers, with how things stand. */
function stateOf({ metrics, fleet, rollout, reports }: Running): Metrics {
  metrics.set('trueloop_gateway_workers', '', [...fleet.members].filter(({ state }) => state === 'serving').length)
  metrics.set('trueloop_gateway_generation', '', rollout.target?.generation ?? 0)
  metrics.set('trueloop_gateway_reports_pending', '', reports.pending)
  metrics.set('trueloop_gateway_control_plane_up', '', reports.isControlPlaneUp ? 1 : 0)
  return metrics
}

const howOf = (kind: Loss['kind']): string => (kind === 'hung' ? 'was silent for too long and was killed' : 'ended')

const allMetrics = (running: Running, more: MetricSnapshot = {}): string =>
  metricsText([stateOf(running).snapshot, more].reduce(addSnapshot, running.fleet.snapshot()))

/** Answers the version that is taken out by this loss. */
function noteLoss(incidents: Incidents, { member, kind, version }: Loss): string | undefined {
  // A worker that never served and ran nothing says nothing about a version: it is tried again, more slowly each time.
  if (version === undefined && !member.hasServed) return undefined
  const detail = `its worker ${howOf(kind)} while it ran ${version ?? 'nothing'}`
  const isOut = incidents.note({ kind, worker: member.name, version: version ?? null, detail })
  return isOut ? version : undefined
}

/** Ends every worker: in order as far as the time goes. */
async function dismiss(fleet: Fleet): Promise<void> {
  const gone = Promise.all([...fleet.members].map((member) => fleet.leave(member, stopIdleLimitMs)))
  await endsWithin(gone, drainLimitMs)
  for (const member of fleet.members) member.process.process.kill('SIGKILL')
  await gone
}
