// MLflow's methods of traces over HTTP, on real databases. What is expected is what MLflow 3.17.2 answers.
import { expect, test } from 'vitest'
import { artifactRepository } from '../../artifacts/artifact-repository.ts'
import { createTraceServer, type TraceTestServer } from './testing.ts'

const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '1' } }
const hex = (name: string): string => name.padStart(32, '0')
const base64 = (hexText: string): string => Buffer.from(hexText, 'hex').toString('base64')

const string = (key: string, stringValue: string) => ({ key, value: { stringValue } })

/** One span of OTLP in JSON. */
const span = (trace: string, parts: object = {}) => ({
  traceId: hex(trace),
  spanId: '00000000000000aa',
  name: 'call',
  startTimeUnixNano: '1544712660000000001',
  endTimeUnixNano: '1544712661500000000',
  ...parts,
})
const request = (...spans: object[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })

const start = ({ call }: TraceTestServer, info: object = {}) =>
  call('POST', '3.0/mlflow/traces', {
    trace: {
      trace_info: {
        trace_id: 'tr-1',
        trace_location: location,
        request_time: '2026-01-01T00:00:00.123456Z',
        state: 'OK',
        ...info,
      },
    },
  })

test('spans come back as OpenTelemetry’s messages, to the nanosecond and with their types', async () => {
  await using server = await createTraceServer()
  const attributes = [
    { key: 'int', value: { intValue: '9223372036854775807' } },
    { key: 'whole', value: { doubleValue: 1 } },
    { key: 'list', value: { arrayValue: { values: [{ boolValue: true }, {}, { stringValue: 'é' }] } } },
    string('json', '{"a": 1.0}'),
    string('text', '1'),
  ]
  const events = [{ name: 'e', timeUnixNano: '7', attributes: [string('k', 'v')] }]
  const links = [{ traceId: hex('b'), spanId: '00000000000000bb' }]
  const sent = span('a', { attributes, events, links, status: { code: 2, message: 'boom' } })
  expect(await server.send(request(sent))).toEqual({ status: 200, json: undefined })
  const got = await server.server.inject(`/api/3.0/mlflow/traces/get?trace_id=tr-${hex('a')}`)
  expect(got.statusCode).toBe(200)
  // Beyond what JSON.parse reads exactly.
  expect(got.body).toContain('"start_time_unix_nano":1544712660000000001')
  expect(got.body).toContain('"int_value":9223372036854775807')
  const { trace } = JSON.parse(got.body)
  expect(trace.trace_info).toEqual({
    trace_id: `tr-${hex('a')}`,
    trace_location: location,
    request_time: '2018-12-13T14:51:00Z',
    execution_duration: '1.500s',
    state: 'ERROR',
    tags: {
      'mlflow.artifactLocation': `mlflow-artifacts:/1/traces/tr-${hex('a')}/artifacts`,
      'mlflow.trace.spansLocation': 'TRACKING_STORE',
    },
  })
  expect(trace.spans[0]).toMatchObject({
    trace_id: base64(hex('a')),
    span_id: base64('00000000000000aa'),
    name: 'call',
    attributes: [
      { key: 'int' },
      { key: 'whole', value: { double_value: 1 } },
      { key: 'list', value: { array_value: { values: [{ bool_value: true }, {}, { string_value: 'é' }] } } },
      { key: 'json', value: { kvlist_value: { values: [{ key: 'a', value: { double_value: 1 } }] } } },
      { key: 'text', value: { string_value: '1' } },
      { key: 'mlflow.traceRequestId', value: { string_value: `tr-${hex('a')}` } },
    ],
    events: [{ time_unix_nano: 7, name: 'e', attributes: [{ key: 'k', value: { string_value: 'v' } }] }],
    links: [{ trace_id: base64(hex('b')), span_id: base64('00000000000000bb') }],
    status: { message: 'boom', code: 'STATUS_CODE_ERROR' },
  })
  const artifact = await server.server.inject(`/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-${hex('a')}`)
  expect(artifact.headers['content-disposition']).toBe('attachment; filename=traces.json')
  expect(artifact.json().spans[0].attributes).toMatchObject({ whole: '1.0', json: '{"a": 1.0}', text: '"1"' })
})

