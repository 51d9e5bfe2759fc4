// One inference request: choose the variant, queue it, fall back when a canary fails, answer; then count, log and feed the shadows.
import { DomainError } from '../../platform/errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { batchRowsMax, type Batch } from '../../models/batch.ts'
import { unitInterval } from '../../statistics/hash.ts'
import type { EndpointRuntime, VariantRuntime } from './endpoint-runtime.ts'
import {
  endpointHasNoChampion,
  findVariant,
  isRunnable,
  latestOf,
  notLoaded,
  versionNotServed,
} from './endpoint-runtime.ts'
import type { Executor } from './runs/executor.ts'
import type { PredictionLog } from './reports/prediction-logger.ts'
import { chooseVariant } from './traffic-split.ts'
import type { RequestColumns } from '../protocols/request-rows.ts'
import type { Job, RunOutcome } from './runs/job.ts'
import { laneOf } from './runs/lanes.ts'
import type { LoadedVersion } from './loaded-version.ts'
import { enqueue, type VersionQueue } from './runs/version-queue.ts'

export interface InferenceTools {
  readonly executor: Executor
  readonly nowMs: () => number
  readonly clock: Clock
  readonly predictions: PredictionLog
  /** Is told when the champion answers for a canary. */
  readonly fellBack: (endpoint: string) => void
  /** Is told of each look into an endpoint's cache. */
  readonly looked: (endpoint: string, isFound: boolean) => void
}

export interface InferenceRequest {
  readonly endpoint: EndpointRuntime
  readonly predictionId: string
  readonly columns: RequestColumns
  readonly rows: number
  /** Of the sticky split; undefined: the prediction id. */
  readonly key: string | undefined
  /** A version that the caller asked for. */
  readonly pinned: string | undefined
  /** The request's own time; undefined: now. */
  readonly eventTimeMs: number | undefined
  /** Milliseconds after which the caller no longer wants the answer; undefined: the endpoint's. */
  readonly timeoutMs: number | undefined
  /** 1 is the first to be run, 2 the next; 0 is the default. */
  readonly priority: number
}

export type InferenceAnswer =
  | { readonly variant: VariantRuntime; readonly outcome: RunOutcome; readonly error?: undefined }
  | { readonly error: DomainError; readonly variant: VariantRuntime | undefined }

/** Who answers, and why: needed once the answer is there. */
interface Course {
  readonly variant: VariantRuntime
  readonly isFallback: boolean
  /** When the caller began to wait, on the monotonic clock. */
  readonly startMs: number
  readonly assignedWith: number
}

/** Calls `respond` exactly once, mostly in the next check phase of the event loop. */
export function infer(
  tools: InferenceTools,
  request: InferenceRequest,
  respond: (answer: InferenceAnswer) => void,
): void {
  try {
    const course = courseOf(request, tools.nowMs())
    if (!isRunnable(course.variant) && canFallBack(request, course))
      fallBack(tools, request, { startMs: course.startMs, respond })
    else attempt(tools, request, { course, respond })
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    respond({ error, variant: undefined })
  }
}

function courseOf(request: InferenceRequest, startMs: number): Course {
  const { endpoint, pinned } = request
  if (endpoint.config.stopped !== undefined) throw endpointStopped(endpoint.name, endpoint.config.stopped)
  if (pinned !== undefined) {
    const variant = findVariant(endpoint, pinned)
    if (variant) return { variant, isFallback: false, startMs, assignedWith: 1 }
    throw versionNotServed(endpoint, pinned)
  }
  const key = request.key ?? request.predictionId
  const variant = chooseVariant(endpoint.variants, endpoint.config.splitSalt, key)
  if (variant) return { variant, isFallback: false, startMs, assignedWith: variant.weight }
  throw endpointHasNoChampion(endpoint)
}

const endpointStopped = (name: string, reason: string): DomainError =>
  new DomainError('unavailable', 'endpoint_stopped', `endpoint "${name}" is stopped: ${reason}`)

/** A canary that cannot answer must not cost the caller an answer. */
function canFallBack({ endpoint, pinned }: InferenceRequest, { variant, isFallback }: Course): boolean {
  return !isFallback && pinned === undefined && variant.role === 'canary' && endpoint.champion !== undefined
}

