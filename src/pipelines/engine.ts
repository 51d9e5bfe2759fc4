// The scheduler in the control plane: claims what is ready, keeps its leases, and after a restart goes on with what still runs.
import { mkdir } from 'node:fs/promises'
import { z } from 'zod'
import type { Actor } from '../governance/audit.ts'
import { sleep, type Clock } from '../platform/clock.ts'
import { isTransaction, type Connection, type Db, type Transaction } from '../platform/database.ts'
import { DomainError, messageOf } from '../platform/errors.ts'
import type { IdSource } from '../platform/ids.ts'
import {
  claimJobs,
  expiredJobs,
  heartbeatJob,
  jobsOwnedBy,
  nextRunAfterMs,
  type Job,
  type JobClaim,
} from '../platform/jobs.ts'
import type { Log } from '../platform/log.ts'
import type { EngineContext, StepBeginning, StepMetrics } from './engine-context.ts'
import type { WatchSignals } from './attempts/attempt-watch.ts'
import type { EngineKinds } from './engine-kind.ts'
import { endOrphans, takeOverStep } from './attempts/engine-recovery.ts'
import { findPipelineRunState } from './stores/pipeline-run-store.ts'
import { cancelPipelineRun, startPipelineRun, type RunRequest } from './run-start.ts'
import { adoptStep, executeStep } from './attempts/step-execution.ts'
import type { SpawnStep } from './step-spawn.ts'
import { stepQueue, type EngineTables } from './step-transitions.ts'

const JobPayload = z.strictObject({ pipelineRunId: z.string() })

export interface EngineOptions<T> {
  /** The composed database. */
  readonly db: Connection<T>
  readonly kinds: EngineKinds<T>
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  /** `<home>/attempts`. */
  readonly attemptsDirectory: string
  /** Names this home in leases: the same after a restart, another for another home on the same database. */
  readonly owner: string
  readonly spawn: SpawnStep
  /** Of code and packages: part of every fingerprint. */
  readonly environmentDigest: string
  /** Steps that run at the same time; 2 by default. */
  readonly concurrency?: number
  /** 30 seconds by default; kept every third of it. */
  readonly leaseMs?: number
  /** Called before each attempt that has a process, in the transaction that notes it: may be called again for the same step. */
  readonly onBegin?: (trx: Transaction<T>, beginning: StepBeginning) => Promise<void>
  /** Records what steps measure, in the transaction that notes it as read. */
  readonly onMetrics?: (trx: Transaction<T>, metrics: StepMetrics) => Promise<void>
  /** Called after commits that may have written events. */
  readonly wakeEvents?: () => void
}

export interface PipelineEngine extends AsyncDisposable {
  /** As {@link startPipelineRun}; in the caller's transaction when given one (then call `wake` after it). */
  startRun(db: Db<EngineTables>, actor: Actor, request: RunRequest): Promise<string>
  cancelRun(db: Db<EngineTables>, actor: Actor, request: { id: string; reason: string }): Promise<void>
  /** Call after a commit that may have made a step ready, or canceled a run; without it that is seen within a second. */
  wake(): void
  /** Stops scheduling and ends the steps that run; the next start makes new attempts of them. Disposing leaves them running instead. */
  endSteps(): Promise<void>
}

const concurrencyDefault = 2
const leaseMsDefault = 30_000
const beatsPerLease = 3
const pollMs = 1_000
const sweepMs = 10_000

interface Active {
  readonly claim: JobClaim
  readonly pipelineRunId: string
  readonly cancel: AbortController
  readonly fenced: AbortController
  readonly finished: Promise<void>
}

interface Scheduler {
  readonly context: EngineContext
  readonly concurrency: number
  /** By step run; an entry goes when the step is recorded, or left to the next start. */
  readonly active: Map<string, Active>
  readonly stop: AbortController
  wake: () => void
}

/** Recovers what an earlier control plane left, then schedules until it is disposed of. */
export async function startPipelineEngine<T extends EngineTables>(options: EngineOptions<T>): Promise<PipelineEngine> {
  const scheduler: Scheduler = {
    context: contextOf(options),
    concurrency: options.concurrency ?? concurrencyDefault,
    active: new Map(),
    stop: new AbortController(),
    wake: () => undefined,
  }
  const { active, context, stop } = scheduler
  await mkdir(context.attemptsDirectory, { recursive: true })
  const left = await jobsOwnedBy(context.db, { queue: stepQueue, owner: context.owner })
  const adopted = await recover(scheduler, left)
  await endOrphans(context, new Set(adopted))
  const beat = setInterval(() => void keepLeases(scheduler), context.leaseMs / beatsPerLease)
  const scheduling = schedule(scheduler)
  const shutDown = async (): Promise<void> => {
    stop.abort()
    scheduler.wake()
    await scheduling
    await Promise.all([...active.values()].map((step) => step.finished))
    clearInterval(beat)
  }
  return {
    startRun: async (db, actor, request) => {
      const id = await startPipelineRun({ db, kinds: context.kinds }, actor, request)
      if (!isTransaction(db)) scheduler.wake()
      return id
    },
    cancelRun: async (db, actor, request) => {
      await cancelPipelineRun(db, actor, request)
      if (!isTransaction(db)) scheduler.wake()
    },
    wake: () => scheduler.wake(),
    endSteps: () => {
      for (const step of active.values()) step.fenced.abort()
      return shutDown()
    },
    [Symbol.asyncDispose]: shutDown,
  }
}

