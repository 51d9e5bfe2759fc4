// Metrics and params over MLflow's API, on real databases: what a client logs is what it reads, and mistakes are told in MLflow's words.
import { expect, test } from 'vitest'
import { artifactMigrations } from '../../artifacts/migrations.ts'
import { experimentMigrations } from '../../experiments/migrations.ts'
import { createRun, setRunDeleted, type RecordingTables } from '../../experiments/recording.ts'
import { createRunWriter } from '../../experiments/run-writer.ts'
import { governanceMigrations } from '../../governance/migrations.ts'
import { testActor } from '../../governance/testing.ts'
import { transact } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { silentLog } from '../../platform/log.ts'
import { readerOf } from '../../platform/reader.ts'
import { createTestServer } from '../../governance/testing.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { getRun } from '../../experiments/reading.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer } from '../testing.ts'
import { metricBulkRoute } from './metric-bulk-route.ts'
import { metricMethods } from './metric-methods.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
const actor = testActor('ada')

async function open(truncatesLongValues = true) {
  const db = await createTestDatabase<RecordingTables>(migrations)
  const deps = { db, reader: readerOf(db), writer: createRunWriter(db), truncatesLongValues }
  const mlflow = await createMlflowTestServer(bind(metricMethods, deps))
  const run = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  const post = async (path: string, fields: object) => mlflow.call('POST', `2.0/mlflow/runs/${path}`, fields)
  return {
    db,
    deps,
    run,
    batch: (fields: object) => post('log-batch', { run_id: run, ...fields }),
    metric: (fields: object) => post('log-metric', { run_id: run, ...fields }),
    param: (fields: object) => post('log-parameter', { run_id: run, ...fields }),
    history: async (fields: object) =>
      (await mlflow.call('GET', '2.0/mlflow/metrics/get-history', { run_id: run, ...fields })).json,
    get: (path: string, fields: object) => mlflow.call('GET', `2.0/mlflow/metrics/${path}`, fields),
    async [Symbol.asyncDispose]() {
      await mlflow[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}

const messageOf = ({ status, json }: { status: number; json: { error_code: string; message: string } }) =>
  `${status} ${json.error_code}: ${json.message}`
const unfit = '400 INVALID_PARAMETER_VALUE: '

test('what is logged is what is read: NaN as text, infinities as the greatest doubles, integers of 64 bits', async () => {
  await using mlflow = await open()
  for (const value of [1.5, 'NaN', 'Infinity', '-Infinity']) {
    expect(await mlflow.metric({ key: 'n', value, timestamp: 1, step: 2 })).toEqual({ status: 200, json: {} })
  }
  const big = { key: 'b', value: 1, timestamp: '9223372036854775807', step: '-9223372036854775808' }
  await mlflow.metric(big)
  const at = { key: 'n', timestamp: 1, step: 2 }
  expect(await mlflow.history({ metric_key: 'n' })).toEqual({
    metrics: [
      { ...at, value: -Number.MAX_VALUE },
      { ...at, value: 'NaN' },
      { ...at, value: 1.5 },
      { ...at, value: Number.MAX_VALUE },
    ],
  })
  const { deps, run } = mlflow
  await using server = await createTestServer(metricBulkRoute, { ...deps, log: silentLog })
  const bulk = '/ajax-api/2.0/mlflow/metrics/get-history-bulk'
  const { body } = await server.inject({ url: bulk, query: { run_id: run, metric_key: 'b' } })
  expect(body).toContain('"step":-9223372036854775808,"timestamp":9223372036854775807,"value":1.0}')
  const nan = await server.inject({ url: bulk, query: { run_id: run, metric_key: 'n' } })
  expect(nan.body).toContain('"value":NaN}')
})

test('a history comes in pages in order of time, whatever the order of the steps, and whole without a size', async () => {
  await using mlflow = await open()
  for (const key of ['forth', 'back']) {
    const metrics = Array.from({ length: 7 }, (_, step) => ({
      key,
      value: step / 2,
      step,
      timestamp: key === 'forth' ? step : 100 - step,
    }))
    await mlflow.batch({ metrics })
    const wanted = key === 'forth' ? metrics : metrics.toReversed()
    expect(await mlflow.history({ metric_key: key })).toEqual({ metrics: wanted })
    const pages = []
    for (let page_token; ;) {
      const page = await mlflow.history({ metric_key: key, max_results: 3, ...(page_token && { page_token }) })
      pages.push(page.metrics)
      page_token = page.next_page_token
      if (!page_token) break
    }
    expect(pages).toEqual([wanted.slice(0, 3), wanted.slice(3, 6), wanted.slice(6)])
  }
  expect(await mlflow.history({ metric_key: 'none' })).toEqual({})
  expect(await mlflow.history({ metric_key: 'forth', page_token: 'junk' })).toMatchObject({
    error_code: 'INVALID_PARAMETER_VALUE',
    message: String.raw`Invalid page token, decoded value=b'\x8e\xe9\xe4'`,
  })
  expect(await mlflow.history({ metric_key: 'forth', max_results: 0 })).toMatchObject({
    message: "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer.",
  })
})

test('a sample has the first point of each of its even parts, and the last of all', async () => {
  await using mlflow = await open()
  const { run } = mlflow
  await mlflow.batch({
    metrics: Array.from({ length: 11 }, (_, step) => ({ key: 'h', value: step, step, timestamp: 50 - step })),
  })
  const sample = async (fields: object) => {
    const { status, json } = await mlflow.get('get-history-bulk-interval', { run_ids: run, metric_key: 'h', ...fields })
    return status === 200 ? (json.metrics ?? []).map(({ step }: { step: number }) => step) : json.message
  }
  expect(await sample({})).toHaveLength(11)
  // Stock's answers to the same points.
  expect(await sample({ max_results: 4 })).toEqual([0, 3, 6, 10])
  expect(await sample({ max_results: 1 })).toEqual([10])
  expect(await sample({ max_results: 3, start_step: 2, end_step: 8 })).toEqual([2, 5, 8])
  expect(await sample({ start_step: 2, end_step: 4 })).toEqual([2, 3, 4])
  expect(await sample({ start_step: 2 })).toBe(
    'If either start step or end step are specified, both must be specified.',
  )
  expect(await sample({ start_step: 3, end_step: 2 })).toBe(
    'end_step must be greater than start_step. Found start_step=3 and end_step=2.',
  )
})

test('mistakes in a metric are told as MLflow tells them', async () => {
  await using mlflow = await open()
  const at = { timestamp: 1 }
  const told = async (fields: object) => messageOf(await mlflow.metric(fields))
  const characters =
    'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).'
  expect(await told({ key: 'a?', value: 1, ...at })).toBe(
    `${unfit}Invalid value "a?" for parameter 'name' supplied: ${characters}`,
  )
  expect(await told({ key: 'a', value: 1e-7, timestamp: -1 })).toBe(
    `${unfit}Invalid value -1 for parameter 'timestamp' supplied: metric 'a' (value=1e-07). Timestamp must be a nonnegative long (64-bit integer) `,
  )
  expect(await told({ key: 'x'.repeat(251), value: 1, ...at })).toBe(
    `${unfit}'Metric name' exceeds the maximum length of 250 characters`,
  )
  expect(await told({ key: 'a', value: 1, ...at, dataset_name: 'd' })).toBe(
    `${unfit}Both dataset_name and dataset_digest must be provided if one is provided`,
  )
  expect(
    messageOf(
      await mlflow.batch({
        metrics: [
          { key: 'a', value: 1, timestamp: 1 },
          { key: '../b', value: 1, ...at },
        ],
      }),
    ),
  ).toContain(`Invalid value "../b" for parameter 'metrics[1].name' supplied: Names may be treated as files`)
  expect(messageOf(await mlflow.metric({ run_id: 'nope', key: 'a', value: 1, ...at }))).toBe(
    '404 RESOURCE_DOES_NOT_EXIST: Run with id=nope not found',
  )
  expect(messageOf(await mlflow.batch({ run_id: 'no pe' }))).toBe(
    `${unfit}Invalid value "no pe" for parameter 'run_id' supplied.`,
  )
  expect(messageOf(await mlflow.metric({ key: 'a', value: 1, ...at, model_id: 'm-none' }))).toBe(
    "404 RESOURCE_DOES_NOT_EXIST: Logged model with ID 'm-none' not found.",
  )
  expect((await getRun(mlflow.db, mlflow.run)).metrics).toEqual({})
})

test('a batch is bounded, names each param once, and the last of a tag wins', async () => {
  await using mlflow = await open()
  const told = async (fields: object) => messageOf(await mlflow.batch(fields))
  const metrics = (count: number) =>
    Array.from({ length: count }, (_, step) => ({ key: 'a', value: 1, timestamp: 1, step }))
  const params = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `p${i}`, value: '1' }))
  expect(await told({ metrics: metrics(1001) })).toBe(
    `${unfit}A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again.`,
  )
  expect(await told({ metrics: metrics(901), params: params(100) })).toContain(
    'at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags.',
  )
  expect(await told({ params: [...params(2), ...params(2)] })).toBe(
    `${unfit}Duplicate parameter keys have been submitted: ['p0', 'p1']. Please ensure the request contains only one param value per param key.`,
  )
  const tags = [
    { key: 'w', value: '1' },
    { key: 'w', value: '2' },
  ]
  expect(await mlflow.batch({ metrics: metrics(900), params: params(98), tags })).toEqual({ status: 200, json: {} })
  const run = await getRun(mlflow.db, mlflow.run)
  expect(run.tags).toMatchObject({ w: '2' })
  expect(run.metrics['a']).toMatchObject({ step: 899 })
  expect(Object.keys(run.params)).toHaveLength(98)
})