test('a trace that is told: what clients are shown of it, and what is refused', async () => {
  await using server = await createTraceServer()
  const told = await start(server, {
    execution_duration: '1.5s',
    client_request_id: 'c',
    request_preview: 'asked',
    trace_metadata: {
      'mlflow.trace.session': 'z',
      long: 'v'.repeat(300),
      'mlflow.trace.tokenUsage': '{"input_tokens": 1.0}',
      'mlflow.trace.cost': '{"total_cost": 2}',
    },
    tags: { 'mlflow.traceName': 'N', t: 'v' },
    assessments: [{ assessment_name: 'q', feedback: { value: 1 } }],
  })
  expect(told).toMatchObject({
    status: 200,
    json: {
      trace: {
        trace_info: {
          request_time: '2026-01-01T00:00:00.123Z',
          execution_duration: '1.500s',
          request_preview: 'asked',
          trace_metadata: {
            'mlflow.trace.session': 'z',
            long: 'v'.repeat(250),
            'mlflow.trace.tokenUsage': '{"input_tokens": 1}',
            'mlflow.trace.cost': '{"total_cost": 2.0}',
            'mlflow.trace.infoFinalized': 'true',
          },
          tags: { 'mlflow.traceName': 'N', t: 'v' },
          assessments: [{ assessment_name: 'q', trace_id: 'tr-1', feedback: { value: 1 }, valid: true }],
        },
      },
    },
  })
  const refused: [object, number, string][] = [
    [{ trace_location: { mlflow_experiment: { experiment_id: '99' } } }, 404, 'No Experiment with id=99 exists'],
    [
      { trace_location: { mlflow_experiment: { experiment_id: 'x' } } },
      400,
      "Invalid experiment ID 'x'. Experiment ID must be a valid integer.",
    ],
    [
      { tags: { 'mlflow.traceName': 'n'.repeat(4097) } },
      400,
      "'Trace name' exceeds the maximum length of 4096 characters",
    ],
    [
      { trace_metadata: { 'mlflow.trace.session': 's'.repeat(251) } },
      400,
      "'Session ID' exceeds the maximum length of 250 characters",
    ],
  ]
  for (const [info, status, message] of refused) {
    expect(await start(server, info)).toMatchObject({ status, json: { message } })
  }
  expect(await server.call('GET', '3.0/mlflow/traces/tr-2')).toMatchObject({
    status: 404,
    json: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: "Trace with ID 'tr-2' not found." },
  })
  expect(await server.call('GET', '3.0/mlflow/traces/get', { trace_id: 'tr-2' })).toMatchObject({
    status: 404,
    json: { message: 'Trace with ID tr-2 is not found.' },
  })
  expect(await server.call('GET', '3.0/mlflow/traces/get', { trace_id: 'tr-1' })).toMatchObject({
    status: 500,
    json: { error_code: 'INTERNAL_ERROR', message: 'Trace data not stored in tracking store' },
  })
})

test('spans in a file of the trace’s artifacts are read from there, of either schema', async () => {
  await using server = await createTraceServer()
  await start(server)
  const modern = {
    trace_id: base64(hex('1')),
    span_id: base64('00000000000000aa'),
    parent_span_id: null,
    name: 'new',
    start_time_unix_nano: 5,
    end_time_unix_nano: 6,
    status: { code: 'STATUS_CODE_OK' },
    attributes: { a: '"b"' },
  }
  const old = {
    context: { trace_id: `0x${hex('1')}`, span_id: '0x00000000000000bb' },
    parent_id: '0x00000000000000aa',
    name: 'old',
    start_time: 5,
    end_time: 6,
    status_code: 'OK',
    status_message: '',
    attributes: {},
    events: [],
  }
  const file = Buffer.from(JSON.stringify({ spans: [modern, old] }))
  await artifactRepository(server.deps, 'mlflow-artifacts:/1/traces/tr-1/artifacts').store('traces.json', file)
  const got = await server.call('GET', '3.0/mlflow/traces/get', { trace_id: 'tr-1' })
  expect(got.json.trace.spans).toMatchObject([
    { name: 'new', attributes: [{ key: 'a', value: { string_value: 'b' } }] },
    { name: 'old', parent_span_id: base64('00000000000000aa'), span_id: base64('00000000000000bb') },
  ])
  const artifact = await server.server.inject('/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-1')
  expect(artifact.rawPayload.equals(file)).toBe(true)
  const attachment = '0b7a1b1e-5b0a-4b8e-8a8e-0b7a1b1e5b0a'
  const missing = await server.server.inject(
    `/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-1&path=${attachment}`,
  )
  expect(missing.json()).toMatchObject({ message: `No such artifact: 'attachments/${attachment}'` })
  const outside = await server.server.inject('/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-1&path=../x')
  expect(outside.json()).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE', message: 'Invalid path' })
})

