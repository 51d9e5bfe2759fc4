// What the source of a version may be: MLflow's rules against reading files of the server and of other runs, and what is made of a copy.
import { expect, test } from 'vitest'
import type { LoggedModel } from '../../experiments/logged-model.ts'
import { createLoggedModel, getLoggedModel } from '../../experiments/logged-models.ts'
import { startRun } from '../../experiments/recording.ts'
import type { RunSummary } from '../../experiments/run.ts'
import { testActor } from '../../governance/testing.ts'
import { getVersion } from '../../models/model-version-store.ts'
import { registerVersion } from '../../models/registration.ts'
import { smallSignature } from '../../models/testing.ts'
import { transact } from '../../platform/database.ts'
import { openRegistry, type RegistryTest } from './testing.ts'

const open = async (change = {}): Promise<RegistryTest> => {
  const registry = await openRegistry(change)
  await registry.call('POST', 'registered-models/create', { name: 'm' })
  return registry
}
const add = (registry: RegistryTest, fields: object) =>
  registry.call('POST', 'model-versions/create', { name: 'm', ...fields })

const withRun = ({ db }: RegistryTest): Promise<{ run: RunSummary; model: LoggedModel }> =>
  transact(db, async (trx) => {
    const run = await startRun(trx, testActor(), { experiment: 'e' })
    const model = await createLoggedModel(trx, testActor(), { experimentId: run.experimentId, sourceRunId: run.id })
    return { run, model }
  })

test.each([
  'mlflow-artifacts:/0/run/artifacts/../../../x',
  's3://bucket/../x',
  's3://bucket/a/..%2f..%2fx',
  's3://bucket/a/%252e%252e/x',
  's3://bucket/a/.',
  's3://bucket/x%00',
  's3://bucket',
  'dbfs:x',
  'gs://b/%2e%2e%2fetc',
])('%s is not plain', async (source) => {
  await using registry = await open()
  const { status, json } = await add(registry, { source })
  expect([status, json.message]).toEqual([400, expect.stringContaining('without relative path references present')])
})

test.each([
  ['/etc/passwd', 'the run_id request parameter has to be specified'],
  ['file:///etc/passwd', 'the run_id request parameter has to be specified'],
  ['FILE:/etc/passwd', 'the run_id request parameter has to be specified'],
  ['./model', 'the run_id request parameter has to be specified'],
  ['file://example.org/etc', 'is not a valid remote uri'],
  ['mlflow-artifacts:/0/run/artifacts/model', 'The run_id request parameter must identify the resource'],
  ['runs:/abc/model', 'The run_id request parameter must identify the resource'],
  ['models:/m-123', 'The model_id request parameter must identify the resource'],
  ['models:/a/b/c', 'The model_id request parameter must identify the resource'],
  ['models:', 'The model_id request parameter must identify the resource'],
  ['models://other/m/1', 'Registered model sources must use the active model registry'],
  ['http://example.org/x', "'source' cannot use the 'http' scheme"],
  ['ftp://example.org/x', "'source' cannot use the 'ftp' scheme"],
  ['mlflow-artifacts://example.org/x', "'source' cannot use the 'mlflow-artifacts' scheme"],
  ['models:/m/9', 'Model Version (name=m, version=9) not found'],
  ['models:/nope/1', 'Registered Model with name=nope not found'],
  ['models:/m@nope', 'Registered model alias nope not found.'],
  ['models:/m/latest', "No versions of model with name 'm' found"],
  [`s3://b/${'x'.repeat(10_000)}`, "'source' exceeds the maximum length of 10000 characters"],
])('%s is refused', async (source, message) => {
  await using registry = await open()
  const { status, json } = await add(registry, { source })
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  expect(json.message).toContain(message)
})

test.each(['s3://bucket/a b/c', 's3:/b//x', 'dbfs:/x', 'gs://b/x#y', 'wasbs://c@a.blob.core.windows.net/x'])(
  '%s is taken',
  async (source) => {
    await using registry = await open()
    expect((await add(registry, { source })).json.model_version.source).toBe(source)
  },
)

