// Metrics and params: edges of values, steps and times, batches, histories.
import type { Plan } from '../call.ts'

const long = (length: number): string => 'x'.repeat(length)
/** As JSON text: what JavaScript's own printing would change. */
const values = [
  '0',
  '-0.0',
  '1',
  '1.5',
  '1e308',
  '1e309',
  '-1e400',
  '5e-324',
  '1e-7',
  '123456789.123456789',
  'NaN',
  '"NaN"',
  '"nan"',
  '"Infinity"',
  '"-Infinity"',
  'Infinity',
  '-Infinity',
  '"inf"',
  '"1.5"',
  '"abc"',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '3.0000000000000001',
  '9007199254740993',
]
const integers = [
  '0',
  '-1',
  '1',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '9007199254740993',
  '"7"',
  '"-7"',
  '"x"',
  '1.5',
  '2.0',
  'null',
  'true',
  '1e3',
  '""',
]
const keys = [
  'plain',
  'a/b',
  'a//b',
  '../a',
  '/a',
  'a/..',
  '.',
  '',
  ' ',
  'with space',
  'colon:x',
  'pipe|x',
  'größe',
  '模型',
  'dash-1_2.3',
  'a\\b',
  'emoji🚀',
  long(250),
  long(251),
  'a\nb',
  'tab\tx',
  'percent%',
  'a/./b',
]

export function planMetrics(plan: Plan): void {
  const { post } = plan
  post('create experiment', 'experiments/create', { name: 'metrics-base' }, { take: { exp: 'experiment_id' } })
  for (const name of ['run', 'batch', 'hist', 'other'])
    post(
      `create run ${name}`,
      'runs/create',
      { experiment_id: '{{exp}}', run_name: name, start_time: 10 },
      { take: { [name]: 'run.info.run_id' } },
    )
  single(plan)
  params(plan)
  batches(plan)
  histories(plan)
}

function single({ post, get }: Plan): void {
  for (const [index, value] of values.entries())
    post(
      `log metric value ${value}`,
      'runs/log-metric',
      `{"run_id": "{{run}}", "key": "v${index}", "value": ${value}, "timestamp": 100, "step": 1}`,
    )
  for (const [index, step] of integers.entries())
    post(
      `log metric step ${step}`,
      'runs/log-metric',
      `{"run_id": "{{run}}", "key": "s${index}", "value": 1, "timestamp": 100, "step": ${step}}`,
    )
  for (const [index, time] of integers.entries())
    post(
      `log metric timestamp ${time}`,
      'runs/log-metric',
      `{"run_id": "{{run}}", "key": "t${index}", "value": 1, "timestamp": ${time}, "step": 1}`,
    )
  for (const [index, key] of keys.entries())
    post(`log metric key ${index}`, 'runs/log-metric', { run_id: '{{run}}', key, value: 1, timestamp: 100, step: 0 })
  const some: [string, object][] = [
    ['no step', { key: 'n', value: 1, timestamp: 5 }],
    ['no timestamp', { key: 'n', value: 1 }],
    ['no value', { key: 'n', timestamp: 1 }],
    ['no key', { value: 1, timestamp: 1 }],
    ['by run_uuid', { run_id: undefined, run_uuid: '{{run}}', key: 'n2', value: 1, timestamp: 1 }],
    ['no run', { run_id: undefined, key: 'n', value: 1, timestamp: 1 }],
    ['empty run', { run_id: '', key: 'n', value: 1, timestamp: 1 }],
    ['unknown run', { run_id: 'b'.repeat(32), key: 'n', value: 1, timestamp: 1 }],
    ['dataset', { key: 'n', value: 2, timestamp: 6, dataset_name: 'd', dataset_digest: '1' }],
    ['unknown model', { key: 'n', value: 2, timestamp: 7, model_id: `m-${'1'.repeat(32)}` }],
  ]
  for (const [label, fields] of some) post(`log metric, ${label}`, 'runs/log-metric', { run_id: '{{run}}', ...fields })
  const latest: [number, number, number | string][] = [
    [5, 100, 1],
    [5, 100, 2],
    [5, 100, 1.5],
    [4, 200, 9],
    [5, 99, 9],
    [5, 100, 'NaN'],
    [6, 1, -1],
    [6, 1, 'NaN'],
    [6, 1, '-Infinity'],
    [6, 1, 'Infinity'],
    [-3, 999, 3],
  ]
  for (const [index, [step, timestamp, value]] of latest.entries()) {
    post(`latest ${index}`, 'runs/log-metric', { run_id: '{{other}}', key: 'latest', step, timestamp, value })
    get(`latest after ${index}`, 'runs/get', { run_id: '{{other}}' })
  }
  get('run after metrics', 'runs/get', { run_id: '{{run}}' })
}