test('MLflow 2’s clients begin, end and look', async () => {
  await using server = await createTraceServer()
  const begun = await server.call('POST', '2.0/mlflow/traces', {
    experiment_id: '1',
    timestamp_ms: 5,
    request_metadata: [{ key: 'a', value: 'b' }],
    tags: [{ key: 'mlflow.traceName', value: 'n' }],
  })
  const { request_id: id } = begun.json.trace_info
  expect(begun.json.trace_info).toMatchObject({ timestamp_ms: 5, execution_time_ms: 0, status: 'IN_PROGRESS' })
  const ended = await server.call('PATCH', `2.0/mlflow/traces/${id}`, {
    timestamp_ms: 50,
    status: 'ERROR',
    request_metadata: [{ key: 'c', value: 'd' }],
  })
  expect(ended.json.trace_info).toEqual({
    request_id: id,
    experiment_id: '1',
    timestamp_ms: 5,
    execution_time_ms: 45,
    status: 'ERROR',
    request_metadata: [
      { key: 'a', value: 'b' },
      { key: 'c', value: 'd' },
    ],
    tags: [
      { key: 'mlflow.artifactLocation', value: `mlflow-artifacts:/1/traces/${id}/artifacts` },
      { key: 'mlflow.traceName', value: 'n' },
    ],
  })
  expect(await server.call('GET', `2.0/mlflow/traces/${id}/info`)).toEqual(ended)
  const found = await server.call('GET', '2.0/mlflow/traces', { experiment_ids: '1' })
  expect(found.json.traces).toEqual([ended.json.trace_info])
})

