// A run from its start to its end over HTTP, on real databases.
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer, testActor } from '../governance/testing.ts'
import { transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { readerOf } from '../platform/reader.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { getRun } from './reading.ts'
import { createRun, type RecordingTables } from './recording.ts'
import { experimentRoutes, runRoutes } from './routes.ts'
import { createRunWriter } from './run-writer.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }

test('a run goes from its start to a search over HTTP, numbers that JSON lacks included', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  await using server = await createTestServer(runRoutes, {
    db,
    reader: readerOf(db),
    writer: createRunWriter(db),
    alsoDeleted: async () => undefined,
  })
  const post = async (url: string, payload: object = {}) => server.inject({ method: 'POST', url, payload })
  const created = await post('/runs', { experiment: 'flights', params: { depth: '6' } })
  expect(created.statusCode).toBe(201)
  const { id } = created.json<{ id: string }>()
  const metrics = [
    { key: 'loss', step: 0, atMs: 5, value: 'Infinity' },
    { key: 'loss', step: 1, atMs: 6, value: 'NaN' },
    { key: 'loss', step: 2, atMs: 7, value: 0.25 },
  ]
  expect((await post(`/runs/${id}/batch`, { metrics, tags: { team: 'ops' } })).statusCode).toBe(200)
  const blob = { digest: 'ab'.repeat(32), bytes: 1 }
  expect(
    (await post(`/runs/${id}/artifacts`, { name: 'm.onnx', blob, mediaType: 'application/onnx' })).statusCode,
  ).toBe(200)
  expect(
    (await post(`/runs/${id}/inputs`, { inputs: [{ datasetVersion: 'flights/1', role: 'training' }] })).statusCode,
  ).toBe(200)
  expect((await post(`/runs/${id}/finish`, { state: 'finished' })).statusCode).toBe(200)
  const run = (await server.inject({ url: `/runs/${id}` })).json<Record<string, unknown>>()
  expect(run).toMatchObject({ state: 'finished', params: { depth: '6' }, inputs: [{ datasetVersion: 'flights/1' }] })
  expect(run['metrics']).toEqual({ loss: { latest: 0.25, step: 2, atMs: 7, min: 0.25, max: 'Infinity' } })
  const history = await server.inject({ url: `/runs/${id}/metric-history?key=loss&buckets=3` })
  expect(history.json<{ buckets: { last: unknown }[] }>().buckets.map(({ last }) => last)).toEqual([
    'Infinity',
    'NaN',
    0.25,
  ])
  const filter = [{ field: 'metrics.loss', operator: '<', value: 1 }]
  const found = (await post('/runs/search', { experiment: 'flights', filter })).json<{ runs: { id: string }[] }>()
  expect(found.runs.map((each) => each.id)).toEqual([id])
  const changed = await post(`/runs/${id}/batch`, { params: { depth: '7' } })
  expect([changed.statusCode, changed.json<{ code: string }>().code]).toEqual([409, 'param_changed'])
  expect((await post('/runs/run_none/batch', {})).statusCode).toBe(404)
  expect((await post(`/runs/${id}/batch`, { metrics: [{ key: 'x', atMs: 1, value: 'lots' }] })).statusCode).toBe(400)
})

test('the token of a step writes its own run, starts others within it, and writes nothing else', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  const start = () => transact(db, (trx) => createRun(trx, testActor(), { experiment: 'flights' }))
  const [own, other] = [await start(), await start()]
  await using server = await createTestServer(
    runRoutes,
    { db, reader: readerOf(db), writer: createRunWriter(db), alsoDeleted: async () => undefined },
    { scope: own },
  )
  const status = async (url: string, payload: object) =>
    (await server.inject({ method: 'POST', url, payload })).statusCode
  expect(await status(`/runs/${own}/batch`, { tags: { a: 'b' } })).toBe(200)
  expect(await status(`/runs/${other}/batch`, { tags: { a: 'b' } })).toBe(403)
  expect(await status(`/runs/${other}/finish`, { state: 'failed' })).toBe(403)
  expect(await status(`/runs/${other}/delete`, {})).toBe(403)
  expect(await status('/runs', { experiment: 'elsewhere' })).toBe(403)
  const nested = await server.inject({ method: 'POST', url: '/runs', payload: { experiment: 'flights' } })
  const { id } = nested.json<{ id: string }>()
  expect((await getRun(db, id)).tags).toEqual({ 'mlflow.parentRunId': own })
  expect(await status(`/runs/${id}/finish`, { state: 'finished' })).toBe(200)
})

test('an experiment is made, renamed, deleted and restored', async () => {
  await using db = await createTestDatabase<RecordingTables>(migrations)
  await using server = await createTestServer(experimentRoutes, { db, alsoDeleted: async () => undefined })
  const made = await server.inject({ method: 'POST', url: '/experiments', payload: { name: 'flights' } })
  expect(made.json()).toMatchObject({ id: 1, name: 'flights', deletedAtMs: null })
  const again = await server.inject({ method: 'POST', url: '/experiments', payload: { name: 'flights' } })
  expect(again.json()).toMatchObject({ status: 409, code: 'experiment_exists' })
  const patch = async (payload: object) =>
    (await server.inject({ method: 'PATCH', url: '/experiments/1', payload })).json<object>()
  expect(await patch({ name: 'delays', tags: { team: 'ops' } })).toMatchObject({
    name: 'delays',
    tags: { team: 'ops' },
  })
  expect(await patch({ isDeleted: true })).toMatchObject({ deletedAtMs: expect.any(Number) as unknown })
  expect((await server.inject({ url: '/experiments' })).json()).toEqual({ experiments: [] })
  expect(await patch({ isDeleted: false })).toMatchObject({ deletedAtMs: null, tags: { team: 'ops' } })
})
