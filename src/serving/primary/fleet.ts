// The gateway's workers: forked, watched, replaced, asked to leave. Knows nothing of the control plane.
import cluster, { type Worker } from 'node:cluster'
import type { IdSource } from '../../platform/ids.ts'
import type { Log } from '../../platform/log.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import { heartbeatIntervalMs, heartbeatLimitMs, keepAliveTimeoutMs, startLimitMs } from '../contract/gateway-limits.ts'
import type { FromWorker, Refusal, ToWorker } from '../contract/gateway-messages.ts'
import { addSnapshot, countersOf, type MetricSnapshot } from '../gateway-metrics.ts'
import type { RepositoryChange } from '../contract/gateway-repository.ts'
import { addStatistics, type VersionStatistics } from '../contract/gateway-statistics.ts'
import { markPath, type GatewayPaths } from '../gateway-worker.ts'
import { readRunMark } from '../worker/runs/run-mark.ts'
import { closeWhatIsNotTaken } from './handed-connections.ts'
import { forgetWorker, noteWorker } from './worker-processes.ts'

/** starting: loads; serving: takes connections; leaving: answers on those it has; killed: hung. */
type State = 'starting' | 'serving' | 'leaving' | 'killed'

export interface Member {
  readonly name: string
  readonly process: Worker
  state: State
  /** Turns of the watch since its last sign of life: not wall time, so that a suspended machine kills nobody. */
  silentTurns: number
  /** Whether it has ever served. */
  hasServed: boolean
  snapshot: MetricSnapshot
  statistics: readonly VersionStatistics[]
  /** Configurations that it was sent. */
  sent: number
  /** Those of them that it has followed. */
  applied: number
  /** What the last of them could not load. */
  failures: Applied['failures']
}

/** A worker that ended without being asked to, or had to be ended. `version`: what it was running, where that may be why. */
export interface Loss {
  readonly member: Member
  readonly kind: 'hung' | 'died' | 'killed'
  readonly version: string | undefined
}

export type Applied = Extract<FromWorker, { kind: 'applied' }>

export interface FleetEvents {
  onLoss(loss: Loss): void
  /** A worker ended, however it did, with answers that it had not reported. */
  onUnreported(worker: string, rows: number): void
  onApplied(member: Member, applied: Applied): void
  onServing(port: number): void
  /** The worker goes on, and has another compute process. */
  onComputeLost(member: Member, loss: Pick<Loss, 'kind'> & { version: string }): void
  metricsText(): string
  /** Resolves when every worker has it, or with why not. */
  onChange(change: RepositoryChange): Promise<Refusal | undefined>
}

export interface FleetDeps {
  readonly paths: GatewayPaths
  readonly ids: IdSource
  readonly log: Log
  readonly host: string
  /** Null: no gRPC. */
  readonly grpcPort: number | null
  readonly heartbeatLimitMs?: number
}

export interface Fleet {
  readonly members: ReadonlySet<Member>
  /** Resolves when the new worker serves; rejects when it ended before. */
  start(config: GatewayConfig, port: number): Promise<Member>
  send(member: Member, message: ToWorker): void
  /** Resolves when the worker is gone. */
  leave(member: Member, idleLimitMs?: number): Promise<void>
  /** Counts of all workers, the ended ones' too. */
  snapshot(): MetricSnapshot
  /** Of all workers, the ended ones' too. */
  statistics(): VersionStatistics[]
  stop(): void
}

