// Runs as MLflow's clients use them; texts and statuses are those of its own server, 3.17.
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { listAudit } from '../../governance/audit.ts'
import { createRun, logArtifact } from '../../experiments/recording.ts'
import { testActor } from '../../governance/testing.ts'
import { transact } from '../../platform/database.ts'
import { readEvents } from '../../platform/events.ts'
import { testDatabaseKind } from '../../platform/testing.ts'
import { openTracking, type TrackingTest } from './testing.ts'

const made = async ({ post }: TrackingTest, fields: object = {}): Promise<string> =>
  (await post('runs/create', { experiment_id: '0', ...fields })).json.run.info.run_id

const runOf = async ({ get }: TrackingTest, run_id: string) => (await get('runs/get', { run_id })).json.run

const tagsOf = async (tracking: TrackingTest, runId: string): Promise<Record<string, string>> => {
  const { tags = [] } = (await runOf(tracking, runId)).data
  return Object.fromEntries(tags.map(({ key, value }: { key: string; value: string }) => [key, value]))
}

test('a new run has an id, a name, and its artifacts below its experiment’s', async () => {
  await using tracking = await openTracking()
  const { post, get, db } = tracking
  const tags = [{ key: 'a', value: '1' }]
  const fields = { experiment_id: '0', user_id: 'ada', start_time: 123, run_name: 'first', tags }
  const { status, json } = await post('runs/create', fields)
  const { run_id } = json.run.info
  expect(status).toBe(200)
  expect(run_id).toMatch(/^[0-9a-f]{32}$/v)
  expect(json).toEqual({
    run: {
      info: {
        run_id,
        run_uuid: run_id,
        run_name: 'first',
        experiment_id: '0',
        user_id: 'ada',
        status: 'RUNNING',
        start_time: 123,
        artifact_uri: `mlflow-artifacts:/0/${run_id}/artifacts`,
        lifecycle_stage: 'active',
      },
      data: { tags: [...tags, { key: 'mlflow.runName', value: 'first' }] },
      inputs: {},
    },
  })
  expect((await get('runs/get', { run_uuid: run_id })).json).toEqual({ run: { ...json.run, outputs: {} } })
  expect((await listAudit(db, { subject: `run:${run_id}`, limit: 5 })).map(({ action }) => action)).toEqual([
    'run.create',
  ])
})

test('the name of a run and its tag are one', async () => {
  await using tracking = await openTracking()
  const { post } = tracking
  const nameOf = async (id: string) => [
    (await runOf(tracking, id)).info.run_name,
    (await tagsOf(tracking, id))['mlflow.runName'],
  ]
  const tagged = await made(tracking, { tags: [{ key: 'mlflow.runName', value: 'tagged' }] })
  expect(await nameOf(tagged)).toEqual(['tagged', 'tagged'])
  const random = await nameOf(await made(tracking, { run_name: '' }))
  expect(random[0]).toMatch(/^[a-z]+-[a-z]+-\d{1,3}$/v)
  expect(random[1]).toBe(random[0])
  const both = { run_name: 'x', tags: [{ key: 'mlflow.runName', value: 'y' }] }
  expect(await post('runs/create', { experiment_id: '0', ...both })).toMatchObject({
    status: 400,
    json: {
      error_code: 'INVALID_PARAMETER_VALUE',
      message:
        "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='x', mlflow.runName='y').",
    },
  })
  await post('runs/set-tag', { run_id: tagged, key: 'mlflow.runName', value: 'by tag' })
  expect(await nameOf(tagged)).toEqual(['by tag', 'by tag'])
  await post('runs/set-tag', { run_id: tagged, key: 'mlflow.runName', value: '' })
  await post('runs/update', { run_id: tagged, run_name: '' })
  expect(await nameOf(tagged)).toEqual(['by tag', 'by tag'])
  await post('runs/update', { run_id: tagged, run_name: 'by update' })
  expect(await nameOf(tagged)).toEqual(['by update', 'by update'])
  await post('runs/delete-tag', { run_id: tagged, key: 'mlflow.runName' })
  expect(await nameOf(tagged)).toEqual(['by update', undefined])
})

