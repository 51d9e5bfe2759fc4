// What each route of the gateway does: bytes to columns, one call of `infer`, predictions to bytes; and the read-only ones.
import type { IncomingHttpHeaders } from 'node:http'
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import { label, type Metrics } from '../gateway-metrics.ts'
import { parseJsonBody } from '../json-body.ts'
import { readInvocation, writeInvocation } from '../protocols/mlflow.ts'
import { assertOutputs, modelMetadata, readOpenInference, writeOpenInference } from '../protocols/open-inference.ts'
import type { AnswerRows, RequestColumns } from '../request-rows.ts'
import { findVariant, isRunnable, type EndpointRuntime, type VariantRuntime } from './endpoint-runtime.ts'
import { eventTimeOf } from './event-time.ts'
import type { RouteHandlers, RouteRequest } from './http-server.ts'
import { infer, type InferenceAnswer, type InferenceTools } from './inference.ts'
import { readBody } from './request-body.ts'
import type { ServingSet } from './serving-set.ts'

export interface HandlerDeps {
  readonly serving: ServingSet
  readonly tools: InferenceTools
  readonly metrics: Metrics
  readonly predictionIds: () => string
  readonly version: string
  readonly isLeaving: () => boolean
  /** All of the gateway's metrics, as text. */
  readonly metricsText: () => Promise<string>
}

export function createRouteHandlers(deps: HandlerDeps): RouteHandlers {
  const isReady = (): boolean => deps.serving.generation >= 0 && !deps.isLeaving()
  return {
    infer: (request) => onBody(deps, request, readOip),
    invocations: (request) => onBody(deps, request, readMlflow),
    server_metadata: ({ reply }) => reply(json({ name: 'trueloop', version: deps.version, extensions: [] })),
    live: ({ reply }) => reply(json({ live: true })),
    ready: ({ reply }) => reply(json({ live: true, ready: isReady() }, isReady() ? 200 : 503)),
    health: ({ reply }) =>
      reply(json({ ready: isReady(), generation: deps.serving.generation }, isReady() ? 200 : 503)),
    models: ({ reply }) => reply(json({ models: [...deps.serving.endpoints.keys()] })),
    model_metadata({ match, reply }) {
      const endpoint = endpointOf(deps.serving, match.endpoint)
      const variant = variantOf(endpoint, match.version)
      const versions = endpoint.variants.filter(isRunnable).map(({ variant: { version } }) => version)
      reply(json(modelMetadata(endpoint.name, variant.variant.signature, versions)))
    },
    model_ready({ match, reply }) {
      const endpoint = endpointOf(deps.serving, match.endpoint)
      const ready = isReady() && isRunnable(variantOf(endpoint, match.version))
      reply(json({ name: endpoint.name, ready }, ready ? 200 : 503))
    },
    metrics({ reply }) {
      deps.metricsText().then(
        (body) => reply({ status: 200, body, contentType: 'text/plain; version=0.0.4; charset=utf-8' }),
        () =>
          reply(
            new DomainError(
              'unavailable',
              'metrics_unavailable',
              'the gateway did not gather its metrics in time: try again',
            ),
          ),
      )
    },
  }
}

const json = (value: unknown, status = 200): { status: number; body: string } => ({
  status,
  body: JSON.stringify(value),
})

function endpointOf(serving: ServingSet, name: string): EndpointRuntime {
  const endpoint = serving.endpoints.get(name)
  if (endpoint) return endpoint
  throw new DomainError(
    'not_found',
    'endpoint_not_served',
    `Request for unknown model: this gateway serves no endpoint "${name}"`,
  )
}

function variantOf(endpoint: EndpointRuntime, version: string | undefined): VariantRuntime {
  const variant = version === undefined ? endpoint.champion : findVariant(endpoint, version)
  if (variant) return variant
  throw new DomainError(
    'not_found',
    'version_not_served',
    `endpoint "${endpoint.name}" serves no version "${version ?? 'champion'}"`,
  )
}

/** A parsed request and how its answer is written. */
interface Parsed {
  readonly columns: RequestColumns
  readonly rows: number
  /** Checked before anything runs. */
  readonly check?: (signature: Signature) => void
  readonly write: (
    signature: Signature,
    rows: AnswerRows,
    facts: { endpoint: string; version: string; predictionId: string },
  ) => string
}

