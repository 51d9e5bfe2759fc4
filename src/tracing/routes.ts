// Traces over HTTP: a list and one trace with its spans. What writes them is MLflow's API and OpenTelemetry's.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Page } from '../platform/http.ts'
import { assessmentKinds, type Assessment } from './assessment.ts'
import { parsedOrText } from './python-json.ts'
import { readWithSpans } from './reading.ts'
import { searchTraces, type SearchDeps, type TraceFilter } from './search.ts'
import { spanStatuses } from './span.ts'
import { traceNotFound, traceStates, type Trace } from './trace.ts'

const texts = z.record(z.string(), z.string())
const WireAssessment = z.strictObject({
  id: z.string(),
  name: z.string(),
  kind: z.enum(assessmentKinds),
  /** Any JSON. */
  value: z.unknown(),
  source: z.strictObject({ type: z.string(), id: z.string().nullable() }),
  rationale: z.string().nullable(),
  isValid: z.boolean(),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
})
const WireTrace = z.strictObject({
  id: z.string(),
  experimentId: z.int(),
  startedAtMs: z.int(),
  durationMs: z.int().nullable(),
  state: z.enum(traceStates),
  name: z.string().nullable(),
  sessionId: z.string().nullable(),
  clientRequestId: z.string().nullable(),
  requestPreview: z.string().nullable(),
  responsePreview: z.string().nullable(),
  tokens: z.record(z.string(), z.number()).nullable(),
  cost: z.record(z.string(), z.number()).nullable(),
  tags: texts,
  metadata: texts,
  assessments: z.array(WireAssessment),
})
const WireSpan = z.strictObject({
  id: z.string(),
  /** Null for the root. */
  parentId: z.string().nullable(),
  name: z.string(),
  status: z.enum(spanStatuses),
  /** With fractions. */
  startedAtMs: z.number(),
  durationMs: z.number().nullable(),
  attributes: z.record(z.string(), z.unknown()),
})
const WireTraceWithSpans = z.strictObject({
  ...WireTrace.shape,
  /** Null where they are in a file of the trace's artifacts. */
  spans: z.array(WireSpan).nullable(),
})

const wireOfAssessment = (said: Assessment): z.infer<typeof WireAssessment> => ({
  id: said.id,
  name: said.name,
  kind: said.kind,
  value: parsedOrText(said.value),
  source: said.source,
  rationale: said.rationale,
  isValid: said.isValid,
  createdAtMs: said.createdAtMs,
  updatedAtMs: said.updatedAtMs,
})

const wireOfTrace = (trace: Trace): z.infer<typeof WireTrace> => ({
  ...trace,
  tokens: trace.tokens as Record<string, number> | null,
  cost: trace.cost as Record<string, number> | null,
  assessments: trace.assessments.map(wireOfAssessment),
})

interface SpanText {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  readonly start_time_unix_nano: number
  readonly end_time_unix_nano: number | null
  readonly status: { readonly code: string }
  readonly attributes: Readonly<Record<string, string>>
}

const hexOfBase64 = (text: string): string => Buffer.from(text, 'base64').toString('hex')

/** Doubles hold today's nanoseconds to a quarter of a microsecond. */
function wireOfSpan(content: string): z.infer<typeof WireSpan> {
  const span = JSON.parse(content) as SpanText
  const { start_time_unix_nano: startNs, end_time_unix_nano: endNs } = span
  const attributes = Object.entries(span.attributes).map(([key, text]) => [key, parsedOrText(text)])
  const status = span.status.code.replace('STATUS_CODE_', '')
  return {
    id: hexOfBase64(span.span_id),
    parentId: span.parent_span_id === null ? null : hexOfBase64(span.parent_span_id),
    name: span.name,
    status: spanStatuses.find((each) => each === status) ?? 'UNSET',
    startedAtMs: startNs / 1e6,
    durationMs: endNs === null ? null : (endNs - startNs) / 1e6,
    attributes: Object.fromEntries(attributes) as Record<string, unknown>,
  }
}

const query = z.object({
  experiment: z.coerce.number().int().nonnegative().optional(),
  state: z.enum(traceStates).optional(),
  name: z.string().min(1).max(4096).optional(),
  session: z.string().min(1).max(250).optional(),
  limit: Page.shape.limit,
  after: z.string().max(20_000).optional(),
})

function filterOf({ state, name, session }: z.infer<typeof query>): TraceFilter {
  const asked = [
    ['attribute', 'status', state],
    ['tag', 'mlflow.traceName', name],
    ['metadata', 'mlflow.trace.session', session],
  ] as const
  return {
    all: asked.flatMap(([entity, key, value]) =>
      value === undefined ? [] : [{ entity, key, operator: '=' as const, value }],
    ),
  }
}

export const traceRoutes: FastifyPluginAsyncZod<SearchDeps> = async (server, deps) => {
  const config = { permission: 'trace.read' } as const
  const listed = { 200: z.strictObject({ traces: z.array(WireTrace), next: z.string().optional() }) }
  server.get('/traces', { schema: { querystring: query, response: listed }, config }, async ({ query: asked }) => {
    const { traces, ...rest } = await searchTraces(deps, {
      ...(asked.experiment === undefined ? {} : { experimentIds: [asked.experiment] }),
      filter: filterOf(asked),
      limit: asked.limit,
      after: asked.after,
    })
    return { traces: traces.map(wireOfTrace), ...rest }
  })
  const params = z.object({ trace: z.string().min(1).max(250) })
  const one = { 200: WireTraceWithSpans }
  server.get('/traces/:trace', { schema: { params, response: one }, config }, async (request) => {
    const [found] = await readWithSpans(deps.db, [request.params.trace])
    if (!found) throw traceNotFound(request.params.trace)
    return { ...wireOfTrace(found.trace), spans: found.contents?.map(wireOfSpan) ?? null }
  })
}
