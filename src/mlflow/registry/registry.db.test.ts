// MLflow's registry as its clients know it: answers, texts and rules, on both databases.
import { expect, test } from 'vitest'
import { listAudit } from '../../governance/audit.ts'
import { upstream } from '../../governance/lineage.ts'
import { testActor } from '../../governance/testing.ts'
import { findAlias } from '../../models/alias-store.ts'
import { findModel } from '../../models/model-store.ts'
import { getVersion } from '../../models/model-version-store.ts'
import { registerVersion } from '../../models/registration.ts'
import { judgeVersion } from '../../models/version-changes.ts'
import { smallSignature } from '../../models/testing.ts'
import { transact } from '../../platform/database.ts'
import { readEvents } from '../../platform/events.ts'
import { openRegistry, type RegistryTest } from './testing.ts'

const refusal = (code: string, message: string, status = 400) => ({
  status,
  json: expect.objectContaining({ error_code: code, message }),
})
const invalid = (message: string) => refusal('INVALID_PARAMETER_VALUE', message)
const missing = (message: string) => refusal('RESOURCE_DOES_NOT_EXIST', message, 404)
const prompt = { key: 'mlflow.prompt.is_prompt', value: 'true' }

const make = (registry: RegistryTest, name: string, fields: object = {}) =>
  registry.call('POST', 'registered-models/create', { name, ...fields })
const add = (registry: RegistryTest, name: string, fields: object = {}) =>
  registry.call('POST', 'model-versions/create', { name, source: 's3://bucket/model', ...fields })

interface Stood {
  readonly version: string
  readonly current_stage: string
}

/** A version with a graph, as a pipeline registers it. */
async function addGraph({ db }: RegistryTest, model: string, state?: 'approved'): Promise<number> {
  const actor = testActor('loop:x')
  return transact(db, async (trx) => {
    const graph = { model, digest: 'a'.repeat(64), bytes: 10, signature: smallSignature }
    const { version } = await registerVersion(trx, actor, graph)
    if (state) await judgeVersion(trx, actor, { model, version, state, reason: 'test' })
    return version
  })
}

test('a model is made once, and a prompt and a model never share a name', async () => {
  await using registry = await openRegistry()
  const tags = [
    { key: 'a', value: '1' },
    { key: 'a', value: '2' },
  ]
  const { json } = await make(registry, 'm', { tags, description: 'words' })
  expect(json.registered_model).toMatchObject({ name: 'm', description: 'words', tags: [{ key: 'a', value: '2' }] })
  expect(json.registered_model.latest_versions).toBeUndefined()
  expect(await make(registry, 'm')).toEqual(
    refusal('RESOURCE_ALREADY_EXISTS', 'Registered Model (name=m) already exists.'),
  )
  const noPrompt = await make(registry, 'm', { tags: [prompt] })
  expect(noPrompt.json.message).toBe(
    "Tried to create a prompt with name 'm', but the name is already taken by a registered model. MLflow does not allow creating a model and a prompt with the same name.",
  )
  expect(await findModel(registry.db, 'm')).toMatchObject({ tags: { a: '2' }, description: 'words' })
})

test.each([
  ['a/b', "Invalid model name 'a/b'. Names cannot contain '/' or ':'."],
  ['a:b', "Invalid model name 'a:b'. Names cannot contain '/' or ':'."],
  ['  ', "Missing value for required parameter 'name'."],
  [
    '..',
    `Invalid value ".." for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '..'`,
  ],
  ['x'.repeat(257), "'name' exceeds the maximum length of 256 characters"],
])('the name "%s" is refused in MLflow’s words', async (name, message) => {
  await using registry = await openRegistry()
  expect(await make(registry, name)).toEqual(invalid(message))
})

test('a name of 256 characters of any script is fine, with "@" and spaces', async () => {
  await using registry = await openRegistry()
  for (const name of ['é'.repeat(256), ' a@b ', '🦊 v1']) {
    expect((await make(registry, name)).json.registered_model.name).toBe(name)
    expect((await add(registry, name)).json.model_version.version).toBe('1')
  }
})