test('an update changes what it names, to whatever state, and an end is announced', async () => {
  await using tracking = await openTracking()
  const { post, db } = tracking
  const run_id = await made(tracking, { start_time: '9007199254740993' })
  const update = async (fields: object) => (await post('runs/update', { run_id, ...fields })).json.run_info
  expect(await update({ status: 'FINISHED', end_time: 456 })).toMatchObject({ status: 'FINISHED', end_time: 456 })
  expect(await update({})).toMatchObject({ status: 'FINISHED', end_time: 456 })
  expect(await update({ status: 'RUNNING' })).toMatchObject({ status: 'RUNNING', end_time: 456 })
  expect(await update({ status: 4 })).toMatchObject({ status: 'FAILED' })
  expect(await update({ status: 'SCHEDULED', end_time: 0 })).not.toHaveProperty('end_time')
  expect(await update({ status: 'KILLED' })).toMatchObject({ status: 'KILLED' })
  const events = await readEvents(db, { seq: 0 })
  const states = events.flatMap(({ type, payload }) =>
    type === 'run.finished' ? [(payload as { state: string }).state] : [],
  )
  expect(states).toEqual(['finished', 'failed', 'killed'])
})

test('times beyond 2^53 come back to the digit', async () => {
  await using tracking = await openTracking()
  const { body } = await tracking.server.inject({
    method: 'POST',
    url: '/api/2.0/mlflow/runs/create',
    headers: { 'content-type': 'application/json' },
    payload: '{"experiment_id": "0", "start_time": 9007199254740993}',
  })
  expect(body).toMatch(/"start_time":\s*9007199254740993\b/v)
})

test('tags are as long and called as MLflow allows', async () => {
  await using tracking = await openTracking()
  const { post } = tracking
  const run_id = await made(tracking)
  const long = '😀'.repeat(8001)
  expect((await post('runs/set-tag', { run_id, key: 'schlüssel/日本 ½', value: long })).status).toBe(200)
  expect((await tagsOf(tracking, run_id))['schlüssel/日本 ½']).toBe('😀'.repeat(8000))
  const tag = async (fields: object) => (await post('runs/set-tag', { run_id, value: 'v', ...fields })).json.message
  expect(await tag({ key: 'k'.repeat(251) })).toBe("'key' exceeds the maximum length of 250 characters")
  expect(await tag({ key: 'a*' })).toBe(
    'Invalid value "a*" for parameter \'key\' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).',
  )
  for (const [key, resolved] of [
    ['a//b', 'a/b'],
    ['/b', '/b'],
    ['./b', 'b'],
    ['b/', 'b'],
    ['..', '..'],
    ['//', '//'],
    ['a/../..', '..'],
  ]) {
    expect(await tag({ key })).toMatch(new RegExp(`would resolve to '${RegExp.escape(resolved!)}'$`, 'v'))
  }
  await using strict = await openTracking({ db: tracking.db, truncatesLongValues: false })
  expect((await strict.post('runs/set-tag', { run_id, key: 'k', value: long })).json).toMatchObject({
    error_code: 'INVALID_PARAMETER_VALUE',
    message: "'value' exceeds the maximum length of 8000 characters",
  })
})

test('what a database does not keep is refused, and never a fault of the server', async () => {
  await using tracking = await openTracking()
  const kept =
    testDatabaseKind === 'sqlite' ? { status: 200 } : { status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE' } }
  const random = randomBytes(8000).toString('base64') // PostgreSQL would press anything simpler together.
  for (const tag of [
    { key: 'a', value: 'nul \0 inside' },
    { key: random, value: '' },
  ]) {
    expect(await tracking.post('runs/create', { experiment_id: '0', tags: [tag] })).toMatchObject(kept)
  }
  expect((await tracking.get('experiments/get-by-name', { experiment_name: 'a\0b' })).status).toBe(
    testDatabaseKind === 'sqlite' ? 404 : 400,
  )
})

test('what is not there, not active or given twice is told in MLflow’s words', async () => {
  await using tracking = await openTracking()
  const { post, get } = tracking
  const run_id = await made(tracking)
  const notFound = {
    status: 404,
    json: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'Run with id=nope not found' },
  }
  expect(await get('runs/get', { run_id: 'nope' })).toMatchObject(notFound)
  for (const path of ['update', 'delete', 'restore', 'set-tag', 'delete-tag', 'outputs']) {
    expect(
      await post(`runs/${path}`, { run_id: 'nope', key: 'k', value: 'v', models: [{ model_id: 'm' }] }),
    ).toMatchObject(notFound)
  }
  expect((await post('runs/delete-tag', { run_id, key: 'k' })).json).toMatchObject({
    error_code: 'RESOURCE_DOES_NOT_EXIST',
    message: `No tag with name: k in run with id ${run_id}`,
  })
  const twice = { experiment_id: '0', tags: [{ key: 'a' }, { key: 'a' }] }
  expect(await post('runs/create', twice)).toMatchObject({ status: 400, json: { error_code: 'BAD_REQUEST' } })
  expect((await post('runs/create', { experiment_id: '9' })).json.message).toBe('No Experiment with id=9 exists')

  await post('runs/delete', { run_id })
  await post('runs/delete', { run_id })
  const inactive = {
    status: 400,
    json: {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: `The run ${run_id} must be in the 'active' state. Current state is deleted.`,
    },
  }
  for (const path of ['update', 'set-tag', 'delete-tag', 'log-inputs', 'outputs']) {
    expect(await post(`runs/${path}`, { run_id, key: 'k', value: 'v', models: [{ model_id: 'm' }] })).toMatchObject(
      inactive,
    )
  }
  expect((await runOf(tracking, run_id)).info.lifecycle_stage).toBe('deleted')
  await post('runs/restore', { run_id })
  await post('runs/restore', { run_id })
  expect((await runOf(tracking, run_id)).info.lifecycle_stage).toBe('active')
})

