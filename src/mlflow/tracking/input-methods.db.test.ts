// What a run read and made, as MLflow's clients log it and as both APIs show it.
import { expect, test } from 'vitest'
import { getRun } from '../../experiments/reading.ts'
import { downstream, upstream } from '../../governance/lineage.ts'
import { on } from '../../platform/database.ts'
import { openTracking, type TrackingTest } from './testing.ts'

const made = async ({ post }: TrackingTest): Promise<string> =>
  (await post('runs/create', { experiment_id: '0' })).json.run.info.run_id

const dataset = (name: string, digest: string, more: object = {}) => ({
  dataset: { name, digest, source_type: 'local', source: '{"uri":"x.csv"}', ...more },
})
const context = (value: string) => [{ key: 'mlflow.data.context', value }]

test('the first to log a dataset says what it is, and the first for a run with which tags', async () => {
  await using tracking = await openTracking()
  const { post, get, db } = tracking
  const [first, second] = [await made(tracking), await made(tracking)]
  const log = (run_id: string, ...datasets: object[]) => post('runs/log-inputs', { run_id, datasets })
  const inputsOf = async (run_id: string) => (await get('runs/get', { run_id })).json.run.inputs
  const train = { ...dataset('rides', 'd1', { schema: '{}', profile: '{"rows":1}' }), tags: context('training') }
  await log(first, train, dataset('a', 'x'), dataset('rides', 'd1'))
  await log(first, { ...dataset('rides', 'd1', { schema: 'other' }), tags: context('evaluation') })
  expect(await inputsOf(first)).toEqual({ dataset_inputs: [train, dataset('a', 'x')] })
  await log(second, { ...dataset('rides', 'd1', { schema: 'other' }), tags: context('evaluation') })
  expect(await inputsOf(second)).toEqual({ dataset_inputs: [{ ...train, tags: context('evaluation') }] })
  expect((await getRun(db, first)).datasets).toEqual([
    {
      name: 'rides',
      digest: 'd1',
      sourceType: 'local',
      source: '{"uri":"x.csv"}',
      tags: { 'mlflow.data.context': 'training' },
    },
    { name: 'a', digest: 'x', sourceType: 'local', source: '{"uri":"x.csv"}', tags: {} },
  ])
})

test('a dataset whose source names a version of this home is that version, with its lineage', async () => {
  await using tracking = await openTracking()
  const run_id = await made(tracking)
  const own = { source_type: 'trueloop', source: '{"version":3,"dataset":"flights"}' }
  const datasets = [
    { ...dataset('pandas', 'abc', own), tags: context('training') },
    dataset('bare', 'abc', own),
    dataset('broken', 'abc', { ...own, source: '{"dataset":"flights"' }),
    dataset('not-ours', 'abc', { ...own, source_type: 'http' }),
  ]
  await tracking.post('runs/log-inputs', { run_id, datasets })
  const run = await getRun(tracking.db, run_id)
  expect(run.inputs).toEqual([
    { datasetVersion: 'flights/3', role: 'training' },
    { datasetVersion: 'flights/3', role: 'input' },
  ])
  expect(run.datasets.map(({ name }) => name)).toEqual(['broken', 'not-ours'])
  const edges = await upstream(tracking.db, `run:${run_id}`)
  expect(edges.map(({ upstream: from, relation }) => `${from} ${relation}`).toSorted()).toEqual([
    'dataset_version:flights/3 read',
    'dataset_version:flights/3 trained_on',
  ])
})

test('logged models that a run read and made are on it', async () => {
  await using tracking = await openTracking()
  const { post, get, db } = tracking
  const run_id = await made(tracking)
  await post('runs/log-inputs', { run_id, models: [{ model_id: 'm-1' }, { model_id: 'm-1' }] })
  await post('runs/log-inputs', { run_id, models: [{ model_id: 'm-1' }, { model_id: 'm-0' }] })
  const outputs = (...models: object[]) => post('runs/outputs', { run_id, models })
  expect((await outputs({ model_id: 'm-3', step: 2 }, { model_id: 'm-2' })).json).toEqual({})
  expect((await outputs({ model_id: 'm-3', step: 2 })).json).toEqual({})
  expect(await outputs({ model_id: 'm-4', step: 1 }, { model_id: 'm-3', step: 9 })).toMatchObject({
    status: 400,
    json: { error_code: 'BAD_REQUEST' },
  })
  const { inputs, outputs: stored } = (await get('runs/get', { run_id })).json.run
  expect(inputs.model_inputs).toEqual([{ model_id: 'm-0' }, { model_id: 'm-1' }])
  expect(stored.model_outputs).toEqual([
    { model_id: 'm-2', step: 0 },
    { model_id: 'm-3', step: 2 },
  ])
  expect(await getRun(db, run_id)).toMatchObject({ modelInputs: ['m-0', 'm-1'] })
  const edges = [...(await upstream(db, `run:${run_id}`)), ...(await downstream(db, `run:${run_id}`))]
  expect(edges.map(({ upstream: from, relation, downstream: to }) => `${from} ${relation} ${to}`).toSorted()).toEqual([
    `logged_model:m-0 read run:${run_id}`,
    `logged_model:m-1 read run:${run_id}`,
    `run:${run_id} produced logged_model:m-2`,
    `run:${run_id} produced logged_model:m-3`,
  ])
})