test('tags are checked in MLflow’s words and set one at a time', async () => {
  await using registry = await openRegistry()
  await make(registry, 'm')
  await add(registry, 'm')
  const set = (fields: object) =>
    registry.call('POST', 'model-versions/set-tag', { name: 'm', version: '1', ...fields })
  expect(await set({ key: 'k', value: 'v'.repeat(100_001) })).toEqual(
    invalid("'value' exceeds the maximum length of 100000 characters"),
  )
  expect(await set({ key: 'mlflow.prompt.text', value: 'v'.repeat(100_001) })).toEqual(
    invalid('Prompt text exceeds max length of 100000 characters.'),
  )
  expect((await set({ key: 'k#', value: '' })).json.message).toContain('Names may only contain alphanumerics')
  expect(await set({ key: 'k', value: 'v'.repeat(100_000) })).toEqual({ status: 200, json: {} })
  expect(await set({ key: 'k', value: 'new' })).toEqual({ status: 200, json: {} })
  const gone = { name: 'm', version: '1', key: 'k' }
  expect(await registry.call('DELETE', 'model-versions/delete-tag', gone)).toEqual({ status: 200, json: {} })
  expect(await registry.call('DELETE', 'model-versions/delete-tag', gone)).toEqual({ status: 200, json: {} })
  const events = await readEvents(registry.db, {
    seq: 0,
    types: ['model_version.tag_set', 'model_version.tag_deleted'],
  })
  expect(events.map(({ type }) => type)).toEqual([
    'model_version.tag_set',
    'model_version.tag_set',
    'model_version.tag_deleted',
  ])
  expect(await listAudit(registry.db, { subject: 'm/1', limit: 10 })).toHaveLength(4)
})

test('a version of a source has all that MLflow tells, and its run in the lineage', async () => {
  await using registry = await openRegistry()
  await make(registry, 'm')
  const fields = { run_id: 'abc', run_link: 'l', description: 'd', tags: [{ key: 'k', value: 'v' }] }
  const { json } = await add(registry, 'm', fields)
  expect(json.model_version).toMatchObject({
    name: 'm',
    version: '1',
    current_stage: 'None',
    source: 's3://bucket/model',
    status: 'READY',
    ...fields,
  })
  expect((await add(registry, 'm')).json.model_version).toMatchObject({ version: '2', run_id: '', run_link: '' })
  expect(await upstream(registry.db, 'model_version:m/1')).toMatchObject([{ upstream: 'run:abc' }])
  expect(await getVersion(registry.db, { model: 'm', version: 1 })).toMatchObject({ digest: null, state: 'candidate' })
  expect(await add(registry, 'nope')).toEqual(missing('Registered Model with name=nope not found'))
})

test.each([
  ['x', "Parameter 'version' must be an integer, got 'x'.", 400],
  ['1.0', "Parameter 'version' must be an integer, got '1.0'.", 400],
  ['99', 'Model Version (name=m, version=99) not found', 404],
  ['-1', 'Model Version (name=m, version=-1) not found', 404],
  ['99999999999', 'Model Version (name=m, version=99999999999) not found', 404],
])('version %s is not there', async (version, message, status) => {
  await using registry = await openRegistry()
  await make(registry, 'm')
  const answer = await registry.call('GET', 'model-versions/get', { name: 'm', version })
  expect([answer.status, answer.json.message]).toEqual([status, message])
})

test('a deleted version is gone with its aliases, and its number is never given again', async () => {
  await using registry = await openRegistry()
  await make(registry, 'm')
  await add(registry, 'm')
  await add(registry, 'm', { description: 'secret' })
  await registry.call('POST', 'registered-models/alias', { name: 'm', alias: 'best', version: '2' })
  await registry.call('DELETE', 'model-versions/delete', { name: 'm', version: '2' })
  expect(await registry.call('GET', 'model-versions/get', { name: 'm', version: '2' })).toEqual(
    missing('Model Version (name=m, version=2) not found'),
  )
  expect(await registry.call('GET', 'registered-models/alias', { name: 'm', alias: 'best' })).toEqual(
    invalid('Registered model alias best not found.'),
  )
  expect((await add(registry, 'm')).json.model_version.version).toBe('3')
  const { json } = await registry.call('GET', 'model-versions/search', {})
  expect(json.model_versions.map((each: { version: string }) => each.version)).toEqual(['3', '1'])
})

