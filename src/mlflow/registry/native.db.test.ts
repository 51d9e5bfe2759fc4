// One registry, two APIs: what an MLflow client makes is there over the native one, and the other way round.
import { expect, test } from 'vitest'
import { createTestServer } from '../../governance/testing.ts'
import { aliasRoutes, modelRoutes, versionRoutes, type ModelRouteTables } from '../../models/routes.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import type { Connection } from '../../platform/database.ts'
import { openRegistry } from './testing.ts'

test('models, versions, tags and aliases are the same rows over both', async () => {
  await using registry = await openRegistry()
  const db = registry.db as unknown as Connection<ModelRouteTables> // The database has all tables of the stage.
  const blobs = {} as BlobStore // None is read.
  await using native = await createTestServer(async (server) => {
    await server.register(modelRoutes, { db, blobs })
    await server.register(versionRoutes, { db, blobs })
    await server.register(aliasRoutes, { db })
  }, {})
  const name = `ü @ ${'n'.repeat(250)}`
  const long = { key: 'k', value: 'v'.repeat(100_000) }
  await registry.call('POST', 'registered-models/create', { name, tags: [long] })
  const fields = { source: 's3://b/x', run_id: 'r', tags: [long] }
  await registry.call('POST', 'model-versions/create', { name, ...fields })
  await registry.call('POST', 'registered-models/alias', { name, alias: 'ü', version: '1' })
  const url = `/models/${encodeURIComponent(name)}`
  expect((await native.inject('/models')).json()).toMatchObject([{ name, tags: { k: long.value }, lastVersion: 1 }])
  expect((await native.inject(`${url}/versions/1`)).json()).toMatchObject({
    model: name,
    source: 's3://b/x',
    runId: 'r',
    digest: null,
    signature: null,
    state: 'candidate',
    stage: 'None',
  })
  expect((await native.inject(`${url}/aliases`)).json()).toMatchObject([{ alias: 'ü', version: 1 }])
  const put = await native.inject({
    method: 'PUT',
    url: `${url}/versions/1/state`,
    payload: { state: 'approved', reason: 'by hand' },
  })
  expect(put.statusCode).toBe(200)
  await native.inject({ method: 'POST', url: '/models', payload: { name: 'native', tags: { a: 'b' } } })
  const found = await registry.call('GET', 'registered-models/get', { name: 'native' })
  expect(found.json.registered_model).toMatchObject({ name: 'native', tags: [{ key: 'a', value: 'b' }] })
})