const tooLong: [object, string][] = [
  [dataset('x'.repeat(501), 'd'), "'name' exceeds the maximum length of 500 characters"],
  [dataset('x', 'd'.repeat(37)), "'digest' exceeds the maximum length of 36 characters"],
  [dataset('x', 'd', { source: 's'.repeat(65_536) }), "'source' exceeds the maximum length of 65535 characters"],
  [{ ...dataset('x', 'd'), tags: [{ key: 'k'.repeat(256) }] }, "'key' exceeds the maximum length of 255 characters"],
  [
    { ...dataset('x', 'd'), tags: [{ key: 'k', value: 'v'.repeat(501) }] },
    "'value' exceeds the maximum length of 500 characters",
  ],
]

test('a dataset beyond the limits is refused, and those beside it', async () => {
  await using tracking = await openTracking()
  const run_id = await made(tracking)
  for (const [input, message] of tooLong) {
    const answer = await tracking.post('runs/log-inputs', { run_id, datasets: [dataset('fine', 'd'), input] })
    expect(answer).toMatchObject({ status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE', message } })
  }
  expect((await getRun(tracking.db, run_id)).datasets).toEqual([])
})

test('an id that no run can have is refused as such', async () => {
  await using tracking = await openTracking()
  const answer = await tracking.post('runs/log-inputs', { run_id: '-x', datasets: [] })
  expect(answer.json.message).toBe(`Invalid value "-x" for parameter 'run_id' supplied.`)
})

test('clients of long ago keep the history of their models in a tag', async () => {
  await using tracking = await openTracking()
  const { post, get } = tracking
  const run_id = await made(tracking)
  const model = {
    run_id,
    artifact_path: 'model',
    utc_time_created: 't',
    flavors: { sklearn: { config: 1, code: 'é' }, x: 3 },
  }
  const log = (json: unknown) => post('runs/log-model', { run_id, model_json: JSON.stringify(json) })
  expect((await log(model)).json).toEqual({})
  expect((await log({ ...model, model_uuid: 'u', extra: 1 })).json).toEqual({})
  const { tags } = (await get('runs/get', { run_id })).json.run.data
  const history = tags.find(({ key }: { key: string }) => key === 'mlflow.log-model.history').value
  const kept = { ...model, flavors: { sklearn: { code: 'é' }, x: 3 } }
  expect(JSON.parse(history)).toEqual([
    { ...kept, model_uuid: null },
    { ...kept, model_uuid: 'u' },
  ])
  const message = async (model_json: string) => (await post('runs/log-model', { run_id, model_json })).json.message
  expect(await message('{')).toBe('Malformed model info. \n { \n is not a valid JSON.')
  expect(await message('{"run_id":"x","flavors":{}}')).toBe(
    "Model json is missing mandatory fields: {'artifact_path', 'utc_time_created'}",
  )
  expect(await message(JSON.stringify({ ...model, flavors: [1] }))).toContain('flavors')
})

test('runs that log one dataset at the same moment all have it, and it is one', async () => {
  await using tracking = await openTracking()
  const runs = await Promise.all(Array.from({ length: 16 }, () => made(tracking)))
  const datasets = [{ ...dataset('rides', 'd1'), tags: context('training') }, dataset('more', 'd2')]
  const answers = await Promise.all(runs.map((run_id) => tracking.post('runs/log-inputs', { run_id, datasets })))
  expect(answers.map(({ status }) => status)).toEqual(runs.map(() => 200))
  for (const id of runs) expect((await getRun(tracking.db, id)).datasets.map(({ name }) => name)).toHaveLength(2)
  expect(await on(tracking.db).selectFrom('logged_dataset').select('name').execute()).toHaveLength(2)
})