function fallBack(
  tools: InferenceTools,
  request: InferenceRequest,
  { startMs, respond }: { startMs: number; respond: Attempt['respond'] },
): void {
  const { endpoint } = request
  // The one beside it, unless that was let go meanwhile.
  const own = endpoint.champion
  const variant = own && isRunnable(own) ? own : latestOf(endpoint).champion
  if (!variant) throw endpointHasNoChampion(endpoint)
  tools.fellBack(endpoint.name)
  // Whoever was meant for the canary or for the champion is answered by the champion: that is all of them.
  attempt(tools, request, { course: { variant, isFallback: true, startMs, assignedWith: 1 }, respond })
}

interface Attempt {
  readonly course: Course
  readonly respond: (answer: InferenceAnswer) => void
}

/** @throws DomainError when the request cannot be queued */
function attempt(tools: InferenceTools, request: InferenceRequest, { course, respond }: Attempt): void {
  const loaded = runnable(request.endpoint, course.variant)
  const { queue } = loaded
  const job = jobOf(tools, request, { course, respond })
  try {
    const key = answerFromCache(tools, request, { course, respond, loaded })
    if (key === known) return
    admit(tools, request, { queue, job })
    enqueue(queue, key === undefined ? job : remembering(job, request.endpoint, key))
  } catch (error) {
    // What the champion accepts and the canary refuses is the canary's error; what both refuse is the caller's.
    if (!canFallBack(request, course)) throw error
    fallBack(tools, request, { startMs: course.startMs, respond })
    if (isUnfit(error)) countUnfit(tools, request, course)
    return
  }
  tools.executor.wake(queue)
}

/** It is not too much that is asked, but what the version does not take. */
const isUnfit = (error: unknown): boolean => error instanceof DomainError && error.kind !== 'unavailable'

function countUnfit(tools: InferenceTools, request: InferenceRequest, course: Course): void {
  const { rows } = request
  const eventTimeMs = request.eventTimeMs ?? tools.clock()
  const unfit = { from: 0, batch: undefined, aloneMs: undefined, inferMs: undefined, answer: undefined }
  course.variant.counters.count('canary', { assignedWith: chosenWith(request, course), eventTimeMs, rows, ...unfit })
}

/** The endpoint's time is the most that a request may take; a request may want less. */
function timeoutOf({ endpoint, timeoutMs = Infinity }: InferenceRequest): number {
  return Math.min(timeoutMs, endpoint.config.options.timeoutMs ?? Infinity)
}

function jobOf(tools: InferenceTools, request: InferenceRequest, { course, respond }: Attempt): Job {
  const { variant, startMs } = course
  let isAnswered = false
  return {
    columns: request.columns,
    rows: request.rows,
    enqueuedMs: startMs,
    lane: laneOf(request.priority),
    expiresAtMs: startMs + timeoutOf(request),
    answer(outcome) {
      if (isAnswered) return
      isAnswered = true
      if (!outcome.error) return respond({ variant, outcome })
      if (!canFallBack(request, course)) return respond({ error: outcome.error, variant })
      answerOrRefuse(() => fallBack(tools, request, { startMs: course.startMs, respond }), respond)
    },
    settle: (outcome, rows) => settle(tools, request, { course, outcome, ...rows }),
    refuse: (error) => respond({ error, variant: undefined }),
  }
}

function settle(
  tools: InferenceTools,
  request: InferenceRequest,
  { course, outcome, batch, from }: { course: Course; outcome: RunOutcome; batch: Batch; from: number },
): void {
  const { variant } = course
  if (!isTraffic(request, variant)) return
  const { predictions, offset, error, aloneMs } = outcome
  const atMs = tools.clock()
  const eventTimeMs = request.eventTimeMs ?? atMs
  const answer = error ? undefined : { predictions, offset }
  // An answer from the cache says nothing of how fast the version is.
  const inferMs = aloneMs === undefined ? undefined : outcome.inferMs
  const assignedWith = chosenWith(request, course)
  const { rows } = request
  variant.counters.count(variant.role, { assignedWith, eventTimeMs, rows, from, batch, aloneMs, inferMs, answer })
  if (!error) logAnswer(tools, request, { course, outcome, eventTimeMs, atMs })
}

