// Traces of both versions, their tags, links, assessments and searches; spans by OTLP.
import type { Plan } from '../call.ts'
import { planSpans } from './spans.ts'

const v3 = '/api/3.0/mlflow/traces'
const traceId = (index: number): string => `tr-${index.toString(16).padStart(32, '0')}`
export function planTraces(plan: Plan): void {
  create(plan)
  tags(plan)
  planSpans(plan)
  assessments(plan)
  search(plan)
  legacy(plan)
  metrics(plan)
  remove(plan)
}

const info = (index: number, fields: object = {}): object => ({
  trace: {
    trace_info: {
      trace_id: traceId(index),
      trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '{{exp}}' } },
      request_time: new Date(1_700_000_000_000 + index * 1000).toISOString(),
      execution_duration: `${index}.5s`,
      state: index % 3 === 0 ? 'ERROR' : 'OK',
      request_preview: `question ${index}`,
      response_preview: `answer ${index}`,
      client_request_id: `client-${index}`,
      trace_metadata: { 'mlflow.trace.session': `s${index % 2}`, custom: String(index) },
      tags: { 'mlflow.traceName': index % 2 === 0 ? 'even' : 'odd', color: 'blue' },
      ...fields,
    },
  },
})

/** Whatever becomes of a bad request is in no search. */
const oddLocation = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '{{odd}}' } }

function create({ post, get }: Plan): void {
  post(
    'create experiment for the odd',
    'experiments/create',
    { name: 'traces-odd' },
    { take: { odd: 'experiment_id' } },
  )
  post('create experiment', 'experiments/create', { name: 'traces-base' }, { take: { exp: 'experiment_id' } })
  post(
    'create run',
    'runs/create',
    { experiment_id: '{{exp}}', run_name: 'r', start_time: 1 },
    { take: { run: 'run.info.run_id' } },
  )
  for (let index = 1; index <= 8; index++) post(`start trace ${index}`, v3, info(index))
  post('start trace again', v3, info(1, { state: 'ERROR', tags: { added: 'yes' } }))
  const cases: [string, object][] = [
    ['no id', { trace_id: undefined }],
    ['no location', { trace_location: undefined }],
    [
      'unknown experiment',
      {
        trace_id: traceId(100),
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '999999' } },
      },
    ],
    ['no time', { trace_id: traceId(101), request_time: undefined }],
    ['bad time', { trace_id: traceId(102), request_time: 'soon' }],
    ['bad state', { trace_id: traceId(103), state: 'X' }],
    ['no state', { trace_id: traceId(104), state: undefined }],
    ['bad duration', { trace_id: traceId(105), execution_duration: 'x' }],
    ['no duration', { trace_id: traceId(106), execution_duration: undefined }],
    ['odd id', { trace_id: 'hello' }],
    ['long tag', { trace_id: traceId(107), tags: { a: 'x'.repeat(9000) } }],
    ['long preview', { trace_id: traceId(108), request_preview: 'x'.repeat(12_000) }],
    ['long metadata', { trace_id: traceId(109), trace_metadata: { a: 'x'.repeat(9000) } }],
  ]
  for (const [label, fields] of cases)
    post(`start trace, ${label}`, v3, info(50, { trace_location: oddLocation, ...fields }))
  post('start trace, nothing', v3, {})
  get('get trace info', `${v3}/${traceId(1)}`)
  get('get unknown trace', `${v3}/${traceId(999)}`)
  get('get trace', `${v3}/get`, { trace_id: traceId(1) })
  get('get trace, partial', `${v3}/get`, { trace_id: traceId(1), allow_partial: 'true' })
  get('get trace, no id', `${v3}/get`)
  post('get infos', `${v3}/batchGetInfos`, { trace_ids: [traceId(1), traceId(2), traceId(999)] })
  post('get no infos', `${v3}/batchGetInfos`, {})
  get('get batch', `${v3}/batchGet`, { trace_ids: [traceId(1), traceId(2)] })
}