test('stages are read in any case, and those who stood there are archived when asked', async () => {
  await using registry = await openRegistry()
  await make(registry, 'm')
  for (let count = 0; count < 3; count++) await add(registry, 'm')
  const move = (version: string, stage: string, archive: boolean) =>
    registry.call('POST', 'model-versions/transition-stage', {
      name: 'm',
      version,
      stage,
      archive_existing_versions: archive,
    })
  expect((await move('1', 'production', true)).json.model_version.current_stage).toBe('Production')
  expect((await move('2', 'PRODUCTION', true)).json.model_version.current_stage).toBe('Production')
  expect((await move('2', 'None', true)).json.message).toContain("because 'None' is not an Active stage")
  expect(await move('2', 'bad', false)).toEqual(
    invalid('Invalid Model Version stage: bad. Value must be one of None, Staging, Production, Archived.'),
  )
  const newest = await registry.call('GET', 'registered-models/get-latest-versions', { name: 'm' })
  const shown = newest.json.model_versions.map((each: Stood) => `${each.version} ${each.current_stage}`)
  expect(shown.toSorted()).toEqual(['1 Archived', '2 Production', '3 None'])
  const some = await registry.call('POST', 'registered-models/get-latest-versions', {
    name: 'm',
    stages: ['production'],
  })
  expect(some.json.model_versions).toMatchObject([{ version: '2' }])
})

test('aliases follow MLflow’s rules, and "latest" is the newest version', async () => {
  await using registry = await openRegistry()
  await make(registry, 'm')
  await add(registry, 'm')
  await add(registry, 'm')
  const set = (alias: string, version = '1') =>
    registry.call('POST', 'registered-models/alias', { name: 'm', alias, version })
  expect(await set('Latest')).toEqual(invalid("'latest' alias name (case insensitive) is reserved."))
  expect(await set('v1')).toEqual(invalid("Version alias name 'v1' is reserved."))
  expect((await set('a b')).json.message).toContain("Invalid alias name: 'a b'.")
  expect(await set('b', '9')).toEqual(missing('Model Version (name=m, version=9) not found'))
  expect(await set('ü-1')).toEqual({ status: 200, json: {} })
  expect(await set('ü-1', '2')).toEqual({ status: 200, json: {} })
  expect(await findAlias(registry.db, { model: 'm', alias: 'ü-1' })).toMatchObject({ version: 2 })
  const by = (alias: string) => registry.call('GET', 'registered-models/alias', { name: 'm', alias })
  expect((await by('ü-1')).json.model_version).toMatchObject({ version: '2', aliases: ['ü-1'] })
  expect((await by('LATEST')).json.model_version).toMatchObject({ version: '2' })
  const model = await registry.call('GET', 'registered-models/get', { name: 'm' })
  expect(model.json.registered_model.aliases).toEqual([{ alias: 'ü-1', version: '2' }])
  const remove = { name: 'm', alias: 'ü-1' }
  expect((await registry.call('DELETE', 'registered-models/alias', remove)).status).toBe(200)
  expect((await registry.call('DELETE', 'registered-models/alias', remove)).status).toBe(200)
})

test('champion is a name like any other until a model has a graph; then only what may serve becomes it', async () => {
  await using registry = await openRegistry()
  const champion = (name: string, version: number) =>
    registry.call('POST', 'registered-models/alias', { name, alias: 'champion', version: String(version) })
  await make(registry, 'plain')
  await add(registry, 'plain')
  expect((await champion('plain', 1)).status).toBe(200)
  const candidate = await addGraph(registry, 'flights')
  expect(await champion('flights', candidate)).toEqual(
    invalid('flights/1 is candidate and cannot become champion: let a gate judge it, or approve it'),
  )
  await add(registry, 'flights')
  expect((await champion('flights', 2)).json.message).toContain('flights/2 is not servable: it has no ONNX graph')
  const approved = await addGraph(registry, 'flights', 'approved')
  expect((await champion('flights', approved)).status).toBe(200)
  const native = await registry.call('GET', 'model-versions/get', { name: 'flights', version: '3' })
  expect(native.json.model_version).toMatchObject({ source: 'trueloop:/models/flights/versions/3', status: 'READY' })
})

