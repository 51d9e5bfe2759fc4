// One inference request: choose the variant, queue it, fall back when a canary fails, answer; then count, log and feed the shadows.
import { DomainError } from '../../platform/errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { unitInterval } from '../../statistics/hash.ts'
import type { EndpointRuntime, VariantRuntime } from './endpoint-runtime.ts'
import { findVariant, isRunnable } from './endpoint-runtime.ts'
import type { Executor } from './executor.ts'
import type { PredictionLog } from './prediction-logger.ts'
import { chooseVariant } from './traffic-split.ts'
import type { RequestColumns } from '../request-rows.ts'
import { enqueue, type Job, type RunOutcome } from './version-queue.ts'

export interface InferenceTools {
  readonly executor: Executor
  readonly nowMs: () => number
  readonly clock: Clock
  readonly predictions: PredictionLog
  /** Is told when the champion answers for a canary. */
  readonly fellBack: (endpoint: string) => void
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
  readonly assignedWith: number
}

/** Calls `respond` exactly once, mostly in the next check phase of the event loop. */
export function infer(
  tools: InferenceTools,
  request: InferenceRequest,
  respond: (answer: InferenceAnswer) => void,
): void {
  try {
    const course = courseOf(request)
    if (!isRunnable(course.variant) && canFallBack(request, course)) fallBack(tools, request, respond)
    else attempt(tools, request, { course, respond })
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    respond({ error, variant: undefined })
  }
}

function courseOf(request: InferenceRequest): Course {
  const { endpoint, pinned } = request
  if (endpoint.config.stopped !== undefined) throw endpointStopped(endpoint.name, endpoint.config.stopped)
  if (pinned !== undefined) {
    const variant = findVariant(endpoint, pinned)
    if (variant) return { variant, isFallback: false, assignedWith: 1 }
    throw new DomainError(
      'not_found',
      'version_not_served',
      `endpoint "${endpoint.name}" serves no version "${pinned.slice(0, 100)}"`,
    )
  }
  const key = request.key ?? request.predictionId
  const variant = chooseVariant(endpoint.variants, endpoint.config.splitSalt, key)
  if (variant) return { variant, isFallback: false, assignedWith: variant.weight }
  throw new DomainError(
    'unavailable',
    'endpoint_has_no_champion',
    `endpoint "${endpoint.name}" has no version that answers: give it one`,
  )
}

const endpointStopped = (name: string, reason: string): DomainError =>
  new DomainError('unavailable', 'endpoint_stopped', `endpoint "${name}" is stopped: ${reason}`)

/** A canary that cannot answer must not cost the caller an answer. */
function canFallBack({ endpoint, pinned }: InferenceRequest, { variant, isFallback }: Course): boolean {
  return !isFallback && pinned === undefined && variant.role === 'canary' && endpoint.champion !== undefined
}

function fallBack(tools: InferenceTools, request: InferenceRequest, respond: (answer: InferenceAnswer) => void): void {
  const variant = request.endpoint.champion!
  tools.fellBack(request.endpoint.name)
  // Whoever was meant for the canary or for the champion is answered by the champion: that is all of them.
  attempt(tools, request, { course: { variant, isFallback: true, assignedWith: 1 }, respond })
}

interface Attempt {
  readonly course: Course
  readonly respond: (answer: InferenceAnswer) => void
}

/** @throws DomainError when the request cannot be queued */
function attempt(tools: InferenceTools, request: InferenceRequest, { course, respond }: Attempt): void {
  const { variant } = course
  const { endpoint, rows } = request
  const queue = runnableQueue(endpoint, variant)
  if (queue.rows + rows > endpoint.config.queueRowsMax && queue.rows > 0) {
    const message = `endpoint "${endpoint.name}" has ${queue.rows} rows waiting, at most ${endpoint.config.queueRowsMax}: try again in a second`
    throw new DomainError('unavailable', 'queue_full', message)
  }
  let isAnswered = false
  const job: Job = {
    columns: request.columns,
    rows,
    enqueuedMs: tools.nowMs(),
    answer(outcome) {
      if (isAnswered) return
      isAnswered = true
      if (!outcome.error) return respond({ variant, outcome })
      if (!canFallBack(request, course)) return respond({ error: outcome.error, variant })
      answerOrRefuse(() => fallBack(tools, request, respond), respond)
    },
    settle(outcome, { batch, from }) {
      const eventTimeMs = request.eventTimeMs ?? tools.clock()
      const { predictions, offset, error } = outcome
      if (isTraffic(request, variant)) {
        const answer = error ? undefined : { predictions, offset }
        const { aloneMs, inferMs } = outcome
        const assignedWith = chosenWith(request, course)
        variant.counters.count(variant.role, { assignedWith, eventTimeMs, rows, from, batch, aloneMs, inferMs, answer })
        if (!error) logAnswer(tools, request, { course, outcome, eventTimeMs })
      }
    },
  }
  try {
    enqueue(queue, job)
  } catch (error) {
    // What the champion accepts and the canary refuses is the canary's error; what both refuse is the caller's.
    if (!canFallBack(request, course)) throw error
    fallBack(tools, request, respond)
    const eventTimeMs = request.eventTimeMs ?? tools.clock()
    const unfit = { from: 0, batch: undefined, aloneMs: undefined, inferMs: undefined, answer: undefined }
    variant.counters.count('canary', { assignedWith: chosenWith(request, course), eventTimeMs, rows, ...unfit })
    return
  }
  tools.executor.wake(queue)
}

function answerOrRefuse(work: () => void, respond: (answer: InferenceAnswer) => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    respond({ error, variant: undefined })
  }
}

function runnableQueue(
  endpoint: EndpointRuntime,
  { variant, loaded }: VariantRuntime,
): NonNullable<VariantRuntime['loaded']>['queue'] {
  if (variant.quarantined) {
    const message = `version ${variant.version} behind "${endpoint.name}" was taken out: it hung or ended its worker repeatedly`
    throw new DomainError('unavailable', 'version_quarantined', message)
  }
  if (loaded) return loaded.queue
  throw new DomainError(
    'unavailable',
    'version_not_loaded',
    `version ${variant.version} behind "${endpoint.name}" could not be loaded`,
  )
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
  { course, outcome, eventTimeMs }: { course: Course; outcome: RunOutcome; eventTimeMs: number },
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
    atMs: tools.clock(),
    rows,
    columns,
    outcome,
  })
}
