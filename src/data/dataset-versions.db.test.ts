// Versions on a real database: numbers, the same rows again, races, time travel, and what the routes tell.
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer, testActor } from '../governance/testing.ts'
import { on, transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import { getVersion, insertVersion } from './dataset-store.ts'
import { recordVersion, type DataChangeTables, type NewVersion } from './dataset-versions.ts'
import { parseDatasetRef, parseVersionRef } from './dataset.ts'
import { storeManifest } from './manifest-blob.ts'
import { manifestDigest } from './manifest-digest.ts'
import type { Manifest } from './manifest.ts'
import { dataMigrations } from './migrations.ts'
import { dataRoutes, type DataWork } from './routes.ts'
import { openDataWorkshop } from './testing.ts'
import type { ValidationResult } from './validation.ts'

const open = (): Promise<TestDatabase<DataChangeTables>> =>
  createTestDatabase<DataChangeTables>({ ...governanceMigrations, ...eventMigrations, ...dataMigrations })

const manifestOf = (letter: string): Manifest => ({
  columns: [{ name: 'at', type: 'timestamp' }],
  timeColumn: 'at',
  keyColumns: [],
  parts: [{ digest: letter.repeat(64), blob: 'b'.repeat(64), bytes: 10, rows: 3, timeMinUs: '0', timeMaxUs: '5' }],
  rows: 3,
})
const passed: ValidationResult = { suite: 's', success: true, rows: 3, quarantinedRows: 0, results: [] }
const failed: ValidationResult = {
  ...passed,
  success: false,
  results: [
    {
      index: 0,
      type: 'row_count_between',
      text: 'the number of rows is >= 5',
      severity: 'critical',
      success: false,
      observed: 3,
      sample: [],
    },
  ],
}
const versionOf = (letter: string, more: Partial<NewVersion> = {}): NewVersion => ({
  dataset: 'flights',
  manifest: manifestOf(letter),
  manifestBlob: 'c'.repeat(64),
  profile: { rows: 3, columns: [] },
  validation: passed,
  ...more,
})

test('versions count up, the same rows again are the same version, and each new one is audited, announced and in the lineage', async () => {
  await using db = await open()
  const actor = testActor('ann')
  const first = await recordVersion(db, actor, versionOf('1', { producedBy: 'pipeline_run:p1' }))
  const again = await recordVersion(db, actor, versionOf('1'))
  const second = await recordVersion(db, actor, versionOf('2', { quarantine: { blob: 'd'.repeat(64), rows: 6 } }))
  expect([first.created, again.created, second.created]).toEqual([true, false, true])
  expect([first.version.version, again.version.version, second.version.version]).toEqual([1, 1, 2])
  expect(second.version).toMatchObject({ rows: 3, bytes: 10, timeColumn: 'at', quarantinedRows: 6, createdBy: 'ann' })

  expect(await on(db).selectFrom('audit_event').select(['action', 'subject']).orderBy('id').execute()).toEqual([
    { action: 'dataset.version_create', subject: 'flights/1' },
    { action: 'dataset.version_create', subject: 'flights/2' },
  ])
  expect((await on(db).selectFrom('event').select(['type', 'subject']).execute()).at(-1)).toEqual({
    type: 'dataset.version_created',
    subject: 'flights/2',
  })
  expect(await on(db).selectFrom('lineage_edge').select(['upstream', 'downstream']).execute()).toEqual([
    { upstream: 'pipeline_run:p1', downstream: 'dataset_version:flights/1' },
  ])
  expect(await on(db).selectFrom('dataset_validation').select('version').orderBy('id').execute()).toEqual([
    { version: 1 },
    { version: 1 },
    { version: 2 },
  ])
})

test('rows that build on a version that is no longer the newest are refused, and so are rows that failed', async () => {
  await using db = await open()
  const actor = testActor()
  await recordVersion(db, actor, versionOf('1', { expectedDigest: null }))
  const digest = manifestDigest(manifestOf('1'))
  await recordVersion(db, actor, versionOf('2', { expectedDigest: digest }))
  await expect(recordVersion(db, actor, versionOf('3', { expectedDigest: digest }))).rejects.toMatchObject({
    kind: 'conflict',
    code: 'dataset_moved',
  })
  await expect(recordVersion(db, actor, versionOf('3', { expectedDigest: null }))).rejects.toMatchObject({
    code: 'dataset_moved',
  })
  await expect(recordVersion(db, actor, versionOf('3', { validation: failed }))).rejects.toMatchObject({
    code: 'expectations_failed',
    message: /it is 3/v,
  })
  await expect(recordVersion(db, actor, versionOf('3', { dataset: '../x' }))).rejects.toMatchObject({
    code: 'dataset_name',
  })
  expect(await getVersion(db, { dataset: 'flights', ref: 'latest' })).toMatchObject({ version: 2 })
})

test('of many that record at once each gets its own number and none is lost', async () => {
  await using db = await open()
  const letters = ['1', '2', '3', '4', '5', '6']
  const recorded = await Promise.all(letters.map((letter) => recordVersion(db, testActor(), versionOf(letter))))
  expect(recorded.map(({ version }) => version.version).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
})

test('a version is found by number, digest, time and as the newest', async () => {
  await using db = await open()
  let nowMs = Date.parse('2026-01-01T00:00:00Z')
  const actor = testActor('ann', () => nowMs)
  await recordVersion(db, actor, versionOf('1'))
  nowMs += 1000
  await recordVersion(db, actor, versionOf('2'))
  const number = async (text: string): Promise<number> => (await getVersion(db, parseDatasetRef(text))).version
  expect(
    await Promise.all(
      [
        'flights',
        'flights/latest',
        'flights/1',
        'flights/2026-01-01T00:00:00.999Z',
        'flights/2026-01-01T00:00:01Z',
        'flights/2026-01-01T00:00:00',
        'flights/2026-01-01 00:00',
        'flights/2026-01-01T01:00:00+01:00',
        'flights/2026-01-01',
      ].map(number),
    ),
  ).toEqual([2, 2, 1, 1, 2, 1, 2, 1, 2])
  expect(await number(`flights/${manifestDigest(manifestOf('1'))}`)).toBe(1)
  const failures = {
    'flights/3': 'dataset "flights" has no version 3: it has versions 1 to 2',
    'flights/2025-01-01': 'dataset "flights" had no version at 2025-01-01T23:59:59.999Z, before its first of 2026-',
    [`flights/${'0'.repeat(64)}`]: 'dataset "flights" has no version with the digest 000',
    'flihgts/1': 'there is no dataset "flihgts": did you mean "flights"?',
    nope: 'there is no dataset "nope": there are flights',
  }
  for (const [text, message] of Object.entries(failures)) await expect(number(text), text).rejects.toThrow(message)
  for (const text of ['newest', '0', '1.5', '2026-99-99', ''])
    expect(() => parseVersionRef(text)).toThrow('names no version')
  expect(() => parseDatasetRef('../x/1')).toThrow('names no dataset')
})

test('a version number cannot be taken twice', async () => {
  await using db = await open()
  const { version } = await recordVersion(db, testActor(), versionOf('1'))
  await expect(
    transact<DataChangeTables, void>(db, (trx) => insertVersion(trx, version, { rows: 3, columns: [] })),
  ).rejects.toThrow(/unique/iv)
})

/** Only asks: what comes of it is the step's matter. */
function rememberWork(): DataWork & { readonly asked: unknown[] } {
  const asked: unknown[] = []
  return {
    asked,
    startIngest: async ({ name }, input) => {
      asked.push({ ...input, by: name })
      return 'pipe_1'
    },
    startSplit: async ({ name }, { version, rule }) => {
      asked.push({ of: `${version.dataset}/${version.version}`, rule, by: name })
      return 'pipe_2'
    },
  }
}

test('reading a source is asked over HTTP, by who may, and begins a pipeline run', async () => {
  await using shop = await openDataWorkshop()
  await using db = await open()
  const work = rememberWork()
  await using server = await createTestServer(dataRoutes, { db, blobs: shop.blobs, work }, { name: 'ann' })
  const ask = (url: string, payload: object) => server.inject({ method: 'POST', url, payload })
  const source = { kind: 'file', paths: ['/data/a.csv'] }
  const begun = await ask('/datasets/flights/versions', { source, timeColumn: null, mode: 'append' })
  expect([begun.statusCode, begun.json()]).toEqual([202, { pipelineRun: 'pipe_1' }])
  const schema = { columns: {}, zone: 'UTC' }
  const request = { source, schema, timeColumn: null, mode: 'append', expectations: [] }
  expect(work.asked).toEqual([{ by: 'ann', dataset: 'flights', request }])
  const relative = await ask('/datasets/flights/versions', { source: { kind: 'file', paths: ['a.csv'] } })
  expect(relative.json()).toMatchObject({ code: 'request_invalid' })
  expect(relative.json<{ detail: string }>().detail).toContain('a path must be absolute')
  expect((await ask('/datasets/..%2Fx/versions', { source })).json()).toMatchObject({ code: 'request_invalid' })
  await using reader = await createTestServer(
    dataRoutes,
    { db, blobs: shop.blobs, work },
    { permissions: ['data.read'] },
  )
  const refused = await reader.inject({ method: 'POST', url: '/datasets/flights/versions', payload: { source } })
  expect(refused.json()).toMatchObject({ code: 'permission_missing' })
  expect(work.asked).toHaveLength(1)
})

test('the routes list and show datasets, versions, manifests, profiles and validations', async () => {
  await using shop = await openDataWorkshop()
  await using db = await open()
  const work = rememberWork()
  await using server = await createTestServer(dataRoutes, { db, blobs: shop.blobs, work })
  for (const letter of ['1', '2']) {
    const { digest } = await storeManifest(shop.blobs, manifestOf(letter))
    await recordVersion(db, testActor(), versionOf(letter, { manifestBlob: digest }))
  }
  const get = async (url: string): Promise<Record<string, unknown>> =>
    (await server.inject({ method: 'GET', url })).json()
  expect(await get('/datasets')).toMatchObject({ datasets: [{ name: 'flights', latest: 2 }] })
  expect(await get('/datasets?after=flights')).toEqual({ datasets: [] })
  expect(await get('/datasets/flights')).toMatchObject({ name: 'flights' })
  expect(await get('/datasets/nope')).toMatchObject({ status: 404, code: 'dataset_not_found' })
  expect(await get('/datasets/flights/versions?limit=1')).toMatchObject({ versions: [{ version: 2 }] })
  expect(await get('/datasets/flights/versions?before=2')).toMatchObject({ versions: [{ version: 1 }] })
  expect(await get('/datasets/flights/versions/latest')).toMatchObject({
    version: 2,
    columns: [{ name: 'at', type: 'timestamp' }],
  })
  expect(await get('/datasets/flights/versions/1/manifest')).toEqual(manifestOf('1'))
  expect(await get('/datasets/flights/versions/1/profile')).toEqual({ rows: 3, columns: [] })
  expect(await get('/datasets/flights/versions/x')).toMatchObject({ status: 400, code: 'version_ref' })
  expect(await get('/datasets/flights/versions/9')).toMatchObject({ status: 404, code: 'dataset_version_not_found' })
  expect(await get('/datasets/flights/validations?version=2')).toMatchObject({
    validations: [{ version: 2, result: { suite: 's' } }],
  })
  for (const list of ['versions', 'validations'])
    expect(await get(`/datasets/flight/${list}`)).toMatchObject({ status: 404, code: 'dataset_not_found' })
  await using blind = await createTestServer(dataRoutes, { db, blobs: shop.blobs, work }, { permissions: [] })
  expect((await blind.inject({ method: 'GET', url: '/datasets' })).statusCode).toBe(403)
})
