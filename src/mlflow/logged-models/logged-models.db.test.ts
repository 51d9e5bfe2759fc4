// Statuses and texts are those that MLflow's server 3.17.2 answered to the same calls.
import { expect, test } from 'vitest'
import { createExperiment } from '../../experiments/experiments.ts'
import { createRun, type RecordingTables } from '../../experiments/recording.ts'
import type { LoggedModelWriteTables } from '../../experiments/logged-models.ts'
import { artifactMigrations } from '../../artifacts/migrations.ts'
import { experimentMigrations } from '../../experiments/migrations.ts'
import { governanceMigrations } from '../../governance/migrations.ts'
import { testActor, type TestServerOptions } from '../../governance/testing.ts'
import { on, transact } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { readerOf } from '../../platform/reader.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer } from '../testing.ts'
import { loggedModelMethods } from './logged-model-methods.ts'
import { loggedModelSearchMethods } from './search-methods.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
const path = '2.0/mlflow/logged-models'

async function served(options: TestServerOptions = {}) {
  const db = await createTestDatabase<LoggedModelWriteTables & RecordingTables>(migrations)
  await transact(db, (trx) => createExperiment(trx, testActor(), { name: 'Default' }))
  await transact(db, (trx) => createExperiment(trx, testActor(), { name: 'other' }))
  await transact(db, (trx) => createRun(trx, testActor(), { experiment: 'Default', id: 'run_1' }))
  const methods = {
    ...bind(loggedModelMethods, { db }),
    ...bind(loggedModelSearchMethods, { db, reader: readerOf(db) }),
  }
  const server = await createMlflowTestServer(methods, options)
  const call: typeof server.call = (...sent) => server.call(...sent)
  return {
    db,
    call,
    create: async (fields: object = {}) => (await call('POST', path, { experiment_id: '0', ...fields })).json,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}

const refusal = (status: number, error_code: string, message: unknown) => ({ status, json: { error_code, message } })
const invalid = (message: unknown) => refusal(400, 'INVALID_PARAMETER_VALUE', message)
const notFound = (message: unknown) => refusal(404, 'RESOURCE_DOES_NOT_EXIST', message)

test('a logged model goes from its creation to its deletion', async () => {
  await using server = await served()
  const { call } = server
  const { model } = await server.create({
    name: 'boosted',
    params: [{ key: 'a', value: '1' }],
    tags: [{ key: 't', value: 'v' }],
  })
  const id = model.info.model_id as string
  expect(model).toEqual({
    info: {
      model_id: expect.stringMatching(/^m-[0-9a-f]{32}$/v) as unknown,
      experiment_id: '0',
      name: 'boosted',
      creation_timestamp_ms: expect.any(Number) as unknown,
      last_updated_timestamp_ms: model.info.creation_timestamp_ms,
      artifact_uri: `mlflow-artifacts:/0/models/${id}/artifacts`,
      status: 'LOGGED_MODEL_PENDING',
      model_type: '',
      source_run_id: '',
      tags: [{ key: 't', value: 'v' }],
    },
    data: { params: [{ key: 'a', value: '1' }] },
  })
  const ready = await call('PATCH', `${path}/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' })
  expect(ready.json.model.info.status).toBe('LOGGED_MODEL_READY')
  const tags = [
    { key: 'a', value: '1' },
    { key: 'a', value: '2' },
  ]
  expect(await call('PATCH', `${path}/${id}/tags`, { tags })).toEqual({ status: 200, json: {} })
  expect(await call('DELETE', `${path}/${id}/tags/t`)).toEqual({ status: 200, json: {} })
  expect(await call('DELETE', `${path}/${id}/tags/t`)).toMatchObject(
    notFound(`No tag with key 't' found for model with ID '${id}'.`),
  )
  const params = [{ key: 'b', value: '1' }]
  expect(await call('POST', `${path}/${id}/params`, { model_id: id, params })).toEqual({ status: 200, json: {} })
  const again = await call('POST', `${path}/${id}/params`, { model_id: id, params })
  expect([again.status, again.json.error_code]).toEqual([400, 'BAD_REQUEST'])
  const found = (await call('GET', `${path}/${id}`)).json.model
  expect(found.info.tags).toEqual([{ key: 'a', value: '2' }])
  expect(found.data.params).toEqual([
    { key: 'a', value: '1' },
    { key: 'b', value: '1' },
  ])
  expect(await call('DELETE', `${path}/${id}`)).toEqual({ status: 200, json: {} })
  expect(await call('DELETE', `${path}/${id}`)).toEqual({ status: 200, json: {} })
  expect(await call('GET', `${path}/${id}`)).toMatchObject(notFound(`Logged model with ID '${id}' not found.`))
  expect((await call('GET', `${path}/${id}`, { allow_deleted: 'true' })).status).toBe(200)
})

test('what a client does wrong is told in MLflow’s words', async () => {
  await using server = await served()
  const { call } = server
  const missing = (name: string) =>
    invalid(
      `Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`,
    )
  expect(await call('POST', path, {})).toMatchObject(missing('experiment_id'))
  expect(await call('POST', path, { experiment_id: 'abc' })).toMatchObject(
    invalid("Invalid experiment ID 'abc'. Experiment ID must be a valid integer."),
  )
  expect(await call('POST', path, { experiment_id: '77' })).toMatchObject(notFound('No Experiment with id=77 exists'))
  expect(await call('POST', path, { experiment_id: '0', name: 'a/b' })).toMatchObject(
    invalid(
      "Invalid model name ('a/b') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")",
    ),
  )
  expect((await server.create({ name: '' })).model.info.name).toMatch(/^[a-z]+-[a-z]+-\d+$/v)
  expect(await call('GET', `${path}/nope`)).toMatchObject(notFound("Logged model with ID 'nope' not found."))
  expect(await call('PATCH', `${path}/nope`, { model_id: 'nope', status: 2 })).toMatchObject(
    notFound("Logged model with ID 'nope' not found."),
  )
  expect(await call('PATCH', `${path}/nope/tags`, { tags: [] })).toMatchObject(
    notFound("Logged model with ID 'nope' not found."),
  )
})

test('a search filters, orders, and pages by tokens of its own', async () => {
  await using server = await served()
  const { call, db } = server
  const ids: string[] = []
  for (const name of ['one', 'two', 'three']) {
    ids.push((await server.create({ name, params: [{ key: 'kind', value: name }] })).model.info.model_id as string)
  }
  await call('PATCH', `${path}/${ids[0]}`, { model_id: ids[0], status: 'LOGGED_MODEL_READY' })
  // One millisecond each, or the order of creation is chance.
  for (const [at, id] of ids.entries()) {
    await on(db)
      .updateTable('logged_model')
      .set({ created_at_ms: 1000 + at })
      .where('id', '=', id)
      .execute()
  }
  const search = (fields: object) => call('POST', `${path}/search`, { experiment_ids: ['0'], ...fields })
  const names = async (fields: object): Promise<string[]> =>
    ((await search(fields)).json.models as { info: { name: string } }[]).map(({ info }) => info.name)
  expect(await names({})).toEqual(['three', 'two', 'one'])
  expect(await names({ filter: "params.kind LIKE 't%' AND name != 'two'" })).toEqual(['three'])
  expect(await names({ filter: "status = 'READY' OR status = 'LOGGED_MODEL_UPLOAD_FAILED'" })).toEqual(['one'])
  expect(await names({ filter: 'creation_time > 1001' })).toEqual(['three'])
  expect(await names({ order_by: [{ field_name: 'name' }] })).toEqual(['one', 'three', 'two'])
  expect(await names({ order_by: [{ field_name: 'metrics.none', ascending: false }] })).toEqual(['three', 'two', 'one'])
  const first = await search({ max_results: 2 })
  const page_token = first.json.next_page_token as string
  expect(first.json.models).toHaveLength(2)
  expect(await names({ max_results: 2, page_token })).toEqual(['one'])
  expect((await search({ max_results: 2, page_token })).json).not.toHaveProperty('next_page_token')
  expect(await call('POST', `${path}/search`, { experiment_ids: ['1'], page_token })).toMatchObject(
    invalid(
      "Experiment IDs in the page token do not match the requested experiment IDs. Expected: ['1']. Found: ['0']",
    ),
  )
  expect(await search({ page_token, filter: "name = 'mm'" })).toMatchObject(
    invalid(
      "Filter string in the page token does not match the requested filter string. Expected: name = 'mm'. Found: None",
    ),
  )
  expect(await search({ page_token, order_by: [{ field_name: 'name' }] })).toMatchObject(
    invalid(
      "Order by in the page token does not match the requested order by. Expected: [{'field_name': 'name', 'ascending': True, 'dataset_name': None, 'dataset_digest': None}]. Found: None",
    ),
  )
  expect((await search({ page_token: 'junk' })).status).toBe(400)
  expect(await search({ order_by: [{ field_name: 'foo' }] })).toMatchObject(invalid('Invalid order by field name: foo'))
  expect(await search({ order_by: [{ field_name: 'params.a' }] })).toMatchObject(
    invalid('Invalid order by field name: params.a. Only metrics are supported.'),
  )
  expect(await search({ datasets: [{}] })).toMatchObject(
    invalid('`dataset_name` in the `datasets` clause must be specified.'),
  )
  expect(await search({ filter: "name > 'a'" })).toMatchObject(
    invalid(
      "Invalid comparison operator for attributes.name: '>'. Expected one of ('=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN').",
    ),
  )
  expect((await search({ filter: "foo = 'x'" })).status).toBe(400)
})

test('a token that is bound to a run writes models of its experiment only', async () => {
  await using server = await served({ scope: 'run_1' })
  const { call, db } = server
  const id = (await server.create()).model.info.model_id as string
  expect((await call('PATCH', `${path}/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' })).status).toBe(200)
  expect((await call('POST', path, { experiment_id: '1' })).status).toBe(403)
  await on(db).updateTable('logged_model').set({ experiment_id: 1 }).where('id', '=', id).execute()
  expect((await call('GET', `${path}/${id}`)).status).toBe(200)
  expect((await call('DELETE', `${path}/${id}`)).status).toBe(403)
  expect((await call('PATCH', `${path}/${id}/tags`, { tags: [] })).status).toBe(403)
})