test('a source of a run is below the artifacts of that run', async () => {
  await using registry = await open()
  const { run, model } = await withRun(registry)
  const takes = async (fields: object): Promise<boolean> => (await add(registry, fields)).status === 200
  expect(await takes({ source: `${run.artifactUri}/model`, run_id: run.id })).toBe(true)
  expect(await takes({ source: `runs:/${run.id}/model`, run_id: run.id })).toBe(true)
  expect(await takes({ source: `runs:/${run.id}/model`, run_id: 'other' })).toBe(false)
  expect(await takes({ source: `${run.artifactUri}x/model`, run_id: run.id })).toBe(false)
  expect(await takes({ source: `${run.artifactUri}/model`, run_id: 'other' })).toBe(false)
  expect(await takes({ source: `runs:/${run.id}/model`, run_id: run.id, model_id: model.id })).toBe(false)
})

test('a version of a logged model has its run, its files and its link', async () => {
  await using registry = await open()
  const { run, model } = await withRun(registry)
  const made = await add(registry, { source: `models:/${model.id}`, model_id: model.id })
  expect(made.json.model_version).toMatchObject({ source: `models:/${model.id}`, run_id: run.id })
  const uri = await registry.call('GET', 'model-versions/get-download-uri', { name: 'm', version: '1' })
  expect(uri.json).toEqual({ artifact_uri: model.artifactUri })
  const linked = JSON.parse((await getLoggedModel(registry.db, model.id)).tags['mlflow.modelVersions'] ?? '[]')
  expect(linked).toEqual([{ name: 'm', version: 1 }])
  const missing = await add(registry, { source: 's3://b/x', model_id: 'm-missing' })
  expect(missing).toMatchObject({ status: 404, json: { message: "Logged model with ID 'm-missing' not found." } })
})

test('a copy of a version has its run and its files, and says which it is of', async () => {
  await using registry = await open()
  await add(registry, { source: 's3://b/x', run_id: 'r' })
  await registry.call('POST', 'registered-models/alias', { name: 'm', alias: 'best', version: '1' })
  for (const source of ['models:/m/1', 'models:/m@best', 'models:/m/None']) {
    const copy = (await add(registry, { source })).json.model_version
    expect(copy.run_id).toBe('r')
    const uri = await registry.call('GET', 'model-versions/get-download-uri', { name: 'm', version: copy.version })
    expect(uri.json).toEqual({ artifact_uri: 's3://b/x' })
  }
  const other = await add(registry, { source: 'models:/m/1', run_id: 'other' })
  expect(other.json.message).toContain('must match the referenced model version')
})

test('a copy of a version that can serve has its graph, and is judged anew', async () => {
  await using registry = await open()
  const { runId } = await transact(registry.db, (trx) =>
    registerVersion(trx, testActor(), {
      model: 'flights',
      digest: 'a'.repeat(64),
      bytes: 10,
      signature: smallSignature,
      runId: 'r',
      metrics: { auc: 0.7 },
    }),
  )
  const { json } = await add(registry, { source: 'models:/flights/1', run_id: runId })
  expect(json.model_version).toMatchObject({ source: 'models:/flights/1', run_id: 'r' })
  expect(await getVersion(registry.db, { model: 'm', version: 1 })).toMatchObject({
    state: 'candidate',
    digest: 'a'.repeat(64),
    bytes: 10,
    signature: smallSignature,
    metrics: { auc: 0.7 },
  })
})

test('a prompt has a placeholder for a source, and is no source of a model', async () => {
  await using registry = await open()
  const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }]
  await registry.call('POST', 'registered-models/create', { name: 'p', tags })
  expect((await add(registry, { name: 'p', source: 'prompt-template', tags })).status).toBe(200)
  expect((await add(registry, { name: 'p', source: 's3://b/x', tags })).json.message).toBe(
    "Invalid prompt source: 's3://b/x'. Prompt sources must use an MLflow placeholder.",
  )
  expect((await add(registry, { source: 'models:/p/1' })).json.message).toContain('Prompt versions cannot be used')
})

test('sources are held to the pattern of the settings', async () => {
  await using registry = await open({ sourcePattern: /^s3:\/\/mine\//v })
  expect((await add(registry, { source: 's3://mine/x' })).status).toBe(200)
  expect((await add(registry, { source: 's3://other/x' })).json.message).toBe(
    "Invalid model version source: 's3://other/x'.",
  )
})
