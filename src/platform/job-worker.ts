// A worker of one queue of jobs in this process: claims what is due, works on several at a time, and records how each ended.
import type { Clock } from './clock.ts'
import { sleep } from './clock.ts'
import { transact, type Connection } from './database.ts'
import { DomainError, messageOf } from './errors.ts'
import { claimJobs, completeJob, expiredJobs, failJob, loseJob, type Job, type JobTables } from './jobs.ts'
import type { Log } from './log.ts'

/** How an attempt ended. One that throws has failed, and is tried again. */
export type JobOutcome =
  | { readonly done: true }
  | {
      readonly done: false
      readonly error: string
      /** False: it would fail the same way again. */
      readonly retryable: boolean
      /** Not before then, however often it was tried. */
      readonly delayMs?: number | undefined
    }

export interface JobWork {
  readonly queue: string
  readonly concurrency: number
  /** Longer than an attempt takes: a job whose lease has passed is given to another worker. */
  readonly leaseMs: number
  /** No other process works on the queue: what is running when the worker starts belongs to one that was killed, and is not waited for. */
  readonly isAlone?: boolean
  /** The signal says that the process ends: the attempt counts for nothing then, and the job is done after the next start. */
  work(job: Job, signal: AbortSignal): Promise<JobOutcome>
}

export interface JobWorkerDeps {
  readonly db: Connection<JobTables>
  readonly log: Log
  readonly clock: Clock
  /** Of this process. */
  readonly owner: string
}

export interface JobWorker extends AsyncDisposable {
  /** Call after a commit that may have enqueued a job; without it, it is found within a second. */
  readonly wake: () => void
}

const pollMs = 1_000

export function startJobWorker(deps: JobWorkerDeps, work: JobWork): JobWorker {
  const stop = new AbortController()
  let nudge = new AbortController()
  const running = new Set<Promise<void>>()
  const loop = async (): Promise<void> => {
    let leasesUntilMs = work.isAlone ? Number.MAX_SAFE_INTEGER : deps.clock()
    while (!stop.signal.aborted) {
      nudge = new AbortController()
      try {
        await giveBackExpired(deps, work.queue, leasesUntilMs)
        for (const job of await claimFree(deps, work, work.concurrency - running.size)) {
          const attempt: Promise<void> = workOn(deps, work, { job, signal: stop.signal }).finally(() => {
            running.delete(attempt)
            nudge.abort()
          })
          running.add(attempt)
        }
      } catch (error) {
        deps.log.error('jobs could not be claimed', { queue: work.queue, error: messageOf(error) })
      }
      await sleep(pollMs, AbortSignal.any([nudge.signal, stop.signal]))
      leasesUntilMs = deps.clock()
    }
    await Promise.all(running)
  }
  const finished = loop()
  return {
    wake: () => nudge.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await finished
    },
  }
}

async function claimFree({ db, clock, owner }: JobWorkerDeps, work: JobWork, limit: number): Promise<Job[]> {
  const { queue, leaseMs } = work
  return limit > 0 ? claimJobs(db, { queue, owner, leaseMs, limit, nowMs: clock() }) : []
}

/** Of a worker that was killed. */
async function giveBackExpired({ db, clock }: JobWorkerDeps, queue: string, beforeMs: number): Promise<void> {
  for (const { id, fence } of await expiredJobs(db, { queue, nowMs: beforeMs })) {
    await transact(db, (trx) => loseJob(trx, { id, fence, nowMs: clock() })).catch(ignoreLost)
  }
}

async function workOn(
  { db, log, clock }: JobWorkerDeps,
  work: JobWork,
  { job, signal }: { job: Job; signal: AbortSignal },
): Promise<void> {
  const { id, fence } = job
  try {
    const outcome = await attempt(work, job, signal)
    // What ended only because the process does is claimed again when its lease is over.
    if (signal.aborted && !outcome.done) return
    const nowMs = clock()
    await transact(db, async (trx) => {
      if (outcome.done) await completeJob(trx, { id, fence, nowMs })
      else await failJob(trx, { id, fence, nowMs, ...outcome })
    })
  } catch (error) {
    log.error('how a job ended could not be recorded', { queue: work.queue, job: id, error: messageOf(error) })
  }
}

async function attempt(work: JobWork, job: Job, signal: AbortSignal): Promise<JobOutcome> {
  try {
    return await work.work(job, signal)
  } catch (error) {
    return { done: false, error: messageOf(error), retryable: true }
  }
}

function ignoreLost(error: unknown): void {
  if (!(error instanceof DomainError && error.code === 'lease_lost')) throw error
}
