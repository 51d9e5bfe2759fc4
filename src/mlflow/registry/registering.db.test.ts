// A pipeline's step at the registry: it registers what its run made, and touches nothing that it did not register.
import { expect, test } from 'vitest'
import { createLoggedModel } from '../../experiments/logged-models.ts'
import { startRun } from '../../experiments/recording.ts'
import type { Permission } from '../../governance/access.ts'
import { testActor } from '../../governance/testing.ts'
import { registerVersion } from '../../models/registration.ts'
import { smallSignature } from '../../models/testing.ts'
import { transact } from '../../platform/database.ts'
import { readerOf } from '../../platform/reader.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer, type Answer } from '../testing.ts'
import type { RegistryDeps } from './deps.ts'
import { registryMethods } from './methods.ts'
import { openRegistry, type RegistryTest } from './testing.ts'

const permissions: readonly Permission[] = ['model.read', 'model.register', 'run.read', 'run.write']

interface StepTest extends AsyncDisposable {
  readonly owner: RegistryTest
  readonly step: RegistryTest['call']
  /** Of the step, nested in it, and of another step. */
  readonly runs: Readonly<Record<'foreign' | 'nested' | 'own', { readonly id: string; readonly artifactUri: string }>>
  readonly models: Readonly<Record<'foreign' | 'own', string>>
}

async function openStep(): Promise<StepTest> {
  const owner = await openRegistry()
  const { db } = owner
  const actor = testActor()
  const made = await transact(db, async (trx) => {
    const own = await startRun(trx, actor, { experiment: 'e' })
    const nested = await startRun(trx, actor, { experiment: 'e', tags: { 'mlflow.parentRunId': own.id } })
    const foreign = await startRun(trx, actor, { experiment: 'other' })
    const logged = async (run: typeof own): Promise<string> =>
      (await createLoggedModel(trx, actor, { experimentId: run.experimentId, sourceRunId: run.id })).id
    return { runs: { own, nested, foreign }, models: { own: await logged(own), foreign: await logged(foreign) } }
  })
  const deps: RegistryDeps = {
    db,
    reader: readerOf(db),
    uses: { findUse: async () => undefined },
    locations: { artifactRoot: 'mlflow-artifacts:/', allowedSchemes: new Set() },
    sourcePattern: undefined,
  }
  const name = `step:${made.runs.own.id}`
  const server = await createMlflowTestServer(bind(registryMethods, deps), {
    permissions,
    name,
    scope: made.runs.own.id,
  })
  return {
    ...made,
    owner,
    step: (method, path, fields) => server.call(method, `2.0/mlflow/${path}`, fields),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await owner[Symbol.asyncDispose]()
    },
  }
}

const refused = ({ status, json }: Answer): unknown => [status, json.error_code]
const forbidden = [403, 'PERMISSION_DENIED']

test('a step registers the models of its run, and goes on with what it registered', async () => {
  await using test = await openStep()
  const { step, runs, models } = test
  expect((await step('POST', 'registered-models/create', { name: 'm' })).status).toBe(200)
  for (const fields of [
    { source: `models:/${models.own}`, model_id: models.own },
    { source: `runs:/${runs.own.id}/model`, run_id: runs.own.id },
    { source: `${runs.nested.artifactUri}/model`, run_id: runs.nested.id },
  ]) {
    const { status, json } = await step('POST', 'model-versions/create', { name: 'm', ...fields })
    expect([status, json.model_version?.source]).toEqual([200, fields.source])
  }
  const id = { name: 'm', version: '1' }
  for (const [method, path, fields] of [
    ['PATCH', 'model-versions/update', { ...id, description: 'd' }],
    ['POST', 'model-versions/set-tag', { ...id, key: 'k', value: 'v' }],
    ['DELETE', 'model-versions/delete-tag', { ...id, key: 'k' }],
    ['POST', 'model-versions/transition-stage', { ...id, stage: 'Staging' }],
    ['POST', 'registered-models/alias', { ...id, alias: 'champion' }], // Nothing serves versions of this model.
  ] as const) {
    expect([path, (await step(method, path, fields)).status]).toEqual([path, 200])
  }
})

test('what its run did not make, a step does not register', async () => {
  await using test = await openStep()
  const { owner, step, runs, models } = test
  await owner.call('POST', 'registered-models/create', { name: 'm' })
  await owner.call('POST', 'model-versions/create', { name: 'm', source: 's3://bucket/x' })
  for (const fields of [
    { source: `models:/${models.foreign}`, model_id: models.foreign },
    { source: `runs:/${runs.foreign.id}/model`, run_id: runs.foreign.id },
    { source: `${runs.foreign.artifactUri}/model`, run_id: runs.foreign.id },
    { source: `models:/${models.own}`, model_id: models.own, run_id: runs.foreign.id },
    { source: 's3://bucket/secret' },
    { source: 's3://bucket/secret', run_id: runs.own.id }, // Its files would be read with the server's credentials.
    { source: 's3://bucket/secret', model_id: models.own },
    { source: 'models:/m/1' },
    { source: 'prompt-template', tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }] },
  ]) {
    expect([fields, refused(await step('POST', 'model-versions/create', { name: 'm', ...fields }))]).toEqual([
      fields,
      forbidden,
    ])
  }
  const prompt = { name: 'p', tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }] }
  expect(refused(await step('POST', 'registered-models/create', prompt))).toEqual(forbidden)
})

test('what it did not register, and what serves, a step leaves alone', async () => {
  await using test = await openStep()
  const { owner, step, runs } = test
  const graph = { model: 'm', digest: 'a'.repeat(64), bytes: 10, signature: smallSignature }
  await transact(owner.db, (trx) => registerVersion(trx, testActor(), graph))
  const own = { name: 'm', version: '2' }
  const made = { name: 'm', source: `runs:/${runs.own.id}/model`, run_id: runs.own.id }
  expect((await step('POST', 'model-versions/create', made)).json.model_version).toMatchObject(own)
  const id = { name: 'm', version: '1' }
  for (const [method, path, fields] of [
    ['PATCH', 'model-versions/update', { ...id, description: 'd' }],
    ['POST', 'model-versions/set-tag', { ...id, key: 'k', value: 'v' }],
    ['DELETE', 'model-versions/delete-tag', { ...id, key: 'k' }],
    ['POST', 'model-versions/transition-stage', { ...id, stage: 'Archived' }],
    ['POST', 'model-versions/transition-stage', { ...own, stage: 'Production', archive_existing_versions: true }],
    ['POST', 'registered-models/alias', { ...id, alias: 'mine' }],
    ['POST', 'registered-models/alias', { ...own, alias: 'champion' }],
    ['POST', 'registered-models/alias', { ...own, alias: 'challenger' }],
    ['DELETE', 'registered-models/alias', { name: 'm', alias: 'mine' }],
    ['DELETE', 'model-versions/delete', own],
    ['DELETE', 'registered-models/delete', { name: 'm' }],
    ['POST', 'registered-models/rename', { name: 'm', new_name: 'n' }],
    ['PATCH', 'registered-models/update', { name: 'm', description: 'd' }],
    ['POST', 'registered-models/set-tag', { name: 'm', key: 'k', value: 'v' }],
  ] as const) {
    expect([path, fields, refused(await step(method, path, fields))]).toEqual([path, fields, forbidden])
  }
  expect((await step('POST', 'registered-models/alias', { ...own, alias: 'mine' })).status).toBe(200)
})