function params({ post, get }: Plan): void {
  const cases: [string, unknown, unknown][] = [
    ['plain', 'p', '1'],
    ['same', 'p', '1'],
    ['changed', 'p', '2'],
    ['empty', 'pe', ''],
    ['empty again', 'pe', ''],
    ['long', 'pl', long(6000)],
    ['too long', 'pt', long(6001)],
    ['same but truncated', 'pt', long(6500)],
    ['number', 'pn', 5],
    ['null', 'pz', null],
    ['missing', 'pm', undefined],
    ['bool', 'pb', false],
    ['object', 'po', {}],
    ['unicode', 'größe', '模🚀'],
    ['long key', long(250), 'v'],
    ['too long key', long(251), 'v'],
    ['empty key', '', 'v'],
    ['bad key', '../x', 'v'],
    ['pipe key', 'a|b', 'v'],
  ]
  for (const [label, key, value] of cases)
    post(`log param, ${label}`, 'runs/log-parameter', { run_id: '{{run}}', key, value })
  post('log param, unknown run', 'runs/log-parameter', { run_id: 'c'.repeat(32), key: 'k', value: 'v' })
  get('run after params', 'runs/get', { run_id: '{{run}}' })
}

function batches({ post, get, random }: Plan): void {
  const metric = (index: number, key = `m${index}`): object => ({
    key,
    value: Math.round(random.uniform() * 1e6) / 1e3,
    timestamp: 1000 + random.integer(50),
    step: random.integer(10),
  })
  const many = (count: number, make: (index: number) => object): object[] =>
    Array.from({ length: count }, (_, index) => make(index))
  const param = (index: number): object => ({ key: `p${index}`, value: `v${index}` })
  const tag = (index: number): object => ({ key: `t${index}`, value: `v${index}` })
  const cases: [string, object][] = [
    ['empty', {}],
    ['all kinds', { metrics: many(5, metric), params: many(3, param), tags: many(3, tag) }],
    ['same params', { params: many(3, param) }],
    ['changed param', { params: [{ key: 'p0', value: 'other' }] }],
    [
      'changed and new params',
      {
        params: [
          { key: 'fresh', value: '1' },
          { key: 'p0', value: 'other' },
          { key: 'p1', value: 'another' },
        ],
      },
    ],
    [
      'duplicate params',
      {
        params: [
          { key: 'd', value: '1' },
          { key: 'd', value: '1' },
        ],
      },
    ],
    [
      'duplicate tags',
      {
        tags: [
          { key: 'd', value: '1' },
          { key: 'd', value: '2' },
        ],
      },
    ],
    [
      'duplicate metrics',
      {
        metrics: [
          { key: 'd', value: 1, timestamp: 1, step: 1 },
          { key: 'd', value: 1, timestamp: 1, step: 1 },
        ],
      },
    ],
    ['1000 metrics', { metrics: many(1000, (index) => metric(index, `b${index % 7}`)) }],
    ['1001 metrics', { metrics: many(1001, metric) }],
    ['100 params', { params: many(100, (index) => ({ key: `q${index}`, value: 'v' })) }],
    ['101 params', { params: many(101, param) }],
    ['100 tags', { tags: many(100, (index) => ({ key: `u${index}`, value: 'v' })) }],
    ['101 tags', { tags: many(101, tag) }],
    ['1001 in all', { metrics: many(950, metric), params: many(51, param) }],
    ['metric without value', { metrics: [{ key: 'x', timestamp: 1 }] }],
    ['metric without timestamp', { metrics: [{ key: 'x', value: 1 }] }],
    ['metric without key', { metrics: [{ value: 1, timestamp: 1 }] }],
    ['metric of text', { metrics: [{ key: 'x', value: 'abc', timestamp: 1 }] }],
    ['metric of text number', { metrics: [{ key: 'tn', value: '2.5', timestamp: '17', step: '3' }] }],
    ['metric of null', { metrics: [{ key: 'x', value: null, timestamp: 1 }] }],
    ['metric with null step', { metrics: [{ key: 'ns', value: 1, timestamp: 1, step: null }] }],
    ['metric with negative time', { metrics: [{ key: 'x', value: 1, timestamp: -1 }] }],
    ['metric without step', { metrics: [{ key: 'wos', value: 1, timestamp: 1 }] }],
    [
      'one bad metric of two',
      {
        metrics: [
          { key: 'good', value: 1, timestamp: 1 },
          { key: '../bad', value: 1, timestamp: 1 },
        ],
      },
    ],
    [
      'NaN and infinities',
      {
        metrics: [
          { key: 'nan', value: 'NaN', timestamp: 1, step: 0 },
          { key: 'inf', value: 'Infinity', timestamp: 1, step: 0 },
          { key: 'ninf', value: '-Infinity', timestamp: 1, step: 0 },
        ],
      },
    ],
    ['param without value', { params: [{ key: 'wov' }] }],
    ['param of a number', { params: [{ key: 'pn', value: 1 }] }],
    ['param too long', { params: [{ key: 'long', value: long(6001) }] }],
    ['param key too long', { params: [{ key: long(251), value: '' }] }],
    ['tag without value', { tags: [{ key: 'wov' }] }],
    ['tag too long', { tags: [{ key: 'long', value: long(8001) }] }],
    ['tag key too long', { tags: [{ key: long(251), value: '' }] }],
    ['run name tag', { tags: [{ key: 'mlflow.runName', value: 'renamed' }] }],
    ['metrics of text', { metrics: 'x' }],
    ['metrics of an object', { metrics: { key: 'x' } }],
    ['metric of a number', { metrics: [1] }],
    ['metric null', { metrics: [null] }],
    [
      'bad param spoils metrics',
      { metrics: [{ key: 'spoilt', value: 1, timestamp: 1 }], params: [{ key: 'p0', value: 'changed' }] },
    ],
    [
      'unicode',
      {
        metrics: [{ key: 'größe 模', value: 1, timestamp: 1, step: 0 }],
        params: [{ key: 'ü', value: '🚀' }],
        tags: [{ key: 'ß', value: 'ẞ' }],
      },
    ],
    ['unknown field', { nonsense: [] }],
    ['model', { metrics: [{ key: 'mm', value: 1, timestamp: 1, step: 0, model_id: `m-${'2'.repeat(32)}` }] }],
  ]
  for (const [label, fields] of cases) post(`log batch, ${label}`, 'runs/log-batch', { run_id: '{{batch}}', ...fields })
  post('log batch, no run', 'runs/log-batch', { metrics: [] })
  post('log batch, empty run', 'runs/log-batch', { run_id: '', metrics: [] })
  post('log batch, unknown run', 'runs/log-batch', {
    run_id: '9'.repeat(32),
    metrics: [{ key: 'x', value: 1, timestamp: 1 }],
  })
  post(
    'log batch, int64 extremes',
    'runs/log-batch',
    '{"run_id": "{{batch}}", "metrics": [{"key": "ext", "value": 1, "timestamp": 9223372036854775807, "step": -9223372036854775808}]}',
  )
  post(
    'log batch, beyond int64',
    'runs/log-batch',
    '{"run_id": "{{batch}}", "metrics": [{"key": "x", "value": 1, "timestamp": 9223372036854775808, "step": 0}]}',
  )
  get('run after batches', 'runs/get', { run_id: '{{batch}}' })
  get('history after batches', 'metrics/get-history', { run_id: '{{batch}}', metric_key: 'b3', max_results: '25000' })
  get('history of int64 extremes', 'metrics/get-history', {
    run_id: '{{batch}}',
    metric_key: 'ext',
    max_results: '25000',
  })
  post('delete run', 'runs/delete', { run_id: '{{other}}' })
  post('log batch on a deleted run', 'runs/log-batch', {
    run_id: '{{other}}',
    metrics: [{ key: 'x', value: 1, timestamp: 1 }],
  })
  post('log metric on a deleted run', 'runs/log-metric', { run_id: '{{other}}', key: 'x', value: 1, timestamp: 1 })
  post('log param on a deleted run', 'runs/log-parameter', { run_id: '{{other}}', key: 'x', value: '1' })
}