test('a param keeps its first value, which the refusal of another tells', async () => {
  await using mlflow = await open()
  const { run } = mlflow
  const params = [
    { key: 'k', value: '1' },
    { key: 'k2', value: "it's" },
  ]
  for (let time = 0; time < 2; time++) expect((await mlflow.batch({ params })).status).toBe(200)
  expect((await mlflow.param({ key: 'k', value: '1' })).status).toBe(200)
  const others = [
    { key: 'k', value: '2' },
    { key: 'k2', value: 'a\n"b\'é\u0007' },
  ]
  expect(messageOf(await mlflow.batch({ params: others, tags: [{ key: 'late', value: '1' }] }))).toBe(
    `${unfit}Changing param values is not allowed. Params were already logged='[{'key': 'k', 'old_value': '1', 'new_value': '2'}, {'key': 'k2', 'old_value': "it's", 'new_value': 'a\\n"b\\'é\\x07'}]' for run ID='${run}'.`,
  )
  expect(messageOf(await mlflow.param({ key: 'k', value: '3' }))).toBe(
    `${unfit}Changing param values is not allowed. Param with key='k' was already logged with value='1' for run ID='${run}'. Attempted logging new value '3'.`,
  )
  expect((await mlflow.param({ key: 'empty', value: '' })).status).toBe(200)
  const stored = await getRun(mlflow.db, run)
  expect(stored.params).toEqual({ k: '1', k2: "it's", empty: '' })
  expect(stored.tags).not.toHaveProperty('late')
})