function tags({ patch, delete: remove, get, post }: Plan): void {
  for (const [index, [key, value]] of (
    [
      ['a', 'b'],
      ['a', 'c'],
      ['e', ''],
      ['', 'v'],
      ['x'.repeat(251), 'v'],
      ['long', 'x'.repeat(9000)],
      ['mlflow.traceName', 'named'],
      ['p|q', 'v'],
    ] as const
  ).entries())
    patch(`set tag ${index}`, `${v3}/${traceId(2)}/tags`, { key, value })
  patch('set tag of unknown', `${v3}/${traceId(999)}/tags`, { key: 'a', value: 'b' })
  remove('delete tag', `${v3}/${traceId(2)}/tags`, { key: 'a' })
  remove('delete tag again', `${v3}/${traceId(2)}/tags`, { key: 'a' })
  remove('delete long tag', `${v3}/${traceId(2)}/tags`, { key: 'long' })
  get('get trace after tags', `${v3}/${traceId(2)}`)
  post('link to run', 'traces/link-to-run', { trace_ids: [traceId(3), traceId(4)], run_id: '{{run}}' })
  post('link to run again', 'traces/link-to-run', { trace_ids: [traceId(3)], run_id: '{{run}}' })
  post('link none', 'traces/link-to-run', { trace_ids: [], run_id: '{{run}}' })
  post('link 101', 'traces/link-to-run', {
    trace_ids: Array.from({ length: 101 }, (_, index) => traceId(index)),
    run_id: '{{run}}',
  })
  post('link without a run', 'traces/link-to-run', { trace_ids: [traceId(3)] })
  post('link prompts', 'traces/link-prompts', { trace_id: traceId(3), prompt_versions: [{ name: 'p', version: '1' }] })
  get('get linked trace', `${v3}/${traceId(3)}`)
}

function assessments({ post, get, patch, delete: remove }: Plan): void {
  const path = `${v3}/${traceId(5)}/assessments`
  const feedback = {
    assessment_name: 'good',
    trace_id: traceId(5),
    source: { source_type: 'HUMAN', source_id: 'ann' },
    create_time: '2024-01-01T00:00:00Z',
    last_update_time: '2024-01-01T00:00:00Z',
    feedback: { value: true },
    rationale: 'since',
  }
  post('create feedback', path, { assessment: feedback }, { take: { fb: 'assessment.assessment_id' } })
  post(
    'create expectation',
    path,
    {
      assessment: {
        ...feedback,
        assessment_name: 'want',
        feedback: undefined,
        expectation: { value: { a: [1, 'x', null] } },
      },
    },
    { take: { ex: 'assessment.assessment_id' } },
  )
  const cases: [string, object][] = [
    ['number', { feedback: { value: 0.5 } }],
    ['text', { feedback: { value: 'x' } }],
    ['null', { feedback: { value: null } }],
    ['no value', { feedback: {} }],
    ['no name', { assessment_name: undefined }],
    ['no source', { source: undefined }],
    ['bad source', { source: { source_type: 'X' } }],
    ['neither', { feedback: undefined }],
    ['overrides', { overrides: '{{fb}}' }],
    ['overrides unknown', { overrides: 'a-none' }],
    ['error', { feedback: { error: { error_code: 'E', error_message: 'm' } } }],
    ['metadata', { metadata: { a: 'b' } }],
    ['span', { span_id: 'abc' }],
    [
      'serialized',
      { feedback: undefined, expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: '[1]' } } },
    ],
  ]
  for (const [label, fields] of cases)
    post(`create assessment, ${label}`, path, { assessment: { ...feedback, ...fields } })
  post('create assessment, nothing', path, {})
  post('create assessment of an unknown trace', `${v3}/${traceId(999)}/assessments`, {
    assessment: { ...feedback, trace_id: traceId(999) },
  })
  get('get assessment', `${path}/{{fb}}`)
  get('get unknown assessment', `${path}/a-none`)
  patch('update feedback', `${path}/{{fb}}`, {
    assessment: { assessment_id: '{{fb}}', trace_id: traceId(5), feedback: { value: false }, rationale: 'changed' },
    update_mask: 'feedback,rationale',
  })
  patch('update name', `${path}/{{fb}}`, {
    assessment: { assessment_id: '{{fb}}', trace_id: traceId(5), assessment_name: 'better' },
    update_mask: 'assessmentName',
  })
  patch('update without a mask', `${path}/{{fb}}`, {
    assessment: { assessment_id: '{{fb}}', trace_id: traceId(5), rationale: 'x' },
  })
  patch('update of a bad mask', `${path}/{{fb}}`, {
    assessment: { assessment_id: '{{fb}}', trace_id: traceId(5), rationale: 'x' },
    update_mask: 'junk',
  })
  patch('update unknown', `${path}/a-none`, {
    assessment: { assessment_id: 'a-none', trace_id: traceId(5), rationale: 'x' },
    update_mask: 'rationale',
  })
  get('trace with assessments', `${v3}/${traceId(5)}`)
  remove('delete assessment', `${path}/{{ex}}`, undefined)
  remove('delete assessment again', `${path}/{{ex}}`, undefined)
  get('trace after deleting', `${v3}/${traceId(5)}`)
}

