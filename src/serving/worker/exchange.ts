// One inference over HTTP, whatever its protocol: bytes to rows, one call of `infer`, predictions to bytes; and what is counted of it.
import type { IncomingHttpHeaders } from 'node:http'
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import { label, type Metrics } from '../gateway-metrics.ts'
import type { AnswerRows, RequestColumns } from '../protocols/request-rows.ts'
import { endpointHasNoChampion, findVariant, problemOf, versionNotServed } from './endpoint-runtime.ts'
import type { EndpointRuntime, VariantRuntime } from './endpoint-runtime.ts'
import { eventTimeOf } from './event-time.ts'
import type { Reply } from './http/http-answer.ts'
import type { RouteRequest } from './http/http-server.ts'
import { infer, type InferenceAnswer, type InferenceTools } from './inference.ts'
import type { FailedRequest } from './reports/logged-request.ts'
import { readBody } from './http/request-body.ts'
import { serverTiming } from './http/server-timing.ts'
import type { RepositoryChange } from '../contract/gateway-repository.ts'
import type { VersionStatistics } from '../contract/gateway-statistics.ts'
import type { ServingSet } from './serving-set.ts'
import type { Statistics } from './statistics.ts'
import type { RequestTrace, RequestTracer } from '../telemetry/request-tracer.ts'

export interface HandlerDeps {
  readonly serving: ServingSet
  readonly tools: InferenceTools
  readonly metrics: Metrics
  readonly predictionIds: () => string
  readonly version: string
  readonly isLeaving: () => boolean
  /** Answers at the root; undefined: the only endpoint that there is. */
  readonly rootEndpoint: string | undefined
  /** Of this worker. */
  readonly statistics: Statistics
  /** Of all workers. @throws DomainError metrics_unavailable */
  readonly statisticsOfAll: () => Promise<readonly VersionStatistics[]>
  /** Loads or unloads in every worker. @throws DomainError endpoint_not_served, endpoint_load_failed */
  readonly changeRepository: (change: RepositoryChange) => Promise<void>
  /** All of the gateway's metrics, as text. */
  readonly metricsText: () => Promise<string>
  /** Undefined: no collector was named. */
  readonly tracer?: RequestTracer | undefined
}

/** A request as its protocol read it, and how its answer is written. */
export interface Parsed {
  readonly columns: RequestColumns
  readonly rows: number
  /** Milliseconds after which the caller no longer wants the answer. */
  readonly timeoutMs?: number | undefined
  /** 1 is the first to be run; 0, or absent: the default. */
  readonly priority?: number | undefined
  readonly write: (signature: Signature, rows: AnswerRows, facts: ExchangeFacts) => Written
}

export interface ExchangeFacts {
  readonly endpoint: string
  /** `model/version`. */
  readonly version: string
  readonly predictionId: string
}

export type Written = Omit<Reply, 'status'>

export interface ReadRequest {
  readonly body: Buffer
  readonly headers: IncomingHttpHeaders
  readonly endpoint: EndpointRuntime
  /** Of the version that the caller asked for, or of the champion. */
  readonly signature: Signature
}

/** Reads a protocol's request. @throws DomainError for what is wrong with it */
export type Reader = (request: ReadRequest) => Parsed

/** @throws DomainError endpoint_not_served */
export function endpointOf(serving: ServingSet, name: string): EndpointRuntime {
  const endpoint = serving.endpoints.get(name)
  if (endpoint) return endpoint
  throw new DomainError(
    'not_found',
    'endpoint_not_served',
    `Request for unknown model: this gateway serves no endpoint "${name}"`,
  )
}

/** Others may have been told of the endpoint since this worker was. */
const workerLeaving = (name: string): DomainError =>
  new DomainError(
    'unavailable',
    'worker_leaving',
    `the worker that was asked is being replaced and does not know "${name}": ask again, others may know it`,
  )

/** The champion where no version is named. @throws DomainError version_not_served, endpoint_has_no_champion */
export function variantOf(endpoint: EndpointRuntime, version: string | undefined): VariantRuntime {
  const variant = version === undefined ? endpoint.champion : findVariant(endpoint, version)
  if (variant) return variant
  throw version === undefined ? endpointHasNoChampion(endpoint) : versionNotServed(endpoint, version)
}