function contextOf<T extends EngineTables>(options: EngineOptions<T>): EngineContext {
  const { clock, environmentDigest, ids, log, owner, spawn } = options
  return {
    clock,
    environmentDigest,
    ids,
    log,
    owner,
    spawn,
    attemptsDirectory: options.attemptsDirectory,
    leaseMs: options.leaseMs ?? leaseMsDefault,
    wakeEvents: options.wakeEvents ?? (() => undefined),
    // Inside, only the engine's own tables are known. Kinds, onBegin and onMetrics get transactions of this very database, so what they are handed
    // does have all of T.
    db: options.db as unknown as Connection<EngineTables>,
    kinds: options.kinds as unknown as EngineKinds<EngineTables>,
    onBegin: options.onBegin as unknown as EngineContext['onBegin'],
    onMetrics: options.onMetrics as unknown as EngineContext['onMetrics'],
  }
}

function track(scheduler: Scheduler, job: Job, run: (signals: WatchSignals) => Promise<void>): void {
  const { active, context, stop } = scheduler
  const cancel = new AbortController()
  const fenced = new AbortController()
  const finished = run({ stop: stop.signal, cancel: cancel.signal, fenced: fenced.signal })
    .catch((error: unknown) => {
      // Its lease runs out now, and the sweep takes it up again.
      context.log.error('a step was dropped', { step: job.id, error: messageOf(error) })
    })
    .finally(() => {
      active.delete(job.id)
      scheduler.wake()
    })
  const { pipelineRunId } = JobPayload.parse(job.payload)
  active.set(job.id, { claim: job, pipelineRunId, cancel, fenced, finished })
}

/** Turns until the engine stops: at each wake, when a delayed step is due, and at least once a second. */
async function schedule(scheduler: Scheduler): Promise<void> {
  const { context, stop } = scheduler
  let sweepAtMs = context.clock() + sweepMs
  while (!stop.signal.aborted) {
    const nudge = new AbortController()
    scheduler.wake = () => nudge.abort()
    let delayMs = pollMs
    try {
      await cancelAsked(scheduler)
      await claimReady(scheduler)
      if (context.clock() >= sweepAtMs) {
        sweepAtMs = context.clock() + sweepMs
        await sweep(scheduler)
      }
      const nextMs = await nextRunAfterMs(context.db, stepQueue)
      const isFull = scheduler.active.size >= scheduler.concurrency
      if (nextMs !== undefined && !isFull) delayMs = Math.min(pollMs, Math.max(1, nextMs - context.clock()))
    } catch (error) {
      context.log.error('steps could not be scheduled', { error: messageOf(error) })
    }
    await sleep(delayMs, AbortSignal.any([nudge.signal, stop.signal]))
  }
}

async function claimReady(scheduler: Scheduler): Promise<void> {
  const { active, concurrency, context } = scheduler
  const limit = concurrency - active.size
  if (limit <= 0) return
  const { leaseMs, owner } = context
  const jobs = await claimJobs(context.db, { queue: stepQueue, limit, owner, leaseMs, nowMs: context.clock() })
  for (const job of jobs) track(scheduler, job, (signals) => executeStep(context, job, signals))
}

async function cancelAsked({ active, context }: Scheduler): Promise<void> {
  const runs = new Set([...active.values()].map((step) => step.pipelineRunId))
  for (const id of runs) {
    if ((await findPipelineRunState(context.db, id)) !== 'canceling') continue
    for (const step of active.values()) if (step.pipelineRunId === id) step.cancel.abort()
  }
}

async function sweep(scheduler: Scheduler): Promise<void> {
  const { active, context } = scheduler
  const expired = await expiredJobs(context.db, { queue: stepQueue, nowMs: context.clock() })
  await recover(
    scheduler,
    expired.filter((job) => !active.has(job.id)),
  )
}

/** Gives the ids of the attempts that go on. */
async function recover(scheduler: Scheduler, jobs: readonly Job[]): Promise<string[]> {
  const { context } = scheduler
  const adopted: string[] = []
  for (const job of jobs) {
    const step = await takeOverStep(context, job)
    if (!step) continue
    adopted.push(step.attempt.id)
    track(scheduler, { ...job, ...step.claim }, (signals) => adoptStep(context, step, signals))
  }
  return adopted
}

async function keepLeases({ active, context }: Scheduler): Promise<void> {
  const { clock, db, leaseMs, log } = context
  for (const { claim, fenced } of active.values()) {
    try {
      await heartbeatJob(db, { ...claim, leaseMs, nowMs: clock() })
    } catch (error) {
      // Finished or canceled between the two: then it leaves `active` by itself.
      if (error instanceof DomainError && error.code === 'lease_lost') fenced.abort()
      else log.warn('a lease could not be kept', { step: claim.id, error: messageOf(error) })
    }
  }
}