test('tags, links and deletion, in MLflow’s words', async () => {
  await using server = await createTraceServer()
  for (const id of ['tr-1', 'tr-2', 'tr-3']) await start(server, { trace_id: id })
  const { call } = server
  await call('PATCH', '3.0/mlflow/traces/tr-1/tags', { key: 'k', value: 'v'.repeat(9000) })
  const { json } = await call('GET', '3.0/mlflow/traces/tr-1')
  expect(json.trace.trace_info.tags.k).toBe('v'.repeat(4096))
  await call('POST', '2.0/mlflow/traces/link-to-run', { trace_ids: ['tr-1', 'tr-9'], run_id: 'run' })
  await call('POST', '2.0/mlflow/traces/link-prompts', {
    trace_id: 'tr-2',
    prompt_versions: [{ name: 'p', version: '3' }],
  })
  const find = async (filter: string): Promise<string[]> => {
    const found = await call('POST', '3.0/mlflow/traces/search', { locations: [location], filter })
    return (found.json.traces ?? []).map((info: { trace_id: string }) => info.trace_id)
  }
  expect(await find("run_id = 'run'")).toEqual(['tr-1'])
  expect(await find("prompt = 'p/3'")).toEqual(['tr-2'])
  expect(await find("tag.k LIKE 'v%' OR prompt = 'p/3'")).toEqual(['tr-1', 'tr-2'])
  const refused: [Parameters<typeof call>, string][] = [
    [
      ['PATCH', '3.0/mlflow/traces/tr-1/tags', { key: 'mlflow.trace.spansLocation', value: 'x' }],
      "Tag 'mlflow.trace.spansLocation' is immutable and cannot be set on a trace.",
    ],
    [['DELETE', '3.0/mlflow/traces/tr-1/tags', { key: 'z' }], "No trace tag with key 'z' for trace with ID 'tr-1'"],
    [
      ['POST', '2.0/mlflow/traces/link-to-run', { trace_ids: Array(101).fill('t'), run_id: 'r' }],
      'Cannot link more than 100 traces to a run in a single request. Provided 101 traces.',
    ],
    [
      ['POST', '3.0/mlflow/traces/delete-traces', { experiment_id: '1' }],
      'Either `max_timestamp_millis` or `trace_ids` must be specified.',
    ],
    [
      ['POST', '3.0/mlflow/traces/delete-traces', { experiment_id: '1', max_timestamp_millis: 5, request_ids: ['a'] }],
      'Only one of `max_timestamp_millis` and `trace_ids` can be specified.',
    ],
    [
      ['POST', '3.0/mlflow/traces/delete-traces', { experiment_id: '1', max_timestamp_millis: 5, max_traces: 0 }],
      '`max_traces` must be a positive integer, received 0.',
    ],
    [
      ['POST', '3.0/mlflow/traces/search', { locations: [location], max_results: 0 }],
      "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer",
    ],
  ]
  for (const [asked, message] of refused) expect((await call(...asked)).json.message).toBe(message)
  const remove = (fields: object) => call('POST', '3.0/mlflow/traces/delete-traces', { experiment_id: '1', ...fields })
  expect((await remove({ request_ids: ['tr-3', 'tr-9'] })).json).toEqual({ traces_deleted: 1 })
  expect((await remove({ max_timestamp_millis: 9_999_999_999_999, max_traces: 1 })).json).toEqual({ traces_deleted: 1 })
  expect(await find('')).toEqual(['tr-2'])
})

test('assessments: said, corrected by a mask, overridden, taken back', async () => {
  await using server = await createTraceServer()
  await start(server)
  const { call } = server
  const path = '3.0/mlflow/traces/tr-1/assessments'
  const say = async (assessment: object) => (await call('POST', path, { assessment })).json.assessment
  const first = await say({
    assessment_name: 'a',
    feedback: { value: 1 },
    source: { source_type: 'HUMAN', source_id: 'me' },
    metadata: { k: 'v' },
  })
  expect(first).toMatchObject({ assessment_id: expect.stringMatching(/^a-[0-9a-f]{32}$/v) as unknown, valid: true })
  const second = await say({ assessment_name: 'a', feedback: { value: false }, overrides: first.assessment_id })
  const one = `${path}/${first.assessment_id}`
  expect((await call('GET', one)).json.assessment).toMatchObject({ valid: false })
  const fields = { assessment_name: 'b', rationale: 'because', metadata: { z: '1' }, feedback: { value: 'no' } }
  const masked = await call('PATCH', one, { assessment: fields, update_mask: 'rationale,metadata' })
  expect(masked.json.assessment).toMatchObject({
    assessment_name: 'a',
    rationale: 'because',
    metadata: { k: 'v', z: '1' },
    feedback: { value: 1 },
  })
  await call('DELETE', `${path}/${second.assessment_id}`)
  expect((await call('GET', one)).json.assessment).toMatchObject({ valid: true })
  const expectation = { serialized_value: { serialization_format: 'JSON_FORMAT', value: '{"a":[1,2.0]}' } }
  const expected = await say({ assessment_name: 'e', expectation })
  expect(expected.expectation.serialized_value.value).toBe('{"a": [1, 2.0]}')
  const refused: [object, string][] = [
    [{ assessment_name: 'a' }, 'Unknown assessment type: None'],
    [{ assessment_name: 'a', expectation: {} }, 'The `value` field must be specified.'],
    [
      { assessment_name: 'a', feedback: { value: 1 }, overrides: 'a-x' },
      "Assessment with ID 'a-x' not found for trace 'tr-1'",
    ],
  ]
  for (const [assessment, message] of refused)
    expect((await call('POST', path, { assessment })).json.message).toBe(message)
  const wrong = await call('PATCH', one, { assessment: { expectation: { value: 1 } }, update_mask: 'expectation' })
  expect(wrong.json.message).toBe('Cannot update expectation value on a Feedback assessment.')
  expect((await call('GET', '3.0/mlflow/traces/tr-2/assessments/a-1')).json.message).toBe(
    "Trace with request_id 'tr-2' not found",
  )
  expect(await call('DELETE', `${path}/a-nothing`)).toEqual({ status: 200, json: {} })
})