/** @throws DomainError queue_full, deadline_unreachable: refused at once rather than in vain */
function admit(
  { executor }: InferenceTools,
  { endpoint, rows }: InferenceRequest,
  { queue, job }: { queue: VersionQueue; job: Job },
): void {
  const most = Math.min(endpoint.config.queueRowsMax, batchRowsMax)
  if (queue.rows + rows > most && queue.rows > 0) {
    const message = `endpoint "${endpoint.name}" has ${queue.rows} rows waiting, at most ${most}: try again in a second`
    throw new DomainError('unavailable', 'queue_full', message)
  }
  if (job.expiresAtMs === Infinity) return
  const timeMs = job.expiresAtMs - job.enqueuedMs
  const waitMs = executor.predictedWaitMs(queue, job.lane)
  if (waitMs <= timeMs) return
  const message = `endpoint "${endpoint.name}" would answer after some ${Math.ceil(waitMs)} ms, and the request has ${timeMs}: try again later, or give it more`
  throw new DomainError('unavailable', 'deadline_unreachable', message)
}

const known = Symbol('answered from the cache')

/** Answers from the endpoint's cache, or says under which key the answer is to be kept; undefined: there is no cache. */
function answerFromCache(
  tools: InferenceTools,
  request: InferenceRequest,
  { course, respond, loaded }: Attempt & { loaded: LoadedVersion },
): string | typeof known | undefined {
  const { endpoint } = request
  if (!endpoint.cache) return undefined
  const { key, batch } = endpoint.cache.ask(loaded, request.columns)
  const predictions = endpoint.cache.find(key)
  tools.looked(endpoint.name, predictions !== undefined)
  if (!predictions) return key
  const outcome = { predictions, offset: 0, error: undefined, queueMs: 0, inferMs: 0, aloneMs: undefined }
  respond({ variant: course.variant, outcome })
  settle(tools, request, { course, outcome, batch, from: 0 })
  return known
}

function remembering(job: Job, { cache }: EndpointRuntime, key: string): Job {
  return {
    ...job,
    answer(outcome) {
      if (!outcome.error) cache!.keep(key, { ...outcome, rows: job.rows })
      job.answer(outcome)
    },
  }
}

function answerOrRefuse(work: () => void, respond: (answer: InferenceAnswer) => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    respond({ error, variant: undefined })
  }
}

function runnable(endpoint: EndpointRuntime, runtime: VariantRuntime): LoadedVersion {
  const { variant, loaded } = runtime
  if (variant.quarantined) {
    const message = `version ${variant.version} behind "${endpoint.name}" was taken out: it hung or ended its worker repeatedly`
    throw new DomainError('unavailable', 'version_quarantined', message)
  }
  if (loaded && !loaded.isReleased) return loaded
  const message = `version ${variant.version} behind "${endpoint.name}" does not answer: ${notLoaded(runtime)}`
  throw new DomainError('unavailable', 'version_not_loaded', message)
}

/** Only what the split chose is evidence about a canary: a champion that answers for one is not, nor is a version asked for by name. */
const chosenWith = ({ pinned }: InferenceRequest, { isFallback, assignedWith }: Course): number | undefined =>
  isFallback || pinned !== undefined ? undefined : assignedWith

/** A version on trial that a caller asks for by name is a look at it, not traffic: nobody drew lots for it. */
const isTraffic = ({ pinned }: InferenceRequest, { role }: VariantRuntime): boolean =>
  pinned === undefined || role === 'champion'

function logAnswer(
  tools: InferenceTools,
  request: InferenceRequest,
  { course, outcome, eventTimeMs, atMs }: { course: Course; outcome: RunOutcome; eventTimeMs: number; atMs: number },
): void {
  const { endpoint, predictionId, rows, columns } = request
  const { logShare } = endpoint.config
  tools.predictions.noteEventTime(endpoint.name, eventTimeMs)
  if (logShare < 1 && unitInterval('log', predictionId) >= logShare) return
  tools.predictions.log({
    id: predictionId,
    endpoint,
    variant: course.variant,
    assignedWith: course.assignedWith,
    eventTimeMs,
    atMs,
    rows,
    columns,
    outcome,
  })
}