function search({ post }: Plan): void {
  const path = `${v3}/search`
  const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '{{exp}}' } }]
  const filters = [
    "status = 'OK'",
    "attributes.status = 'ERROR'",
    "trace.status != 'OK'",
    "status IN ('OK')",
    "name = 'odd'",
    "trace.name = 'odd'",
    "attributes.name LIKE 'o%'",
    "name RLIKE '^o'",
    "tags.color = 'blue'",
    "tag.color != 'blue'",
    'tags.none IS NULL',
    'tags.color IS NOT NULL',
    "tags.`mlflow.traceName` = 'even'",
    "metadata.custom = '3'",
    "request_metadata.custom = '3'",
    "metadata.`mlflow.trace.session` = 's1'",
    'metadata.custom IS NOT NULL',
    'timestamp > 1700000003000',
    'timestamp_ms <= 1700000003000',
    "timestamp > '5'",
    'execution_time > 3000',
    'execution_time_ms = 3500',
    'end_time > 0',
    `request_id = '${traceId(4)}'`,
    `trace_id = '${traceId(4)}'`,
    `request_id IN ('${traceId(4)}', '${traceId(5)}')`,
    "client_request_id = 'client-3'",
    "client_request_id LIKE 'client-%'",
    "run_id = '{{run}}'",
    "feedback.good = 'true'",
    "feedback.better = 'false'",
    'feedback.good IS NULL',
    'feedback.`better` IS NOT NULL',
    "expectation.want = 'x'",
    "prompt = 'p/1'",
    "prompt LIKE 'p%'",
    "prompt = 'p'",
    "issue.id = 'x'",
    "text LIKE '%question%'",
    "trace.text ILIKE '%QUESTION%'",
    "trace.text = 'x'",
    "status = 'OK' AND name = 'odd'",
    "status = 'OK' OR name = 'odd'",
    'junk',
    "nonsense = 'x'",
    "status > 'OK'",
    'name = odd',
    "timestamp LIKE '1'",
    'run_id = 5',
    "tags.color RLIKE 'b.*e'",
    "tags.color IN ('blue', 'red')",
    "metadata.custom NOT IN ('3')",
  ]
  for (const [index, filter] of filters.entries()) post(`traces ${index}: ${filter}`, path, { locations, filter })
  for (const [index, order_by] of [
    ['timestamp'],
    ['timestamp DESC'],
    ['timestamp_ms ASC'],
    ['execution_time DESC'],
    ['status', 'timestamp'],
    ['name DESC'],
    ['run_id'],
    ['request_id'],
    ['end_time'],
    ['experiment_id'],
    ['junk'],
    ['tags.color'],
    ['timestamp SIDEWAYS'],
  ].entries())
    post(`traces ordered ${index}: ${order_by.join()}`, path, { locations, order_by })
  for (const max_results of [0, -1, 1, 500, 501, 'x'])
    post(`traces max_results ${max_results}`, path, { locations, max_results })
  post(
    'traces, page 1',
    path,
    { locations, max_results: 3, order_by: ['timestamp'] },
    { take: { tnext: 'next_page_token' } },
  )
  post('traces, page 2', path, { locations, max_results: 3, order_by: ['timestamp'], page_token: '{{tnext}}' })
  post('traces, junk token', path, { locations, page_token: 'junk' })
  post('traces of nowhere', path, {})
  post('traces of an unknown experiment', path, {
    locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '777777' } }],
  })
  post('traces of a table', path, {
    locations: [{ type: 'INFERENCE_TABLE', inference_table: { full_table_name: 'a.b.c' } }],
  })
}

