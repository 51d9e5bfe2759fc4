// The requests that wait for one model version, in lanes by priority: taken a run's worth at a time, urgent ones first and none left for ever.
import { appendRows, clearBatch, createBatch, type Batch } from '../../../models/batch.ts'
import type { Signature } from '../../../models/signature.ts'
import { appendRequest } from '../../protocols/request-rows.ts'
import type { Job } from './job.ts'

/** Urgent, usual, whenever there is time. */
const laneCount = 3
/** A lane that others went before so many times in a row is next. */
export const passesMax = 8

/** Of a request's priority: 1 is urgent, 0 (not given) and 2 are usual, everything above can wait. */
export function laneOf(priority: number): number {
  if (priority === 1) return 0
  return priority <= 2 ? 1 : 2
}

/** Jobs before `next` and rows before `from` were taken in parts. */
interface Lane {
  jobs: Job[]
  /** Their rows; made when the lane is first used. */
  batch: Batch | undefined
  spare: Batch | undefined
  next: number
  from: number
  /** How often others went before it since its last turn. */
  passed: number
}

export interface Lanes {
  readonly signature: Signature
  readonly all: readonly Lane[]
  /** Holds what was taken in part. */
  chunk: Batch | undefined
}

/** What is to be run together. Give it back with {@link returnRun} before the next is taken. */
export interface TakenRun {
  readonly jobs: readonly Job[]
  /** The rows of the jobs, in their order. */
  readonly batch: Batch
  /** Whose memory `batch` is; undefined: the chunk. */
  readonly lane: Lane | undefined
}

export function createLanes(signature: Signature): Lanes {
  const all = Array.from({ length: laneCount }, (): Lane => {
    return { jobs: [], batch: undefined, spare: undefined, next: 0, from: 0, passed: 0 }
  })
  return { signature, all, chunk: undefined }
}

/**
 * Checks the request against the signature and puts its rows last in its lane. All or nothing.
 * @throws DomainError as models/rows.ts `appendColumns`
 */
export function append(lanes: Lanes, job: Job): void {
  const lane = lanes.all[job.lane]!
  lane.batch ??= createBatch(lanes.signature)
  appendRequest(lane.batch, job.columns)
  lane.jobs.push(job)
}

const isEmpty = (lane: Lane): boolean => lane.next === lane.jobs.length

export function isWaiting({ all }: Lanes): boolean {
  for (const lane of all) if (!isEmpty(lane)) return true
  return false
}

/** Rows that go before a request of the given lane, as long as nobody is passed over too often. */
export function rowsBefore({ all }: Lanes, last: number): number {
  let rows = 0
  for (let at = 0; at <= last; at++) rows += (all[at]!.batch?.rows ?? 0) - all[at]!.from
  return rows
}

/**
 * Whole requests of one lane up to `rowsMax` rows; a request of more rows comes alone. Those whose time is over are put into `expired`.
 * Undefined: nobody waits any more.
 */
export function takeRun(
  lanes: Lanes,
  limits: { nowMs: number; rowsMax: number; expired: Job[] },
): TakenRun | undefined {
  for (let lane = nextLane(lanes); lane; lane = nextLane(lanes)) {
    if (lane.next === 0 && lane.batch!.rows <= limits.rowsMax && !hasExpired(lane.jobs, limits.nowMs))
      return takeWhole(lanes, lane)
    const jobs = takePart(lanes, lane, limits)
    if (jobs.length > 0) return { jobs, batch: lanes.chunk!, lane: undefined }
  }
  return undefined
}

/** Lets the memory be used again. */
export function returnRun(lanes: Lanes, { batch, lane }: TakenRun): void {
  clearBatch(batch)
  if (lane) lane.spare = batch
  else lanes.chunk = batch
}

function nextLane({ all }: Lanes): Lane | undefined {
  let chosen: Lane | undefined
  for (const lane of all) {
    if (isEmpty(lane)) continue
    if (!chosen || ++lane.passed > passesMax) chosen = lane
  }
  if (chosen) chosen.passed = 0
  return chosen
}

function hasExpired(jobs: readonly Job[], nowMs: number): boolean {
  for (const job of jobs) if (job.expiresAtMs <= nowMs) return true
  return false
}

/** Without a copy: what comes meanwhile goes into other memory. */
function takeWhole({ signature }: Lanes, lane: Lane): TakenRun {
  const { jobs } = lane
  const batch = lane.batch!
  lane.jobs = []
  lane.batch = lane.spare ?? createBatch(signature)
  lane.spare = undefined
  return { jobs, batch, lane }
}

function takePart(
  lanes: Lanes,
  lane: Lane,
  { nowMs, rowsMax, expired }: { nowMs: number; rowsMax: number; expired: Job[] },
): Job[] {
  lanes.chunk ??= createBatch(lanes.signature)
  const { chunk } = lanes
  const jobs: Job[] = []
  while (!isEmpty(lane)) {
    const job = lane.jobs[lane.next]!
    const isLate = job.expiresAtMs <= nowMs
    if (!isLate && jobs.length > 0 && chunk.rows + job.rows > rowsMax) break
    if (isLate) expired.push(job)
    else {
      appendRows(chunk, lane.batch!, [lane.from, lane.from + job.rows])
      jobs.push(job)
    }
    lane.next++
    lane.from += job.rows
  }
  letGo(lanes, lane)
  return jobs
}

/** Of what was taken: all at once when the lane is empty, and in halves, so that a lane that never empties stays small. */
function letGo({ signature }: Lanes, lane: Lane): void {
  const batch = lane.batch!
  if (isEmpty(lane)) {
    clearBatch(batch)
    lane.jobs = []
  } else if (lane.next * 2 < lane.jobs.length) return
  else {
    const kept = lane.spare ?? createBatch(signature)
    appendRows(kept, batch, [lane.from, batch.rows])
    clearBatch(batch)
    lane.spare = batch
    lane.batch = kept
    lane.jobs = lane.jobs.slice(lane.next)
  }
  lane.next = 0
  lane.from = 0
}
