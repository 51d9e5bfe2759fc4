// Models, versions and aliases over HTTP and a real database: who may, what is recorded, what can be walked to.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { listAudit } from '../governance/audit.ts'
import { upstream } from '../governance/lineage.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer, testActor } from '../governance/testing.ts'
import type { BlobRef, BlobStore } from '../platform/blobs.ts'
import { transact } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { eventMigrations, readEvents } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { checkGraph } from './graph-check.ts'
import { modelMigrations } from './migrations.ts'
import { moveAlias } from './promotion.ts'
import { judgeVersion } from './version-changes.ts'
import { registerVersion, type NewVersion } from './registration.ts'
import { aliasRoutes, modelRoutes, versionRoutes, type ModelDeps, type ModelRouteTables } from './routes.ts'
import { endlessModel, modelFile, node, smallModel, smallSignature, valueInfo } from './testing.ts'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'

const migrations = { ...eventMigrations, ...governanceMigrations, ...modelMigrations }
const openDatabase = () => createTestDatabase<ModelRouteTables>(migrations)

const routes: FastifyPluginAsyncZod<ModelDeps> = async (server, deps) => {
  await server.register(modelRoutes, deps)
  await server.register(versionRoutes, deps)
  await server.register(aliasRoutes, deps)
}

/** Bytes in memory under their sha256: all that registering asks of a blob store. */
function blobsOf(files: readonly Uint8Array[]): { blobs: BlobStore; digests: string[] } {
  const stored = new Map(files.map((bytes) => [createHash('sha256').update(bytes).digest('hex'), bytes]))
  const get = async (digest: string): Promise<Uint8Array> => {
    const bytes = stored.get(digest)
    if (!bytes) throw new DomainError('not_found', 'blob_not_found', `no blob ${digest}`)
    return bytes
  }
  const put = async (bytes: Uint8Array): Promise<BlobRef> => {
    const digest = createHash('sha256').update(bytes).digest('hex')
    stored.set(digest, bytes)
    return { digest, bytes: bytes.length }
  }
  return { blobs: { get, put } as Partial<BlobStore> as BlobStore, digests: [...stored.keys()] }
}

const version = (change: Partial<NewVersion> = {}): NewVersion => ({
  model: 'flights',
  digest: 'a'.repeat(64),
  bytes: 10,
  signature: smallSignature,
  runId: 'run_1',
  datasetVersion: 'flights/1',
  pipelineRunId: 'prn_1',
  metrics: { auc: 0.7 },
  trainedOn: { fromMs: 0, toMs: 1000 },
  ...change,
})

const baseline = {
  rows: 3,
  features: [
    { name: 'x', derive: 'value' as const, bins: { kind: 'numeric' as const, edges: [0, 1] }, counts: [0, 0, 3, 0] },
  ],
  prediction: { bins: { kind: 'numeric' as const, edges: [0, 0.5, 1] }, counts: [0, 0, 2, 1, 0] },
  days: [],
}