test('long values are cut off, or refused where the server is set so', async () => {
  const long = [{ key: 'l', value: 'x'.repeat(8001) }]
  {
    await using cuts = await open(true)
    await cuts.batch({ params: long, tags: long })
    const { params, tags } = await getRun(cuts.db, cuts.run)
    expect([params['l']?.length, tags['l']?.length]).toEqual([6000, 8000])
  }
  await using refuses = await open(false)
  expect(messageOf(await refuses.batch({ params: long }))).toBe(
    `${unfit}'Param value' exceeds the maximum length of 6000 characters`,
  )
  expect(messageOf(await refuses.batch({ tags: long }))).toBe(
    `${unfit}'tags[0].value' exceeds the maximum length of 8000 characters`,
  )
})

test('a deleted run takes nothing', async () => {
  await using mlflow = await open()
  const { run } = mlflow
  await transact(mlflow.db, (trx) => setRunDeleted(trx, actor, { runId: run, isDeleted: true }))
  const refusal = `${unfit}The run ${run} must be in the 'active' state. Current state is deleted.`
  expect(messageOf(await mlflow.batch({}))).toBe(refusal)
  expect(messageOf(await mlflow.metric({ key: 'a', value: 1, timestamp: 1 }))).toBe(refusal)
  expect(messageOf(await mlflow.param({ key: 'a', value: '1' }))).toBe(refusal)
})