test('runs of the native API are runs of MLflow’s clients', async () => {
  await using tracking = await openTracking()
  const actor = testActor('ada')
  const id = await transact(tracking.db, async (trx) => {
    const inputs = [{ datasetVersion: 'flights/3', role: 'training' }]
    const run = await createRun(trx, actor, {
      experiment: 'flights',
      params: { depth: '6' },
      tags: { team: 'ops' },
      inputs,
    })
    const blob = { digest: 'ab'.repeat(32), bytes: 3 }
    await logArtifact(trx, actor, { runId: run, name: 'model.onnx', blob, mediaType: 'application/octet-stream' })
    return run
  })
  expect(await runOf(tracking, id)).toMatchObject({
    info: { run_name: id, experiment_id: '1', user_id: 'ada', artifact_uri: `mlflow-artifacts:/1/${id}/artifacts` },
    data: { params: [{ key: 'depth', value: '6' }], tags: [{ key: 'team', value: 'ops' }] },
    inputs: {
      dataset_inputs: [
        {
          dataset: {
            name: 'flights',
            digest: 'v3',
            source_type: 'trueloop',
            source: '{"dataset":"flights","version":3}',
          },
          tags: [{ key: 'mlflow.data.context', value: 'training' }],
        },
      ],
    },
  })
})

test('a step’s token writes its run and those nested in it, and nothing else', async () => {
  await using owner = await openTracking()
  const [own, other] = [await made(owner), await made(owner)]
  await owner.post('experiments/create', { name: 'elsewhere' })
  await using step = await openTracking({ db: owner.db, scope: own })
  const nested = (parent: string) => [{ key: 'mlflow.parentRunId', value: parent }]
  const child = await made(step)
  expect((await runOf(step, child)).data.tags).toContainEqual(nested(own)[0])
  const grandchild = await made(step, { tags: nested(child) })
  for (const run_id of [own, child, grandchild]) {
    expect((await step.post('runs/set-tag', { run_id, key: 'k', value: 'v' })).status).toBe(200)
    expect((await step.post('runs/update', { run_id, status: 'FINISHED' })).status).toBe(200)
  }
  const refused = [
    await step.post('runs/create', { experiment_id: '0', tags: nested(other) }),
    await step.post('runs/create', { experiment_id: '1', tags: nested(own) }),
    await step.post('runs/set-tag', { run_id: other, key: 'mlflow.parentRunId', value: own }),
    await step.post('runs/update', { run_id: other, status: 'FAILED' }),
    await step.post('runs/delete', { run_id: other }),
    await step.post('runs/log-inputs', { run_id: other, datasets: [] }),
    await step.post('runs/outputs', { run_id: other, models: [{ model_id: 'm' }] }),
    await step.post('experiments/create', { name: 'mine' }),
    await step.post('experiments/delete', { experiment_id: '0' }),
    await step.post('experiments/set-experiment-tag', { experiment_id: '0', key: 'k', value: 'v' }),
  ]
  for (const { status, json } of refused) {
    expect({ status, code: json.error_code }).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' })
  }
  expect((await runOf(owner, other)).info).toMatchObject({ status: 'RUNNING', lifecycle_stage: 'active' })
})
