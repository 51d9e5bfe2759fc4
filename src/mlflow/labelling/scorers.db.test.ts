// Statuses and texts are those that MLflow's server 3.17.2 answered to the same calls.
import { expect, test } from 'vitest'
import { createTestServer } from '../../governance/testing.ts'
import { silentLog } from '../../platform/log.ts'
import { onlineScoringRoutes } from './online-scoring-routes.ts'
import { createLabellingServer } from './testing.ts'

const scorers = '3.0/mlflow/scorers'
const issues = '3.0/mlflow/issues'
const serialized_scorer = '{"name": "s", "builtin_scorer_pydantic_data": {"name": "s", "model": "openai:/gpt"}}'

const invalid = (message: unknown) => ({ status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE', message } })
const notFound = (message: string) => ({ status: 404, json: { error_code: 'RESOURCE_DOES_NOT_EXIST', message } })

test('a scorer is registered in versions and deleted by version or whole', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const which = { experiment_id: '0', name: 's' }
  const register = async () => (await call('POST', `${scorers}/register`, { ...which, serialized_scorer })).json
  const first = await register()
  expect(first).toEqual({
    version: 1,
    scorer_id: expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/v) as unknown,
    experiment_id: '0',
    name: 's',
    serialized_scorer,
    creation_time: expect.any(Number) as unknown,
  })
  expect(await register()).toMatchObject({ version: 2, scorer_id: first.scorer_id })
  const versionsOf = async (path: string, fields: object = which) =>
    ((await call('GET', `${scorers}/${path}`, fields)).json.scorers as { scorer_version: number }[]).map(
      ({ scorer_version: version }) => version,
    )
  expect(await versionsOf('list', { experiment_id: '0' })).toEqual([2])
  expect(await versionsOf('list', {})).toEqual([2])
  expect(await versionsOf('list', { experiment_ids: ['0', '1'] })).toEqual([2])
  expect(await versionsOf('versions')).toEqual([1, 2])
  const get = (fields: object) => call('GET', `${scorers}/get`, { ...which, ...fields })
  expect((await get({})).json.scorer).toMatchObject({ experiment_id: 0, scorer_name: 's', scorer_version: 2 })
  expect((await get({ version: 1 })).json.scorer.scorer_version).toBe(1)
  expect(await get({ version: 9 })).toMatchObject(
    notFound("Scorer with name 's' and version 9 not found for experiment 0."),
  )
  expect(await get({ name: 'nope' })).toMatchObject(notFound("Scorer with name 'nope' not found for experiment 0."))
  const remove = (fields: object) => call('DELETE', `${scorers}/delete`, { ...which, ...fields })
  expect((await remove({ version: 9 })).status).toBe(404)
  expect((await remove({ version: 1 })).status).toBe(200)
  expect(await register()).toMatchObject({ version: 3 })
  expect((await remove({})).status).toBe(200)
  expect(await remove({})).toMatchObject(notFound("Scorer with name 's' not found for experiment 0."))
})

test.for([
  ['junk', 400, 'serialized_scorer must be valid JSON'],
  ['[1]', 400, 'serialized_scorer must be a JSON object'],
  ['{"a": [{"call_source": "print(1)"}]}', 400, 'Custom scorer registration (using @scorer decorator)'],
  [
    '{"third_party_scorer_data": {"kwargs": {"x": [["api_base", "http://a"]]}}}',
    400,
    "third_party_scorer_data.kwargs must not contain 'api_base'",
  ],
  [
    '{"third_party_scorer_data": {"kwargs": [1]}}',
    400,
    'third_party_scorer_data.kwargs must be a JSON object, got list.',
  ],
  ['{"builtin_scorer_pydantic_data": {"model": " "}}', 400, 'Scorer model cannot be empty or contain only whitespace.'],
  ['{"builtin_scorer_pydantic_data": {"model": "gateway:/foo"}}', 404, "GatewayEndpoint not found (name='foo')"],
] as const)('a scorer that is refused: %s', async ([text, status, message]) => {
  await using server = await createLabellingServer()
  const sent = { experiment_id: '0', name: 'x', serialized_scorer: text }
  const answer = await server.call('POST', `${scorers}/register`, sent)
  expect(answer.status).toBe(status)
  expect(answer.json.message).toContain(message)
})