function histories({ post, get }: Plan): void {
  const points = Array.from({ length: 40 }, (_, index) => ({
    key: 'h',
    value: index % 7 === 3 ? 'NaN' : index / 4,
    timestamp: 1000 - index * 3,
    step: Math.floor(index / 2),
  }))
  post('log a history', 'runs/log-batch', { run_id: '{{hist}}', metrics: points })
  post('log the history again', 'runs/log-batch', { run_id: '{{hist}}', metrics: points.slice(0, 10) })
  const key = { run_id: '{{hist}}', metric_key: 'h' }
  get('history', 'metrics/get-history', { ...key, max_results: '25000' })
  get(
    'history, first page',
    'metrics/get-history',
    { ...key, max_results: '15' },
    { take: { page: 'next_page_token' } },
  )
  get(
    'history, second page',
    'metrics/get-history',
    { ...key, max_results: '15', page_token: '{{page}}' },
    { take: { page2: 'next_page_token' } },
  )
  get('history, last page', 'metrics/get-history', { ...key, max_results: '15', page_token: '{{page2}}' })
  get('history without a limit', 'metrics/get-history', key)
  for (const max_results of ['0', '-1', '1', '25001', 'abc', '2.5'])
    get(`history, max_results ${max_results}`, 'metrics/get-history', { ...key, max_results })
  get('history, junk token', 'metrics/get-history', { ...key, max_results: '5', page_token: 'junk' })
  get('history of no key', 'metrics/get-history', { run_id: '{{hist}}' })
  get('history of an unknown key', 'metrics/get-history', { run_id: '{{hist}}', metric_key: 'none', max_results: '10' })
  get('history of an unknown run', 'metrics/get-history', {
    run_id: '8'.repeat(32),
    metric_key: 'h',
    max_results: '10',
  })
  get('history by run_uuid', 'metrics/get-history', { run_uuid: '{{hist}}', metric_key: 'h', max_results: '3' })
  const bulk = '/ajax-api/2.0/mlflow/metrics/get-history-bulk'
  get('bulk', bulk, { run_id: ['{{hist}}', '{{batch}}'], metric_key: 'h' })
  get('bulk, limit', bulk, { run_id: ['{{hist}}'], metric_key: 'h', max_results: '4' })
  get('bulk, no run', bulk, { metric_key: 'h' })
  get('bulk, no key', bulk, { run_id: '{{hist}}' })
  get('bulk, unknown run', bulk, { run_id: '7'.repeat(32), metric_key: 'h' })
  get('bulk, 101 runs', bulk, { run_id: Array.from({ length: 101 }, () => '{{hist}}'), metric_key: 'h' })
  get('bulk, max_results abc', bulk, { run_id: '{{hist}}', metric_key: 'h', max_results: 'abc' })
  const interval = 'metrics/get-history-bulk-interval'
  get('interval', interval, { run_ids: ['{{hist}}'], metric_key: 'h' })
  get('interval, 5 points', interval, { run_ids: ['{{hist}}'], metric_key: 'h', max_results: '5' })
  get('interval, steps 4 to 9', interval, {
    run_ids: ['{{hist}}'],
    metric_key: 'h',
    start_step: '4',
    end_step: '9',
    max_results: '100',
  })
  get('interval, start only', interval, { run_ids: ['{{hist}}'], metric_key: 'h', start_step: '4' })
  get('interval, start after end', interval, { run_ids: ['{{hist}}'], metric_key: 'h', start_step: '9', end_step: '4' })
  for (const max_results of ['0', '-1', '2500', '2501', 'x'])
    get(`interval, max_results ${max_results}`, interval, { run_ids: '{{hist}}', metric_key: 'h', max_results })
  get('interval, no runs', interval, { metric_key: 'h' })
  get('interval, 101 runs', interval, { run_ids: Array.from({ length: 101 }, () => '{{hist}}'), metric_key: 'h' })
  get('interval, two runs', interval, { run_ids: ['{{hist}}', '{{batch}}'], metric_key: 'b1', max_results: '50' })
}