test('versions are numbered without gaps, and know what they came from', async () => {
  await using db = await openDatabase()
  const actor = testActor('loop:flights', () => 5)
  const register = () => transact(db, (trx) => registerVersion(trx, actor, version({ baseline })))
  const made = await Promise.all([register(), register(), register()])
  expect(made.map((each) => each.version).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
  expect(made[0]).toMatchObject({
    state: 'candidate',
    createdBy: 'loop:flights',
    createdAtMs: 5,
    hasBaseline: true,
    approvedBy: null,
  })
  const edges = await upstream(db, 'model_version:flights/2')
  expect(edges.map((edge) => `${edge.upstream} ${edge.relation}`).toSorted()).toEqual([
    'dataset_version:flights/1 trained_on',
    'pipeline_run:prn_1 produced',
    'run:run_1 produced',
  ])
  const events = await readEvents(db, { seq: 0 })
  expect(events.map(({ type, subject }) => `${type} ${subject}`).toSorted()).toEqual([
    'model.created flights',
    'model.version_registered flights/1',
    'model.version_registered flights/2',
    'model.version_registered flights/3',
  ])
})

test('a version that fails to register takes no number and leaves no trace', async () => {
  await using db = await openDatabase()
  const failing = transact(db, async (trx) => {
    await registerVersion(trx, testActor(), version())
    throw new Error('later')
  })
  await expect(failing).rejects.toThrow('later')
  const wrong = { ...baseline, features: [{ ...baseline.features[0]!, name: 'y' }] }
  const mismatch = transact(db, (trx) => registerVersion(trx, testActor(), version({ baseline: wrong })))
  await expect(mismatch).rejects.toMatchObject({ code: 'baseline_mismatch' })
  const good = await transact(db, (trx) => registerVersion(trx, testActor(), version()))
  expect(good.version).toBe(1)
  expect(await listAudit(db, { subject: 'flights/1', limit: 10 })).toHaveLength(1)
})

test('an alias moves once for two that saw it in the same place, back as it went, and every move is told', async () => {
  await using db = await openDatabase()
  const actor = testActor('tester', () => 7)
  for (let count = 0; count < 2; count++) {
    const { version: number } = await transact(db, (trx) => registerVersion(trx, actor, version()))
    await transact(db, (trx) =>
      judgeVersion(trx, actor, { model: 'flights', version: number, state: 'approved', reason: 'test' }),
    )
  }
  const move = (to: number, expected: number | null) =>
    moveAlias(db, actor, { model: 'flights', alias: 'champion', version: to, expected, reason: 'test' })
  expect(await move(1, null)).toEqual({ model: 'flights', alias: 'champion', version: 1, setAtMs: 7 })
  expect(await move(2, 1)).toMatchObject({ version: 2 })
  await expect(move(1, 1)).rejects.toMatchObject({ code: 'alias_moved', kind: 'conflict' })
  expect(await move(1, 2)).toMatchObject({ version: 1 })
  await expect(move(9, 1)).rejects.toMatchObject({ code: 'model_version_not_found' })
  const moves = await readEvents(db, { seq: 0, types: ['alias.moved'] })
  expect(moves.map(({ payload }) => payload)).toMatchObject([
    { from: null, to: 1 },
    { from: 1, to: 2 },
    { from: 2, to: 1 },
  ])
  expect(await listAudit(db, { subject: 'flights@champion', limit: 10 })).toHaveLength(3)
  const deployed = await upstream(db, 'deployment:flights@champion')
  expect(deployed.map((edge) => edge.upstream)).toEqual(
    expect.arrayContaining(['model_version:flights/1', 'model_version:flights/2', 'run:run_1']),
  )
  // In the caller's transaction it happens with it, or not at all.
  const together = transact(db, async (trx) => {
    await moveAlias(trx, actor, { model: 'flights', alias: 'champion', version: 2, expected: 1, reason: 'test' })
    throw new Error('no')
  })
  await expect(together).rejects.toThrow('no')
  expect(await move(2, 1)).toMatchObject({ version: 2 })
})

test('only an approved version becomes champion or challenger; other names are free', async () => {
  await using db = await openDatabase()
  const actor = testActor()
  await transact(db, (trx) => registerVersion(trx, actor, version()))
  const move = (alias: string) =>
    moveAlias(db, actor, { model: 'flights', alias, version: 1, expected: null, reason: 'test' })
  await expect(move('champion')).rejects.toMatchObject({ code: 'version_not_approved' })
  await expect(move('challenger')).rejects.toMatchObject({ code: 'version_not_approved' })
  expect(await move('experiment')).toMatchObject({ version: 1 })
  const judge = (state: 'approved' | 'rejected') =>
    transact(db, (trx) => judgeVersion(trx, actor, { model: 'flights', version: 1, state, reason: 'looked at it' }))
  expect(await judge('approved')).toMatchObject({ state: 'approved', approvedBy: 'tester' })
  expect(await move('champion')).toMatchObject({ version: 1 })
  expect(await judge('rejected')).toMatchObject({ state: 'rejected', approvedBy: null })
  const events = await readEvents(db, { seq: 0, types: ['model.version_judged'] })
  expect(events.map(({ payload }) => payload)).toMatchObject([
    { from: 'candidate', to: 'approved', by: 'tester' },
    { from: 'approved', to: 'rejected' },
  ])
})

test('a graph that is rewritten keeps the digest of its maker’s file, and tells what the signature leaves out', async () => {
  await using db = await openDatabase()
  const file = modelFile({
    inputs: [valueInfo('X', 11, [1, 2])],
    outputs: [valueInfo('logits', 11, [1, 2])],
    nodes: [node({ operator: 'Neg', inputs: ['X'], outputs: ['logits'] })],
  })
  const { blobs, digests } = blobsOf([file])
  await using server = await createTestServer(routes, { db, blobs })
  const post = async (payload: object) =>
    (await server.inject({ method: 'POST', url: '/models/made/versions', payload })).json<Record<string, unknown>>()
  const signature = { task: 'binary', classes: ['no', 'yes'] }
  const made = await post({ digest: digests[0], signature })
  expect(made).toMatchObject({
    signature: {
      ...signature,
      inputs: [
        { name: 'X_0', type: 'double', required: true },
        { name: 'X_1', type: 'double', required: true },
      ],
      tensors: [{ name: 'X', elementType: 'float64', columns: ['X_0', 'X_1'] }],
    },
    rewritten: { from: digests[0], changes: expect.arrayContaining(['Softmax of the logits "logits"']) as unknown },
  })
  expect(made['digest']).not.toBe(digests[0])
  expect(checkGraph(await blobs.get(made['digest'] as string)).outputs).toMatchObject([
    { name: 'probabilities', elementType: 'float32', shape: ['N', 2] },
  ])
  const [audit] = await listAudit(db, { limit: 1 })
  expect(audit).toMatchObject({ action: 'model.register', detail: { rewritten: { from: digests[0] } } })
  const inputs = [{ name: 'a', type: 'double' }]
  expect(await post({ digest: digests[0], signature: { ...signature, inputs } })).toMatchObject({
    code: 'graph_signature_mismatch',
  })
})

test('a graph is checked when it is registered over HTTP, and its version can be read, described and listed', async () => {
  await using db = await openDatabase()
  const endless = endlessModel()
  const { blobs, digests } = blobsOf([smallModel(), endless.bytes])
  await using server = await createTestServer(routes, { db, blobs })
  const post = async (digest: string, signature = smallSignature) => {
    const payload = { digest, signature, baseline, description: 'first', tags: { team: 'a' }, metrics: { auc: 0.6 } }
    return server.inject({ method: 'POST', url: '/models/small/versions', payload })
  }
  expect((await post(digests[1]!, endless.signature)).json()).toMatchObject({ code: 'graph_subgraph', status: 400 })
  expect((await post('0'.repeat(64))).json()).toMatchObject({ code: 'blob_not_found' })
  const made = await post(digests[0]!)
  expect(made.statusCode).toBe(201)
  expect(made.json()).toMatchObject({
    version: 1,
    bytes: smallModel().length,
    state: 'candidate',
    description: 'first',
  })
  const get = async (url: string) => (await server.inject({ url })).json() as unknown
  expect(await get('/models/small/versions/1')).toEqual(made.json())
  expect(await get('/models/small/versions/1/baseline')).toEqual(baseline)
  expect(await get('/models')).toMatchObject([{ name: 'small', lastVersion: 1 }])
  expect(await get('/models/small/versions?limit=1')).toMatchObject([{ version: 1 }])
  expect(await get('/models/small/versions?before=1')).toEqual([])
  expect(await get('/models/small/versions/1/gates')).toEqual([])
  const payload = { description: 'better words' }
  const patched = await server.inject({ method: 'PATCH', url: '/models/small/versions/1', payload })
  expect(patched.json()).toMatchObject({ description: 'better words', tags: { team: 'a' } })
  for (const [url, code] of [
    ['/models/none', 'model_not_found'],
    ['/models/small/versions/2', 'model_version_not_found'],
    ['/models/small/versions/2/baseline', 'model_version_not_found'],
    ['/models/small/aliases/champion', 'alias_not_found'],
    ['/gates/none', 'gate_not_found'],
    ['/models/small/versions/x', 'request_invalid'],
  ]) {
    expect(await get(url!)).toMatchObject({ code })
  }
})

test('models and aliases are made, described, moved and removed over HTTP', async () => {
  await using db = await openDatabase()
  await using server = await createTestServer(routes, { db, blobs: blobsOf([]).blobs })
  const send = async (method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', url: string, payload?: object) =>
    server.inject({ method, url, ...(payload ? { payload } : {}) })
  expect((await send('POST', '/models', { name: 'my model', tags: { a: '1' } })).statusCode).toBe(201)
  expect((await send('POST', '/models', { name: 'my model' })).json()).toMatchObject({
    code: 'model_exists',
    status: 409,
  })
  expect((await send('POST', '/models', { name: 'a/b' })).json()).toMatchObject({ code: 'request_invalid' })
  expect((await send('PATCH', '/models/my%20model', { description: 'd' })).json()).toMatchObject({
    description: 'd',
    tags: { a: '1' },
  })
  await transact(db, (trx) => registerVersion(trx, testActor(), version({ model: 'my model' })))
  const state = { state: 'approved', reason: 'good' }
  expect((await send('PUT', '/models/my%20model/versions/1/state', state)).json()).toMatchObject({
    state: 'approved',
    approvedBy: 'tester',
  })
  const alias = '/models/my%20model/aliases/champion'
  expect((await send('PUT', alias, { version: 1, expected: null, reason: 'go' })).json()).toMatchObject({ version: 1 })
  expect((await server.inject({ url: '/models/my%20model/aliases' })).json()).toMatchObject([
    { alias: 'champion', version: 1 },
  ])
  expect((await send('DELETE', `${alias}?expected=2&reason=stop`)).json()).toMatchObject({ code: 'alias_moved' })
  expect((await send('DELETE', `${alias}?expected=1&reason=stop`)).statusCode).toBe(204)
  expect((await send('DELETE', `${alias}?expected=1&reason=stop`)).json()).toMatchObject({ code: 'alias_not_found' })
})

test('who may only write models can neither approve nor promote', async () => {
  await using db = await openDatabase()
  await transact(db, (trx) => registerVersion(trx, testActor(), version()))
  const deps = { db, blobs: blobsOf([]).blobs }
  await using server = await createTestServer(routes, deps, { permissions: ['model.read', 'model.write'] })
  const before = (await listAudit(db, { limit: 100 })).length
  const state = {
    method: 'PUT' as const,
    url: '/models/flights/versions/1/state',
    payload: { state: 'approved', reason: 'me' },
  }
  const move = {
    method: 'PUT' as const,
    url: '/models/flights/aliases/champion',
    payload: { version: 1, expected: null, reason: 'me' },
  }
  for (const request of [state, move]) {
    expect((await server.inject(request)).json()).toMatchObject({ code: 'permission_missing', status: 403 })
  }
  expect(await listAudit(db, { limit: 100 })).toHaveLength(before)
})