test('how a scorer samples traces is kept, and refused where it could not work', async () => {
  await using labelling = await createLabellingServer()
  const registered = { experiment_id: '0', name: 's', serialized_scorer }
  const { scorer_id: id } = (await labelling.call('POST', `${scorers}/register`, registered)).json
  await using server = await createTestServer(onlineScoringRoutes, { db: labelling.db, log: silentLog })
  const put = async (fields: object) => {
    const payload = { experiment_id: '0', name: 's', ...fields }
    const answer = await server.inject({ method: 'PUT', url: `/api/${scorers}/online-config`, payload })
    return { status: answer.statusCode, json: answer.json<Record<string, unknown>>() }
  }
  expect((await put({ sample_rate: 0, filter_string: "status = 'OK'" })).status).toBe(200)
  const got = await server.inject({ url: `/ajax-api/${scorers}/online-configs?scorer_ids=${id as string}` })
  expect(got.json()).toEqual({
    configs: [
      {
        online_scoring_config_id: expect.any(String) as unknown,
        scorer_id: id,
        sample_rate: 0,
        experiment_id: '0',
        filter_string: "status = 'OK'",
      },
    ],
  })
  expect(await put({ sample_rate: 2 })).toMatchObject(invalid('sample_rate must be between 0.0 and 1.0, got 2.0'))
  expect(await put({ sample_rate: 'lots' })).toMatchObject({ status: 400 })
  expect(await put({})).toMatchObject({ status: 400 })
  expect(await put({ sample_rate: 0, filter_string: 'zzz' })).toMatchObject(
    invalid("Invalid clause(s) in filter string: 'zzz'"),
  )
  expect(await put({ sample_rate: 0.5 })).toMatchObject(
    invalid(
      "Scorer 's' does not use a gateway model. Automatic evaluation is only supported for scorers that use gateway models.",
    ),
  )
  expect(await put({ name: 'nope', sample_rate: 0 })).toMatchObject(
    notFound("Scorer with name 'nope' not found for experiment 0."),
  )
})

test('issues come the severest first, and are filtered by status', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const create = async (fields: object) =>
    (await call('POST', issues, { experiment_id: '0', description: 'd', ...fields })).json.issue
  const low = await create({ name: 'low', severity: 'low', root_causes: ['r'], categories: ['c'] })
  expect(low).toMatchObject({ status: 'pending', severity: 'low', root_causes: ['r'], categories: ['c'] })
  await create({ name: 'none' })
  const high = await create({ name: 'high', severity: 'high' })
  const search = (fields: object = {}) => call('POST', `${issues}/search`, fields)
  const names = async (fields: object = {}): Promise<string[]> =>
    (((await search(fields)).json.issues ?? []) as { name: string }[]).map(({ name }) => name)
  expect(await names()).toEqual(['high', 'low', 'none'])
  const id = high.issue_id as string
  const changed = await call('PATCH', `${issues}/${id}`, { issue_id: id, status: 'resolved', name: '' })
  expect(changed.json.issue).toMatchObject({ name: 'high', status: 'resolved' })
  expect(await names({ filter_string: "status = 'pending' AND source_run_id != 'and'" })).toEqual([])
  expect(await names({ filter_string: "status != 'resolved'" })).toEqual(['low', 'none'])
  const page = await search({ experiment_id: '0', max_results: 1, include_trace_count: true })
  expect(page.json).toMatchObject({
    issues: [{ name: 'high', trace_count: 0 }],
    next_page_token: 'eyJvZmZzZXQiOiAxfQ==',
  })
  expect(await search({ filter_string: "foo = 'x'" })).toMatchObject(
    invalid("Invalid filter field 'foo'. Supported fields: {'source_run_id', 'status'}"),
  )
  expect(await search({ filter_string: "status > 'x'" })).toMatchObject(
    invalid("Invalid comparator '>'. Supported comparators: {'=', '!='}"),
  )
  expect(await search({ max_results: 0 })).toMatchObject(
    invalid("Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
  )
  expect((await call('POST', issues, { experiment_id: '0', name: 'n', description: 'd', status: 'what' })).status).toBe(
    400,
  )
  const unknownRun = { experiment_id: '0', name: 'n', description: 'd', source_run_id: 'none' }
  expect((await call('POST', issues, unknownRun)).status).toBe(404)
  expect(await call('GET', `${issues}/nope`)).toMatchObject(notFound("Issue with ID 'nope' not found"))
})

test('a token that is bound to a run reads labels and writes none', async () => {
  await using server = await createLabellingServer({ scope: 'run_1' })
  const { call } = server
  expect((await call('GET', `${scorers}/list`, { experiment_id: '0' })).status).toBe(200)
  const sent = { experiment_id: '0', name: 's', description: 'd', serialized_scorer }
  expect((await call('POST', `${scorers}/register`, sent)).status).toBe(403)
  expect((await call('POST', issues, sent)).status).toBe(403)
  expect((await call('POST', '3.0/mlflow/datasets/create', sent)).status).toBe(403)
})
