// Spans by OTLP in JSON, and what becomes of them: traces, their contents, searches by span.
import type { Plan } from '../call.ts'

const v3 = '/api/3.0/mlflow/traces'
const traceId = (index: number): string => `tr-${index.toString(16).padStart(32, '0')}`
const nano = 1_000_000

interface Span {
  readonly index: number
  readonly name: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly status?: number
}

/** OTLP's JSON: a root and its child. */
function otlp(trace: number, spans: readonly Span[]): object {
  const startMs = 1_700_000_000_000 + trace * 1000
  const list = spans.map(({ index, name, attributes = {}, status = 1 }) => ({
    traceId: Buffer.from(trace.toString(16).padStart(32, '0'), 'hex').toString('base64'),
    spanId: Buffer.from(index.toString(16).padStart(16, '0'), 'hex').toString('base64'),
    ...(index > 1 ? { parentSpanId: Buffer.from((1).toString(16).padStart(16, '0'), 'hex').toString('base64') } : {}),
    name,
    startTimeUnixNano: `${startMs * nano}`,
    endTimeUnixNano: `${(startMs + 10 * index) * nano}`,
    attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
    status: { code: status },
  }))
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'replay' } }] },
        scopeSpans: [{ spans: list }],
      },
    ],
  }
}

export function planSpans({ add, get }: Plan): void {
  const json = { 'content-type': 'application/json' }
  const here = { ...json, 'x-mlflow-experiment-id': '{{otlpExp}}' }
  const send = (label: string, body: unknown, headers: Record<string, string> = here): void =>
    add('POST', '/v1/traces', { label, body, headers })
  add('POST', '/api/2.0/mlflow/experiments/create', {
    label: 'create experiment for spans',
    body: { name: 'traces-otlp' },
    headers: json,
    take: { otlpExp: 'experiment_id' },
  })
  const inputs = { 'mlflow.spanInputs': '{"q": "hello"}', 'mlflow.spanOutputs': '"world"', 'mlflow.spanType': '"LLM"' }
  send(
    'spans',
    otlp(200, [
      { index: 1, name: 'root', attributes: inputs },
      { index: 2, name: 'child', attributes: { 'mlflow.spanType': '"TOOL"', custom: 'x' } },
    ]),
  )
  send('spans with an error', otlp(201, [{ index: 1, name: 'failing', status: 2 }]))
  send(
    'spans of genai',
    otlp(202, [
      {
        index: 1,
        name: 'chat',
        attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': '10', 'session.id': 'abc' },
      },
    ]),
  )
  send('child before root', otlp(203, [{ index: 2, name: 'child' }]))
  send('root after child', otlp(203, [{ index: 1, name: 'root' }]))
  send('spans again', otlp(200, [{ index: 1, name: 'root', attributes: inputs }]))
  send('spans without an experiment', otlp(204, [{ index: 1, name: 'x' }]), json)
  send('spans of an odd content type', otlp(204, [{ index: 1, name: 'x' }]), { ...here, 'content-type': 'text/plain' })
  send('no spans', { resourceSpans: [] })
  send('spans that are no JSON', '{')
  send('spans that are no protobuf', 'junk', { ...here, 'content-type': 'application/x-protobuf' })
  send('spans of an unknown experiment', otlp(205, [{ index: 1, name: 'x' }]), {
    ...json,
    'x-mlflow-experiment-id': '999999',
  })
  send('spans with a bad encoding', otlp(205, [{ index: 1, name: 'x' }]), { ...here, 'content-encoding': 'br' })
  for (const index of [200, 201, 202, 203]) {
    get(`info of spans ${index}`, `${v3}/${traceId(index)}`)
    get(`trace of spans ${index}`, `${v3}/get`, { trace_id: traceId(index) })
  }
  get('batch of spans', `${v3}/batchGet`, { trace_ids: [traceId(200), traceId(201)] })
  get('spans as artifact', '/ajax-api/3.0/mlflow/get-trace-artifact', { request_id: traceId(200) })
  get('spans as artifact, unknown', '/ajax-api/3.0/mlflow/get-trace-artifact', { request_id: traceId(999) })
  for (const [index, filter] of [
    "span.name = 'root'",
    "span.name LIKE 'r%'",
    "span.type = 'LLM'",
    "span.status = 'ERROR'",
    "span.attributes.custom = 'x'",
    "span.attributes.custom LIKE '%x%'",
    "span.content LIKE '%hello%'",
    "trace.text LIKE '%hello%'",
    "span.name ILIKE 'ROOT'",
    "span.junk = 'x'",
    "span.content = 'x'",
  ].entries())
    add('POST', `${v3}/search`, {
      label: `spans ${index}: ${filter}`,
      headers: json,
      body: { locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '{{otlpExp}}' } }], filter },
    })
}