function legacy({ post, get, patch, delete: remove }: Plan): void {
  post(
    'v2 start',
    'traces',
    {
      experiment_id: '{{exp}}',
      timestamp_ms: 1_700_000_100_000,
      request_metadata: [{ key: 'mlflow.traceInputs', value: '"in"' }],
      tags: [{ key: 'mlflow.traceName', value: 'old' }],
    },
    { take: { old: 'trace_info.request_id' } },
  )
  post('v2 start, nothing', 'traces', {})
  post('v2 start, unknown experiment', 'traces', { experiment_id: '999999', timestamp_ms: 1 })
  get('v2 get', 'traces/{{old}}/info')
  patch('v2 end', 'traces/{{old}}', {
    timestamp_ms: 1_700_000_100_500,
    status: 'OK',
    request_metadata: [{ key: 'mlflow.traceOutputs', value: '"out"' }],
    tags: [],
  })
  patch('v2 end, unknown', `traces/${traceId(999)}`, { timestamp_ms: 1, status: 'OK' })
  get('v2 get ended', 'traces/{{old}}/info')
  patch('v2 set tag', 'traces/{{old}}/tags', { key: 'a', value: 'b' })
  remove('v2 delete tag', 'traces/{{old}}/tags', { key: 'a' })
  remove('v2 delete tag again', 'traces/{{old}}/tags', { key: 'a' })
  get('v2 search', 'traces', { experiment_ids: ['{{exp}}'], max_results: '3' })
  get('v2 search, filter', 'traces', {
    experiment_ids: ['{{exp}}'],
    filter: "status = 'OK'",
    order_by: ['timestamp DESC'],
  })
  get('v2 search, no experiment', 'traces')
  get('v3 of v2', `${v3}/{{old}}`)
  patch('v2 end, bad status', 'traces/{{old}}', { timestamp_ms: 1_700_000_100_500, status: 'X' })
}

function metrics({ post }: Plan): void {
  const base = {
    experiment_ids: ['{{exp}}'],
    view_type: 'TRACES',
    metric_name: 'trace_count',
    aggregations: [{ aggregation_type: 'COUNT' }],
  }
  post('metrics, count', `${v3}/metrics`, base)
  for (const [index, fields] of [
    { dimensions: ['trace_status'] },
    { metric_name: 'latency', aggregations: [{ aggregation_type: 'AVG' }] },
    { metric_name: 'latency', aggregations: [{ aggregation_type: 'PERCENTILE', percentile_value: 50 }] },
    { metric_name: 'junk' },
    { dimensions: ['junk'] },
    { time_interval_seconds: 3600 },
    { time_interval_seconds: 2, start_time_ms: 1_700_000_000_000, end_time_ms: 1_700_000_010_000 },
    { filters: ["trace.status = 'OK'"] },
    { view_type: 'SPANS', metric_name: 'span_count' },
    { view_type: 'ASSESSMENTS', metric_name: 'assessment_count' },
  ].entries())
    post(`metrics ${index}`, `${v3}/metrics`, { ...base, ...fields })
  const correlation = { experiment_ids: ['{{exp}}'], filter_string1: "status = 'OK'", filter_string2: "name = 'odd'" }
  post('correlation', `${v3}/calculate-filter-correlation`, correlation)
  post('correlation, base', `${v3}/calculate-filter-correlation`, {
    ...correlation,
    base_filter: "tags.color = 'blue'",
  })
  post('correlation, junk', `${v3}/calculate-filter-correlation`, { ...correlation, filter_string1: 'junk' })
}

function remove({ post, get }: Plan): void {
  const path = `${v3}/delete-traces`
  post('delete by ids', path, { experiment_id: '{{exp}}', request_ids: [traceId(6), traceId(999)] })
  post('delete by time', path, { experiment_id: '{{exp}}', max_timestamp_millis: 1_700_000_002_000, max_traces: 1 })
  post('delete by both', path, { experiment_id: '{{exp}}', max_timestamp_millis: 5, request_ids: [traceId(7)] })
  post('delete by nothing', path, { experiment_id: '{{exp}}' })
  post('delete, max_traces 0', path, { experiment_id: '{{exp}}', max_timestamp_millis: 5, max_traces: 0 })
  post('delete, max_traces with ids', path, { experiment_id: '{{exp}}', request_ids: [traceId(7)], max_traces: 2 })
  post('delete by v2', 'traces/delete-traces', { experiment_id: '{{exp}}', request_ids: [traceId(7)] })
  get('deleted trace', `${v3}/${traceId(6)}`)
}
