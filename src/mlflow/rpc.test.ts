// How requests are read and errors are told, on one method that answers what it was asked.
import { expect, test } from 'vitest'
import { DomainError } from '../platform/errors.ts'
import type { Methods } from './wire/method.ts'
import { bind } from './rpc.ts'
import { createMlflowTestServer } from './testing.ts'

/** What the method saw comes back inside of a run's name. */
const echo = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each))

const methods = bind<object>(
  {
    createRun: {
      permission: 'run.write',
      handle: async (_deps, { request, sent }) => ({
        run: { info: { run_name: echo(request), user_id: [...sent].join(' '), start_time: request.start_time } },
      }),
    },
    getRun: {
      permission: 'run.read',
      handle: async () => {
        throw new DomainError('not_found', 'x_not_found', 'there is no such thing')
      },
    },
    searchRuns: {
      permission: 'run.read',
      handle: async () => {
        throw new Error('a secret of the inside')
      },
    },
    getMetricHistoryBulkInterval: {
      permission: 'run.read',
      handle: async (_deps, { request }) => ({ metrics: [{ key: echo(request) }] }),
    },
    logBatch: { permission: 'run.write', handle: async () => ({}) },
    setTraceTagV3: {
      permission: 'run.write',
      handle: async (_deps, { request }) => {
        throw new DomainError('invalid', 'x', echo(request))
      },
    },
  } satisfies Methods<object>,
  {},
)

test('what is nested without end is refused, and so is a body without end', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const post = (payload: string, url = '/api/2.0/mlflow/runs/create') =>
    mlflow.server.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' }, payload })
  const nested = (times: number, inner = '1'): string => '[{"a":'.repeat(times / 2) + inner + '}]'.repeat(times / 2)
  expect((await post(`{"nobody_knows": ${nested(20_000)}}`)).statusCode).toBe(200)
  expect((await post(`{"tags": ${nested(98)}}`)).statusCode).toBe(200)
  for (const inner of [nested(102), nested(20_000), nested(20_000, '12345678901234567890')]) {
    for (const field of ['tags', 'run_name']) {
      const refused = await post(`{"${field}": ${inner}}`)
      expect([refused.statusCode, refused.json().error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
      expect(refused.json().message).toContain('nested too deeply')
    }
  }
  const large = await post(`{"run_name": "${'x'.repeat(64 * 1024 * 1024)}"}`)
  expect([large.statusCode, large.json().error_code]).toEqual([413, 'INVALID_PARAMETER_VALUE'])
})

test('a body is read whatever its spelling, and an integer of 64 bits comes back as it went', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const post = (payload: string, url = '/ajax-api/2.0/mlflow/runs/create') =>
    mlflow.server.inject({ method: 'POST', url, headers, payload })
  const large = await post('{"startTime": 9223372036854775807, "run_name": ""}')
  expect(large.headers['content-type']).toContain('application/json')
  expect(large.body).toContain('"start_time":9223372036854775807')
  expect(large.json().run.info.user_id).toBe('start_time run_name')
  const twice = await post(JSON.stringify('{"run_name": "encoded twice"}'))
  expect(JSON.parse(twice.json().run.info.run_name)).toEqual({ run_name: 'encoded twice' })
  expect((await post('')).statusCode).toBe(200)
})

test.each([
  ['POST', '2.0/mlflow/runs/create', '[1]', 'The request body must be a JSON object.'],
  ['POST', '2.0/mlflow/runs/create', '{', 'The request body is not JSON'],
  [
    'POST',
    '2.0/mlflow/runs/create',
    '{"run_name":7}',
    "Invalid value 7 for parameter 'run_name' supplied:  Hint: Value was of type 'int'. See the API docs",
  ],
  ['POST', '2.0/mlflow/runs/create', '{"tags":[{"key":7}]}', "Invalid value 7 for parameter 'tags[0].key' supplied"],
  [
    'POST',
    '2.0/mlflow/runs/log-batch',
    '{}',
    "Missing value for required parameter 'run_id'. See the API docs for more information about request parameters.",
  ],
  [
    'POST',
    '2.0/mlflow/runs/log-batch',
    '{"run_id":"a","metrics":[{"key":"k","value":0}]}',
    "Missing value for required parameter 'metrics[0].timestamp'. See",
  ],
  [
    'POST',
    '2.0/mlflow/runs/create',
    '{"run_name":"a","runName":"b"}',
    "Request specifies both 'run_name' and 'runName'; provide only one of them.",
  ],
] as const)('%s %s refuses %s', async (...[method, path, payload, message]) => {
  await using mlflow = await createMlflowTestServer(methods)
  const headers = { 'content-type': 'application/json' }
  const answer = await mlflow.server.inject({ method, url: `/api/${path}`, headers, payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().error_code).toBe('INVALID_PARAMETER_VALUE')
  expect(answer.json().message).toContain(message)
})

test('other content types are refused', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const headers = { 'content-type': 'text/plain' }
  const url = '/api/2.0/mlflow/runs/create'
  const answer = await mlflow.server.inject({ method: 'POST', url, headers, payload: '{}' })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().message).toBe("Bad Request. Content-Type must be one of ['application/json'].")
})