test('counts, means and quantiles by time and by what traces have in common', async () => {
  await using server = await createTraceServer()
  const at = (ms: number): string => `${ms}000000`
  const spans = [10, 20, 40].map((duration, index) =>
    span(String(index), {
      startTimeUnixNano: at(3_600_000 * (index + 1)),
      endTimeUnixNano: at(3_600_000 * (index + 1) + duration),
      name: index === 2 ? 'slow' : 'quick',
      attributes: [
        string('mlflow.traceTag.mlflow.traceName', index === 2 ? 'two' : 'one'),
        string('session.id', 's'),
        string('mlflow.llm.cost', '{"input_cost": 0.5, "output_cost": 0.25, "total_cost": 0.75}'),
        string('mlflow.llm.model', 'm'),
      ],
    }),
  )
  await server.send(request(...spans))
  const ask = async (fields: object) => {
    const { json } = await server.call('POST', '3.0/mlflow/traces/metrics', { experiment_ids: ['1'], ...fields })
    return json.data_points ?? json.message ?? []
  }
  const aggregations = [{ aggregation_type: 'AVG' }, { aggregation_type: 'PERCENTILE', percentile_value: 75 }]
  const latency = { view_type: 'TRACES', metric_name: 'latency', aggregations }
  expect(await ask(latency)).toEqual([{ metric_name: 'latency', values: { AVG: 70 / 3, 'P75.0': 30 } }])
  expect(await ask({ ...latency, dimensions: ['trace_name'] })).toMatchObject([
    { dimensions: { trace_name: 'one' }, values: { AVG: 15, 'P75.0': 17.5 } },
    { dimensions: { trace_name: 'two' }, values: { AVG: 40, 'P75.0': 40 } },
  ])
  const count = [{ aggregation_type: 'COUNT' }]
  const bucketed = {
    view_type: 'TRACES',
    metric_name: 'trace_count',
    aggregations: count,
    time_interval_seconds: 7200,
    start_time_ms: 0,
    end_time_ms: 10_800_000,
  }
  expect(await ask(bucketed)).toMatchObject([
    { dimensions: { time_bucket: '1970-01-01T00:00:00+00:00' }, values: { COUNT: 1 } },
    { dimensions: { time_bucket: '1970-01-01T02:00:00+00:00' }, values: { COUNT: 2 } },
  ])
  expect(await ask({ view_type: 'TRACES', metric_name: 'session_count', aggregations: count })).toMatchObject([
    { values: { COUNT: 1 } },
  ])
  const cost = {
    view_type: 'SPANS',
    metric_name: 'total_cost',
    aggregations: [{ aggregation_type: 'SUM' }],
    dimensions: ['span_model_name'],
  }
  expect(await ask(cost)).toMatchObject([{ dimensions: { span_model_name: 'm' }, values: { SUM: 2.25 } }])
  const filters = ["span.name = 'quick'", "trace.tag.`mlflow.traceName` = 'one'"]
  expect(await ask({ view_type: 'SPANS', metric_name: 'span_count', aggregations: count, filters })).toMatchObject([
    { values: { COUNT: 2 } },
  ])
  expect(await ask({ ...latency, metric_name: 'x' })).toContain('metric_name must be one of [')
  expect(await ask({ ...latency, filters: ["span.name = 'x'"] })).toBe(
    'Filtering by span is only supported for SPANS view type, got TRACES',
  )
  expect(await ask({ ...bucketed, end_time_ms: undefined })).toBe(
    'start_time_ms and end_time_ms are required if time_interval_seconds is set',
  )
})