test('a rename takes versions, tags and aliases along; a name whose versions could serve is not taken again', async () => {
  await using registry = await openRegistry()
  await make(registry, 'a', { tags: [{ key: 'k', value: 'v' }] })
  await add(registry, 'a', { run_id: 'r', tags: [{ key: 'x', value: 'y' }] })
  await registry.call('POST', 'registered-models/alias', { name: 'a', alias: 'best', version: '1' })
  const rename = (name: string, newName: string) =>
    registry.call('POST', 'registered-models/rename', { name, new_name: newName })
  expect((await rename('a', 'b')).json.registered_model).toMatchObject({
    name: 'b',
    tags: [{ key: 'k', value: 'v' }],
    latest_versions: [{ name: 'b', version: '1', tags: [{ key: 'x', value: 'y' }] }],
    aliases: [{ alias: 'best', version: '1' }],
  })
  expect(await upstream(registry.db, 'model_version:b/1')).toMatchObject([{ upstream: 'run:r' }])
  expect(await rename('a', 'c')).toEqual(missing('Registered Model with name=a not found'))
  await make(registry, 'c')
  expect((await rename('b', 'c')).json.error_code).toBe('RESOURCE_ALREADY_EXISTS')
  await addGraph(registry, 'flights')
  expect((await rename('flights', 'journeys')).status).toBe(200)
  expect((await rename('b', 'flights')).json.message).toContain('belonged to a model whose versions could serve')
  // The model itself may go back, also after another step.
  expect((await rename('journeys', 'trips')).status).toBe(200)
  expect((await rename('trips', 'flights')).json.registered_model.latest_versions).toMatchObject([{ version: '1' }])
  expect((await rename('flights', 'trips')).json.error_code).toBeUndefined()
  await make(registry, 'flights')
  expect((await add(registry, 'flights')).json.model_version.version).toBe('2')
  expect((await rename('trips', 'flights')).json.error_code).toBe('RESOURCE_ALREADY_EXISTS')
  await registry.call('DELETE', 'registered-models/delete', { name: 'trips' })
  expect((await rename('b', 'trips')).json.message).toContain('belonged to a model whose versions could serve')
})

test('a deleted model is gone with all that it had; a new one of the name begins at 1', async () => {
  await using registry = await openRegistry()
  await make(registry, 'm', { tags: [{ key: 'k', value: 'v' }] })
  await add(registry, 'm', { run_id: 'r', tags: [{ key: 'x', value: 'y' }] })
  await registry.call('POST', 'registered-models/alias', { name: 'm', alias: 'best', version: '1' })
  expect((await registry.call('DELETE', 'registered-models/delete', { name: 'm' })).status).toBe(200)
  expect(await registry.call('DELETE', 'registered-models/delete', { name: 'm' })).toEqual(
    missing('Registered Model with name=m not found'),
  )
  await make(registry, 'm')
  expect((await add(registry, 'm')).json.model_version).toMatchObject({ version: '1' })
  expect(await upstream(registry.db, 'model_version:m/1')).toEqual([])
  expect(
    (await registry.call('GET', 'registered-models/get', { name: 'm' })).json.registered_model.tags,
  ).toBeUndefined()
})

test('what is in use is neither renamed nor deleted, and the refusal says where', async () => {
  const findUse = async (_: unknown, model: string, version = 1) =>
    version === 1 ? `endpoint "e" serves ${model}/1` : undefined
  await using registry = await openRegistry({ uses: { findUse } })
  await make(registry, 'm')
  await add(registry, 'm')
  await add(registry, 'm')
  const inUse = invalid('"m" is in use: endpoint "e" serves m/1; take it out there first, then try again')
  expect(await registry.call('DELETE', 'registered-models/delete', { name: 'm' })).toEqual(inUse)
  expect(await registry.call('POST', 'registered-models/rename', { name: 'm', new_name: 'n' })).toEqual(inUse)
  expect((await registry.call('DELETE', 'model-versions/delete', { name: 'm', version: '1' })).json.message).toContain(
    'endpoint "e" serves m/1',
  )
  expect((await registry.call('DELETE', 'model-versions/delete', { name: 'm', version: '2' })).status).toBe(200)
})

test('who may only write models moves no alias', async () => {
  await using registry = await openRegistry({}, { permissions: ['model.read', 'model.register', 'model.write'] })
  await make(registry, 'm')
  await add(registry, 'm')
  const answer = await registry.call('POST', 'registered-models/alias', { name: 'm', alias: 'a', version: '1' })
  expect([answer.status, answer.json.error_code]).toEqual([403, 'PERMISSION_DENIED'])
})