function readOip(body: Buffer): Parsed {
  const { columns, rows, id, outputs } = readOpenInference(parseJsonBody(body))
  return {
    columns,
    rows,
    ...(outputs ? { check: (signature) => assertOutputs(signature, outputs) } : {}),
    write: (signature, answer, facts) =>
      writeOpenInference(signature, answer, { facts: { ...facts, callerId: id }, outputs }),
  }
}

function readMlflow(body: Buffer, headers: IncomingHttpHeaders, endpoint: EndpointRuntime): Parsed {
  assertJson(headers['content-type'])
  const { signature } = variantOf(endpoint, undefined).variant
  const { columns, rows, wantsProbabilities } = readInvocation(parseJsonBody(body), signature)
  return { columns, rows, write: (served, answer) => writeInvocation(served, answer, wantsProbabilities) }
}

/** MLflow's rule: this type, no parameter but the charset. */
function assertJson(contentType: string | undefined): void {
  if (contentType !== undefined && /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*$/iv.test(contentType))
    return
  const message = `this route takes application/json, not ${contentType?.slice(0, 100) ?? 'a body without a content type'}`
  throw new DomainError('invalid', 'media_type_unsupported', message)
}

type Reader = (body: Buffer, headers: IncomingHttpHeaders, endpoint: EndpointRuntime) => Parsed

function onBody(deps: HandlerDeps, { match, request, reply }: RouteRequest, read: Reader): void {
  readBody(request, (body) => {
    if (body instanceof DomainError) return reply(body)
    try {
      serve(deps, { match, request, reply }, { body, read })
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      reply(error)
    }
  })
}

/** @throws DomainError for what is wrong with the request itself */
function serve(
  deps: HandlerDeps,
  { match, request, reply }: RouteRequest,
  { body, read }: { body: Buffer; read: Reader },
): void {
  const { headers } = request
  const startMs = deps.tools.nowMs()
  const endpoint = endpointOf(deps.serving, match.endpoint)
  const parsed = read(body, headers, endpoint)
  parsed.check?.(variantOf(endpoint, match.version).variant.signature)
  const predictionId = deps.predictionIds()
  const key = headers['trueloop-key']
  const eventTime = headers['trueloop-event-time']
  const inference = {
    endpoint,
    predictionId,
    columns: parsed.columns,
    rows: parsed.rows,
    key: typeof key === 'string' && key !== '' ? key : undefined,
    pinned: match.version,
    eventTimeMs: eventTimeOf(
      typeof eventTime === 'string' ? eventTime : undefined,
      endpoint.config,
      deps.tools.clock(),
    ),
  }
  infer(deps.tools, inference, (answer) => {
    count(deps, { endpoint, answer, rows: parsed.rows, ms: deps.tools.nowMs() - startMs })
    if (answer.error) return reply(answer.error)
    const { variant, outcome } = answer
    const facts = { endpoint: endpoint.name, version: variant.variant.version, predictionId }
    const rows = { predictions: outcome.predictions, offset: outcome.offset, rows: parsed.rows }
    reply({
      status: 200,
      body: parsed.write(variant.variant.signature, rows, facts),
      headers: [
        'trueloop-prediction-id',
        predictionId,
        'trueloop-model-version',
        variant.variant.version,
        'server-timing',
        `queue;dur=${outcome.queueMs.toFixed(3)}, infer;dur=${outcome.inferMs.toFixed(3)}`,
      ],
    })
  })
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

function count(
  { metrics }: HandlerDeps,
  { endpoint, answer, rows, ms }: { endpoint: EndpointRuntime; answer: InferenceAnswer; rows: number; ms: number },
): void {
  if (!answer.variant) {
    metrics.add('trueloop_inference_requests_total', `${label('endpoint', endpoint.name)},outcome="refused"`, 1)
    return
  }
  const names = labelsOf(endpoint.name, answer.variant)
  metrics.add('trueloop_inference_requests_total', answer.error ? names.failed : names.answered, 1)
  if (answer.error) return
  metrics.add('trueloop_inference_rows_total', names.plain, rows)
  metrics.observe('trueloop_inference_request_seconds', names.plain, ms / 1000)
}