test('what is meant for a workspace is refused', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const headers = { 'content-type': 'application/json', 'x-mlflow-workspace': 'team' }
  const url = '/api/2.0/mlflow/runs/create'
  const answer = await mlflow.server.inject({ method: 'POST', url, headers, payload: '{}' })
  expect([answer.statusCode, answer.json().error_code]).toEqual([500, 'FEATURE_DISABLED'])
})

test('a query is read with its lists, and checked', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const url = '/api/2.0/mlflow/metrics/get-history-bulk-interval'
  const get = (query: string) => mlflow.server.inject({ method: 'GET', url: `${url}?${query}` })
  const found = await get('run_ids=a&run_ids=b&metric_key=m&start_step=-5&other=1')
  expect(JSON.parse(found.json().metrics[0].key)).toEqual({ run_ids: ['a', 'b'], metric_key: 'm', start_step: -5 })
  expect((await get('run_ids=a&metric_key=m&max_results=9999')).json().message).toContain(
    'max_results must be between 1 and 2500. See the API docs',
  )
  const many = Array.from({ length: 101 }, (_, index) => `run_ids=${index}`).join('&')
  expect((await get(`${many}&metric_key=m`)).json().message).toContain('Received 101 run_ids.')
  expect((await get('metric_key=m')).json().message).toContain("required parameter 'run_ids'")
})

test('a GET may carry its fields in a body', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const url = '/api/2.0/mlflow/metrics/get-history-bulk-interval'
  const payload = '{"run_ids":["a"],"metric_key":"m"}'
  const headers = { 'content-type': 'application/json' }
  const answer = await mlflow.server.inject({ method: 'GET', url, headers, payload })
  expect(answer.statusCode).toBe(200)
})

test('a refusal of a rule has its code and text, and a fault of ours tells nothing of the inside', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const missing = await mlflow.call('GET', '2.0/mlflow/runs/get', { run_id: 'a' })
  expect(missing).toEqual({
    status: 404,
    json: {
      error_code: 'RESOURCE_DOES_NOT_EXIST',
      message: 'there is no such thing',
      sqlstate: 'KAM00',
      error_class: 'RESOURCE_NOT_FOUND',
    },
  })
  const fault = await mlflow.call('POST', '2.0/mlflow/runs/search', { experiment_ids: ['0'] })
  expect(fault.status).toBe(500)
  expect(fault.json.error_code).toBe('INTERNAL_ERROR')
  expect(fault.json.message).not.toContain('secret')
})

test('what is no method is told so that clients of other releases fall back', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const answer = await mlflow.call('GET', '3.0/mlflow/not-in-this-release?x=1')
  expect([answer.status, answer.json.error_code]).toEqual([404, 'ENDPOINT_NOT_FOUND'])
})

test('a part of the path is a field of the request', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const answer = await mlflow.call('PATCH', '3.0/mlflow/traces/tr-1/tags', { key: 'k', value: '' })
  expect(JSON.parse(answer.json.message)).toEqual({ trace_id: 'tr-1', key: 'k', value: '' })
})

test('clients learn which release is spoken', async () => {
  await using mlflow = await createMlflowTestServer(methods)
  const get = (url: string) => mlflow.server.inject({ method: 'GET', url })
  expect((await get('/version')).body).toMatch(/^\d+\.\d+\.\d+$/v)
  expect((await get('/health')).body).toBe('OK')
  expect((await get('/ajax-api/3.0/mlflow/server-info')).json()).toMatchObject({ workspaces_enabled: false })
})
