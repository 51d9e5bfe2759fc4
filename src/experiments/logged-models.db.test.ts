// Logged models: made, finished, tagged, deleted, on SQLite and on PostgreSQL.
import { expect, test } from 'vitest'
import type { AuditTables } from '../governance/audit.ts'
import { upstream, type LineageTables } from '../governance/lineage.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer, testActor } from '../governance/testing.ts'
import { on, transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { readerOf } from '../platform/reader.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import { createExperiment } from './experiments.ts'
import { loggedModelRoutes } from './logged-model-routes.ts'
import { searchLoggedModels, type LoggedModelSearch } from './logged-model-search.ts'
import {
  addLoggedModelParams,
  createLoggedModel,
  deleteLoggedModel,
  deleteLoggedModelTag,
  getLoggedModel,
  loggedModelsOfRun,
  setLoggedModelState,
  setLoggedModelTags,
  type LoggedModelWriteTables,
  type NewLoggedModel,
} from './logged-models.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { createRun, type RecordingTables } from './recording.ts'

type Tables = LoggedModelWriteTables & RecordingTables & AuditTables & LineageTables
type TestDb = TestDatabase<Tables>
const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
let nowMs = 1000
const actor = testActor('tester', () => nowMs++)

const make = (db: TestDb, model: Partial<NewLoggedModel> = {}) =>
  transact(db, (trx) => createLoggedModel(trx, actor, { experimentId: 1, ...model }))

async function prepared(): Promise<TestDb> {
  const db = await createTestDatabase<Tables>(migrations)
  await transact(db, (trx) => createExperiment(trx, actor, { name: 'flights' }))
  return db
}

test('a logged model is pending until its client says how the upload ended, and says where its files are', async () => {
  await using db = await prepared()
  const made = await make(db, {
    name: 'boosted',
    modelType: 'agent',
    sourceRunId: 'r1',
    params: [{ key: 'depth', value: '6' }],
    tags: [{ key: '__proto__', value: 'odd' }],
  })
  expect(made).toMatchObject({ name: 'boosted', state: 'pending', modelType: 'agent', params: { depth: '6' } })
  expect(Object.entries(made.tags)).toEqual([['__proto__', 'odd']])
  expect(made.id).toMatch(/^m-[0-9a-f]{32}$/v)
  expect(made.artifactUri).toBe(`mlflow-artifacts:/1/models/${made.id}/artifacts`)
  const ready = await transact(db, (trx) => setLoggedModelState(trx, actor, { id: made.id, state: 'ready' }))
  expect(ready.state).toBe('ready')
  expect(ready.updatedAtMs).toBeGreaterThan(made.updatedAtMs)
  expect((await upstream(db, `logged_model:${made.id}`)).map((edge) => edge.upstream)).toEqual(['run:r1'])
  expect((await loggedModelsOfRun(db, { runId: 'r1', limit: 10 })).map(({ id }) => id)).toEqual([made.id])
  expect((await make(db)).name).toMatch(/^[a-z]+-[a-z]+-\d+$/v)
})

test('a param is set once, the last value of a tag stays, and what is not there is told', async () => {
  await using db = await prepared()
  const { id } = await make(db, { params: [{ key: 'depth', value: '6' }] })
  await transact(db, (trx) => addLoggedModelParams(trx, { id, params: [{ key: 'rate', value: '0.1' }] }))
  const again = transact(db, (trx) => addLoggedModelParams(trx, { id, params: [{ key: 'rate', value: '0.1' }] }))
  await expect(again).rejects.toMatchObject({ code: 'logged_model_key_twice' })
  const tags = [
    { key: 'team', value: 'ops' },
    { key: 'team', value: 'data' },
  ]
  await transact(db, (trx) => setLoggedModelTags(trx, { id, tags }))
  expect(await getLoggedModel(db, id)).toMatchObject({ params: { depth: '6', rate: '0.1' }, tags: { team: 'data' } })
  await expect(make(db, { tags })).rejects.toMatchObject({ code: 'logged_model_key_twice' })
  await transact(db, (trx) => deleteLoggedModelTag(trx, { id, key: 'team' }))
  const gone = transact(db, (trx) => deleteLoggedModelTag(trx, { id, key: 'team' }))
  await expect(gone).rejects.toMatchObject({ code: 'logged_model_tag_not_found' })
  await expect(make(db, { name: 'a/b' })).rejects.toMatchObject({ code: 'logged_model_name' })
  await expect(make(db, { name: '' })).rejects.toMatchObject({ code: 'logged_model_name' })
  await expect(make(db, { experimentId: 9 })).rejects.toMatchObject({ code: 'experiment_not_found' })
  await expect(getLoggedModel(db, 'm-none')).rejects.toMatchObject({ code: 'logged_model_not_found' })
  const long = [{ key: 'k', value: 'x'.repeat(250_001) }]
  await expect(make(db, { params: long })).rejects.toMatchObject({ code: 'logged_model_text' })
})

/** Five models with a metric on two datasets: `acc` of the model at place i is i/10, of the last it is NaN, and the third has none. */
async function searchable(db: TestDb): Promise<string[]> {
  const run = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  const ids: string[] = []
  for (const at of [0, 1, 2, 3, 4]) {
    const made = await make(db, {
      name: `model-${at}`,
      params: [{ key: 'kind', value: at % 2 ? 'Odd' : 'even' }],
      tags: at === 2 ? [] : [{ key: 'team', value: `team_${at}` }],
    })
    ids.push(made.id)
    if (at === 2) continue
    const point = { model_id: made.id, key: 'acc', step: 0, run_id: run, dataset_digest: 'd1' }
    const value = at === 4 ? { value: 0, is_nan: 1 } : { value: at / 10, is_nan: 0 }
    await on(db)
      .insertInto('logged_model_metric')
      .values([
        { ...point, at_ms: 2, ...value, dataset_name: at < 2 ? 'train' : 'test' },
        { ...point, at_ms: 1, value: 9, is_nan: 0, dataset_name: 'older' },
      ])
      .execute()
  }
  return ids
}

test('a search compares attributes, params, tags and metrics, and orders by several keys with the missing last', async () => {
  await using db = await prepared()
  const ids = await searchable(db)
  const found = async (search: Partial<LoggedModelSearch>): Promise<number[]> => {
    const { models } = await searchLoggedModels(
      { db, reader: readerOf(db) },
      { experimentIds: [1], limit: 10, ...search },
    )
    return models.map(({ id }) => ids.indexOf(id))
  }
  const where = (entity: 'attribute' | 'metric' | 'param' | 'tag', key: string) => ({
    is: (operator: '=' | '!=' | '<' | '>=' | 'LIKE' | 'ILIKE' | 'IN' | 'NOT IN', value: string | number | string[]) =>
      found({ condition: { entity, key, operator, value } }),
  })
  expect(await found({})).toEqual([4, 3, 2, 1, 0])
  expect(await where('attribute', 'name').is('=', 'model-3')).toEqual([3])
  expect(await where('attribute', 'name').is('IN', ['model-0', 'model-3'])).toEqual([3, 0])
  expect(await where('attribute', 'name').is('NOT IN', ['model-0', 'model-3'])).toEqual([4, 2, 1])
  expect(await where('param', 'kind').is('=', 'odd')).toEqual([])
  expect(await where('param', 'kind').is('ILIKE', 'odd')).toEqual([3, 1])
  expect(await where('param', 'kind').is('LIKE', '%d')).toEqual([3, 1])
  // A model without the tag matches no comparison of it.
  expect(await where('tag', 'team').is('!=', 'team_0')).toEqual([4, 3, 1])
  expect(await where('metric', 'acc').is('>=', 0.1)).toEqual([4, 3, 1, 0])
  expect(await where('metric', 'acc').is('<', 0.2)).toEqual([1, 0])
  const acc = { entity: 'metric', key: 'acc', operator: '<', value: 5 } as const
  expect(await found({ condition: acc, datasets: [{ name: 'train' }] })).toEqual([1, 0])
  expect(await found({ condition: acc, datasets: [{ name: 'train', digest: 'other' }] })).toEqual([])
  expect(await found({ datasets: [{ name: 'test' }, { name: 'train' }] })).toEqual([4, 3, 1, 0])
  const either = { any: [{ entity: 'attribute', key: 'name', operator: '=', value: 'model-2' } as const, acc] }
  expect(await found({ condition: either })).toEqual([4, 3, 2, 1, 0].filter((at) => at !== 4))
  expect(await found({ condition: { not: acc } })).toEqual([4, 2])
  expect(await found({ orderBy: [{ by: { metric: 'acc' }, isAscending: true }] })).toEqual([0, 1, 3, 4, 2])
  expect(await found({ orderBy: [{ by: { metric: 'acc' }, isAscending: false }] })).toEqual([3, 1, 0, 4, 2])
  const older = [{ by: { metric: 'acc', on: { name: 'older' } }, isAscending: true }]
  expect(await found({ orderBy: [...older, { by: { attribute: 'name' as const }, isAscending: true }] })).toEqual([
    0, 1, 3, 4, 2,
  ])
  await expect(where('attribute', 'name').is('<', 'm')).rejects.toMatchObject({ code: 'logged_model_filter' })
  await expect(where('attribute', 'color').is('=', 'm')).rejects.toMatchObject({ code: 'logged_model_filter' })
  await expect(where('metric', 'acc').is('=', 'much')).rejects.toMatchObject({ code: 'logged_model_filter' })
  await transact(db, (trx) => deleteLoggedModel(trx, actor, ids[3]!))
  expect(await found({})).toEqual([4, 2, 1, 0])
  expect((await getLoggedModel(db, ids[3]!)).deletedAtMs).not.toBeNull()
})

test('pages go on where the one before ended, in any order', async () => {
  await using db = await prepared()
  const ids = await searchable(db)
  const orders: NonNullable<LoggedModelSearch['orderBy']>[] = [
    [],
    [{ by: { metric: 'acc' }, isAscending: true }],
    [{ by: { metric: 'acc' }, isAscending: false }],
    [{ by: { attribute: 'modelType' }, isAscending: true }],
    [{ by: { attribute: 'id' }, isAscending: false }],
  ]
  for (const orderBy of orders) {
    const search = { experimentIds: [1], orderBy }
    const deps = { db, reader: readerOf(db) }
    const whole = await searchLoggedModels(deps, { ...search, limit: 10 })
    const seen: string[] = []
    for (let after: LoggedModelSearch['after']; ;) {
      const page = await searchLoggedModels(deps, { ...search, limit: 2, after })
      seen.push(...page.models.map(({ id }) => id))
      if (!page.next) break
      after = page.next
    }
    expect(seen).toEqual(whole.models.map(({ id }) => id))
    expect(seen).toHaveLength(ids.length)
    const elsewhere = searchLoggedModels(deps, { ...search, limit: 2, after: [1] })
    await expect(elsewhere).rejects.toMatchObject({ code: 'page_token' })
  }
})

test('the native API shows a logged model, and those of a run', async () => {
  await using db = await prepared()
  const [id] = await searchable(db)
  await using server = await createTestServer(loggedModelRoutes, { db })
  const shown = await server.inject({ url: `/logged-models/${id}` })
  expect(shown.json()).toMatchObject({
    id,
    name: 'model-0',
    params: { kind: 'even' },
    metrics: [
      { key: 'acc', atMs: 1, value: 9 },
      { key: 'acc', atMs: 2, value: 0, datasetName: 'train' },
    ],
  })
  await make(db, { name: 'own', sourceRunId: 'r1' })
  const ofRun = (await server.inject({ url: '/runs/r1/logged-models' })).json<{ models: { name: string }[] }>()
  expect(ofRun.models.map(({ name }) => name)).toEqual(['own'])
  expect((await server.inject({ url: '/logged-models/m-none' })).statusCode).toBe(404)
})