export function createFleet(deps: FleetDeps, events: FleetEvents): Fleet {
  const { paths, log } = deps
  const members = new Set<Member>()
  const departed: MetricSnapshot = {}
  const departedStatistics = new Map<string, VersionStatistics>()
  const onExit = (member: Member): void => {
    members.delete(member)
    addSnapshot(departed, countersOf(member.snapshot))
    addStatistics(departedStatistics, member.statistics)
    const { version, rowsUnreported } = readRunMark(markPath(paths, member.name))
    forgetWorker(paths, member.name)
    if (rowsUnreported > 0) events.onUnreported(member.name, rowsUnreported)
    if (member.state !== 'leaving') events.onLoss(lossOf(log, member, version))
  }
  const allStatistics = (): VersionStatistics[] => {
    const sum = new Map(departedStatistics)
    for (const member of members) addStatistics(sum, member.statistics)
    return [...sum.values()]
  }
  const watching = setInterval(() => watch(deps, members), heartbeatIntervalMs)

  return {
    members,
    send,
    start(config, port) {
      const name = deps.ids('wrk')
      const worker = cluster.fork()
      closeWhatIsNotTaken(worker.process)
      const member = memberOf(name, worker)
      members.add(member)
      if (worker.process.pid) noteWorker(paths, name, worker.process.pid)
      return new Promise((resolve, reject) => {
        worker.on('message', (message: FromWorker) => {
          if (message.kind === 'born') send(member, startOf(deps, { worker: name, config, port }))
          receive({ events, statistics: allStatistics }, member, message)
          if (message.kind === 'serving') resolve(member)
        })
        worker.once('exit', () => {
          onExit(member)
          reject(new Error(`the worker ${name} ended before it served`))
        })
        worker.on('error', (error) =>
          log.warn('a gateway worker could not be told something', { worker: name, error: String(error) }),
        )
      })
    },
    leave(member, idleLimitMs = keepAliveTimeoutMs) {
      if (!members.has(member)) return Promise.resolve()
      member.state = 'leaving'
      const gone = new Promise<void>((resolve) => void member.process.once('exit', () => resolve()))
      send(member, { kind: 'leave', idleLimitMs })
      return gone
    },
    snapshot() {
      const sum = addSnapshot({}, departed)
      for (const member of members) addSnapshot(sum, member.snapshot)
      return sum
    },
    statistics: allStatistics,
    stop: () => clearInterval(watching),
  }
}

const memberOf = (name: string, worker: Worker): Member => ({
  name,
  process: worker,
  state: 'starting',
  silentTurns: 0,
  hasServed: false,
  snapshot: {},
  statistics: [],
  sent: 0,
  applied: 0,
  failures: [],
})

/** @param marked what it was running, by its own mark */
function lossOf(log: Log, member: Member, marked: string | undefined): Loss {
  const { name: worker, state, hasServed } = member
  const { exitCode, signalCode } = member.process.process
  const kind = state === 'killed' ? 'hung' : signalCode === 'SIGKILL' ? 'killed' : 'died'
  // No model ends its process with SIGKILL: one that was just being loaded then happened to be there.
  const version = kind === 'killed' && !hasServed ? undefined : marked
  log.warn('a gateway worker ended', { worker, state, exitCode, signalCode, version })
  return { member, kind, version }
}

interface Receiver {
  readonly events: FleetEvents
  readonly statistics: () => VersionStatistics[]
}

function receive({ events, statistics }: Receiver, member: Member, message: FromWorker): void {
  member.silentTurns = 0
  switch (message.kind) {
    case 'born':
      return
    case 'beat':
      member.snapshot = message.metrics
      member.statistics = message.statistics
      return
    case 'applied':
      member.applied++
      member.failures = message.failures
      return events.onApplied(member, message)
    case 'serving':
      member.state = 'serving'
      member.hasServed = true
      return events.onServing(message.port)
    case 'left':
      return send(member, { kind: 'end' })
    case 'compute_lost':
      return events.onComputeLost(member, { kind: message.how, version: message.version })
    case 'metrics_wanted':
      return send(member, { kind: 'metrics', id: message.id, text: events.metricsText() })
    case 'statistics_wanted':
      return send(member, { kind: 'statistics', id: message.id, statistics: statistics() })
    case 'repository_wanted': {
      const { id } = message
      const answer = (refusal: Refusal | undefined): void =>
        send(member, refusal ? { kind: 'repository', id, refusal } : { kind: 'repository', id })
      events.onChange(message.change).then(answer, (error: unknown) => {
        answer({ kind: 'unavailable', code: 'internal', message: String(error) })
      })
    }
  }
}

/** One turn: whoever has been silent for too long is killed; nothing gentler ends a run that hangs. */
function watch({ log, heartbeatLimitMs: limitMs = heartbeatLimitMs }: FleetDeps, members: ReadonlySet<Member>): void {
  for (const member of members) {
    member.silentTurns++
    const silentMs = member.silentTurns * heartbeatIntervalMs
    if (member.state === 'killed' || silentMs <= (member.state === 'starting' ? startLimitMs : limitMs)) continue
    log.error('a gateway worker hangs and is killed', { worker: member.name, silentMs })
    if (member.state !== 'leaving') member.state = 'killed'
    member.process.process.kill('SIGKILL')
  }
}

const startOf = (
  { host, grpcPort }: FleetDeps,
  what: Pick<Extract<ToWorker, { kind: 'start' }>, 'worker' | 'config' | 'port'>,
): ToWorker => ({ kind: 'start', host, grpcPort, ...what })

function send(member: Member, message: ToWorker): void {
  if (message.kind === 'start' || message.kind === 'config') member.sent++
  if (member.process.isConnected()) member.process.send(message)
}
