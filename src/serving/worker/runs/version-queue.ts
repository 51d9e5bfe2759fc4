// A model version that requests wait for: where it can be run, what a run of it costs, and who waits.
import { DomainError } from '../../../platform/errors.ts'
import type { Batch } from '../../../models/batch.ts'
import type { Predictions } from '../../../models/inference.ts'
import type { Signature } from '../../../models/signature.ts'
import { computeRunBudgetMs, rowsPerRunMax, runBudgetMs } from '../../contract/gateway-limits.ts'
import type { Job } from './job.ts'
import { append, createLanes, isWaiting, returnRun, rowsBefore, takeRun, type Lanes, type TakenRun } from './lanes.ts'
import { createRunCost, predictedMs, rowsWithin, type RunCost } from './run-cost.ts'

export type { Job } from './job.ts'

/** Runs a batch; a promise comes from another process, or from an engine that does not answer at once. @throws DomainError */
export interface Runner {
  run(batch: Batch): Predictions | Promise<Predictions>
  /** A run cannot hang this process, nor end it. */
  readonly alwaysEnds?: boolean
  /** The engine's own milliseconds of the last run, where the wall time here would hold more than that. */
  readonly lastRunMs?: number
}

export interface VersionQueue {
  readonly version: string
  readonly signature: Signature
  readonly cost: RunCost
  readonly lanes: Lanes
  /** In this process. Undefined: it is too slow to be run here. */
  local: Runner | undefined
  /** In the compute process, for what would stall this one. */
  remote: Runner | undefined
  /** Rows that wait or run. */
  rows: number
  /** A run of it is under way in the compute process; the next waits for it, so that answers come in order. */
  isAway: boolean
  /** Runs in a row that took longer in this process than they may. */
  slowRuns: number
  /** Is called when its runs in this process turn out to take longer than they may. */
  moveOut: (() => void) | undefined
}

export function createVersionQueue(
  version: string,
  { signature, local, remote }: { signature: Signature; local: Runner | undefined; remote: Runner | undefined },
): VersionQueue {
  const lanes = createLanes(signature)
  return {
    version,
    signature,
    cost: createRunCost(),
    lanes,
    local,
    remote,
    rows: 0,
    isAway: false,
    slowRuns: 0,
    moveOut: undefined,
  }
}

/**
 * Checks the request against the version's signature and puts its rows last in its lane. All or nothing.
 * @throws DomainError as models/rows.ts `appendColumns`: the request does not fit, and nothing was queued.
 */
export function enqueue(queue: VersionQueue, job: Job): void {
  append(queue.lanes, job)
  queue.rows += job.rows
}

export const hasWaiting = (queue: VersionQueue): boolean => isWaiting(queue.lanes)

/** Rows of the next run, such that nothing else is kept from its turn for longer than the budget. */
export function rowsPerRun({ cost, remote }: VersionQueue): number {
  return rowsWithin(cost, remote ? computeRunBudgetMs : runBudgetMs, rowsPerRunMax)
}

/** Predicted milliseconds until all rows of the lanes up to `lastLane`, and the run that is under way, are through. */
export function waitMs(queue: VersionQueue, lastLane: number): number {
  const waiting = rowsBefore(queue.lanes, lastLane)
  const running = queue.rows - rowsBefore(queue.lanes, queue.lanes.all.length - 1)
  const most = rowsPerRun(queue)
  let ms = running > 0 ? predictedMs(queue.cost, running) : 0
  if (waiting > 0) {
    const runs = Math.ceil(waiting / most)
    ms += runs * queue.cost.fixedMs + waiting * queue.cost.perRowMs
  }
  return ms
}

export interface Work extends TakenRun {
  readonly runner: Runner
  /** It runs in another process. */
  readonly isRemote: boolean
}

/** The next run of the version; requests whose time is over are refused on the way. Undefined: nobody waits. */
export function takeWork(queue: VersionQueue, nowMs: number): Work | undefined {
  const expired: Job[] = []
  const taken = takeRun(queue.lanes, { nowMs, rowsMax: rowsPerRun(queue), expired })
  for (const job of expired) {
    queue.rows -= job.rows
    job.refuse(deadlinePassed(queue.version, nowMs - job.enqueuedMs))
  }
  if (!taken) return undefined
  const { local, remote } = queue
  const isRemote = remote !== undefined && (!local || predictedMs(queue.cost, taken.batch.rows) > runBudgetMs)
  return { ...taken, runner: isRemote ? remote : local!, isRemote }
}

/** After the last answer of the run. */
export function endWork(queue: VersionQueue, work: Work): void {
  returnRun(queue.lanes, work)
  for (const job of work.jobs) queue.rows -= job.rows
}

const deadlinePassed = (version: string, waitedMs: number): DomainError =>
  new DomainError(
    'unavailable',
    'deadline_passed',
    `the request waited ${Math.round(waitedMs)} ms for ${version} and its time was over: give it more, or try again later`,
  )