/** Whether requests to a version, or to the champion, are answered. @throws DomainError version_not_served */
export function isAnswering(endpoint: EndpointRuntime, version: string | undefined): boolean {
  const variant = version === undefined ? endpoint.champion : variantOf(endpoint, version)
  return variant !== undefined && problemOf(endpoint, variant) === undefined
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && header !== '' ? header : undefined

/** Answers one request of a protocol once its body is there, and its endpoint, if another worker may have it already. */
export function exchange(deps: HandlerDeps, asked: RouteRequest, read: Reader): void {
  const { match, request, reply, fail } = asked
  const arriving = deps.serving.arriving(match.endpoint)
  if (arriving) return void arriving.then(() => exchange(deps, asked, read)).catch(fail)
  const endpoint = deps.serving.endpoints.get(match.endpoint)
  const limited = endpoint && limitCaller(deps, endpoint, request.callerAddress)
  if (limited) return reply(limited)
  readBody(request, (body) => {
    if (body instanceof DomainError) return reply(body)
    try {
      serve(deps, { match, request, reply }, { body, read })
    } catch (error) {
      fail(error)
    }
  })
}

/** What every protocol asks before it reads a request: undefined, or why the caller has to wait. */
export function limitCaller(
  deps: Pick<HandlerDeps, 'metrics' | 'statistics' | 'tools'>,
  endpoint: EndpointRuntime,
  caller: string,
): DomainError | undefined {
  try {
    endpoint.limiter?.take(caller)
    return undefined
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    count(deps, { endpoint, answer: { error, variant: undefined }, rows: 0, ms: 0 })
    return error
  }
}

/** An inference as its transport brings it. */
export interface InferenceExchange extends Pick<RouteRequest, 'reply'> {
  readonly match: Pick<RouteRequest['match'], 'endpoint' | 'version'>
  readonly request: Pick<RouteRequest['request'], 'headers'>
}

/** Whatever the transport: checks, reads, runs, counts, logs and answers. @throws DomainError for what is wrong with the request itself */
export function serve(
  deps: HandlerDeps,
  { match, request, reply }: InferenceExchange,
  { body, read }: { body: Buffer; read: Reader },
): void {
  const { headers } = request
  const { nowMs, clock } = deps.tools
  const startMs = nowMs()
  if (deps.isLeaving() && !deps.serving.endpoints.get(match.endpoint)?.champion) throw workerLeaving(match.endpoint)
  const endpoint = endpointOf(deps.serving, match.endpoint)
  const pinned = match.version ?? textOf(headers['trueloop-variant'])
  const predictionId = deps.predictionIds()
  const trace = deps.tracer?.begin(headers['traceparent'], predictionId)
  let parsed: Parsed
  let eventTimeMs: number | undefined
  try {
    const { signature } = variantOf(endpoint, pinned).variant
    parsed = read({ body, headers, endpoint, signature })
    eventTimeMs = eventTimeOf(textOf(headers['trueloop-event-time']), endpoint.config, clock)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    count(deps, { endpoint, answer: { error, variant: undefined }, rows: 0, ms: 0 })
    return refuse(deps, { endpoint, predictionId, trace, startMs, reply }, { error })
  }
  const inference = {
    endpoint,
    predictionId,
    columns: parsed.columns,
    rows: parsed.rows,
    key: textOf(headers['trueloop-key']),
    pinned,
    eventTimeMs,
    timeoutMs: parsed.timeoutMs,
    priority: parsed.priority ?? 0,
  }
  infer(deps.tools, inference, (answer) => {
    const ms = nowMs() - startMs
    count(deps, { endpoint, answer, rows: parsed.rows, ms })
    if (answer.error) {
      const asked = { columns: parsed.columns, count: parsed.rows }
      return refuse(deps, { endpoint, predictionId, trace, startMs, reply }, { ...answer, rows: asked })
    }
    const { variant, outcome } = answer
    const facts = { endpoint: endpoint.name, version: variant.variant.version, predictionId }
    const rows = { predictions: outcome.predictions, offset: outcome.offset, rows: parsed.rows }
    const written = parsed.write(variant.variant.signature, rows, facts)
    const own = [
      'trueloop-prediction-id',
      predictionId,
      'trueloop-model-version',
      versionHeader(variant.variant.version),
      'server-timing',
      serverTiming(outcome, ms),
    ]
    if (trace) {
      const { version } = facts
      deps.tracer!.end(trace, { endpoint: endpoint.name, predictionId, rows: parsed.rows, ms, version, outcome })
    }
    const { body: text, isAscii, contentType, headers: others } = written
    reply({ status: 200, body: text, isAscii, contentType, headers: others ? [...own, ...others] : own })
  })
}

interface Exchange extends Pick<RouteRequest, 'reply'> {
  readonly endpoint: EndpointRuntime
  readonly predictionId: string
  readonly trace: RequestTrace | undefined
  readonly startMs: number
}

interface Failure extends Pick<FailedRequest, 'error'>, Partial<Pick<FailedRequest, 'variant' | 'rows'>> {}

/** What is told and kept of a request that gets an error. */
function refuse(
  { tools: { nowMs, clock, predictions }, tracer }: HandlerDeps,
  { endpoint, predictionId: id, trace, startMs, reply }: Exchange,
  { error, variant, rows }: Failure,
): void {
  const ms = nowMs() - startMs
  const atMs = clock()
  if (trace) tracer?.end(trace, { endpoint: endpoint.name, predictionId: id, rows: rows?.count ?? 0, ms, error })
  reply(error, ['trueloop-prediction-id', id, 'server-timing', serverTiming(undefined, ms)])
  // Last, since many rows take a while.
  predictions.fail({ id, endpoint, variant, eventTimeMs: atMs, atMs, rows, error })
}

const versionHeaders = new Map<string, string>()

/** A header is ASCII: of a model's name, other letters are written as in a URL. Versions of a home are few. */
function versionHeader(version: string): string {
  let found = versionHeaders.get(version)
  if (found === undefined)
    versionHeaders.set(version, (found = version.toWellFormed().replace(/[^\x20-\x7E]/gv, encodeURIComponent)))
  return found
}

/** Label texts by variant, since they are needed at each request. */
const labels = new WeakMap<VariantRuntime, { answered: string; failed: string; plain: string }>()

function labelsOf(endpoint: string, runtime: VariantRuntime): { answered: string; failed: string; plain: string } {
  let found = labels.get(runtime)
  if (!found) {
    const { role, variant } = runtime
    const plain = `${label('endpoint', endpoint)},${label('version', variant.version)},${label('role', role)}`
    found = { plain, answered: `${plain},outcome="answered"`, failed: `${plain},outcome="failed"` }
    labels.set(runtime, found)
  }
  return found
}

/** What every protocol counts of an inference that was answered or refused. `ms`: from the end of the request to its answer. */
export function count(
  { metrics, statistics, tools }: Pick<HandlerDeps, 'metrics' | 'statistics' | 'tools'>,
  { endpoint, answer, rows, ms }: { endpoint: EndpointRuntime; answer: InferenceAnswer; rows: number; ms: number },
): void {
  if (!answer.variant) {
    const name = label('endpoint', endpoint.name)
    metrics.add('trueloop_inference_requests_total', `${name},outcome="refused"`, 1)
    metrics.add('trueloop_inference_refusals_total', `${name},${label('code', answer.error!.code)}`, 1)
    return
  }
  statistics.count({ endpoint, rows, ms, atMs: tools.clock() }, answer)
  const names = labelsOf(endpoint.name, answer.variant)
  metrics.add('trueloop_inference_requests_total', answer.error ? names.failed : names.answered, 1)
  if (answer.error) return
  metrics.add('trueloop_inference_rows_total', names.plain, rows)
  metrics.observe('trueloop_inference_request_seconds', names.plain, ms / 1000)
}
