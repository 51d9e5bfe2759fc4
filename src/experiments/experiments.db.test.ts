// Runs on real databases: what a deletion takes along comes back with the restore, and a name is kept.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { listAudit } from '../governance/audit.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { migrate, on, transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { withinUri } from './experiment.ts'
import {
  changeExperiment,
  createExperiment,
  ensureDefaultExperiment,
  getExperiment,
  listExperiments,
  removeExperimentTag,
  setExperimentTag,
} from './experiments.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { getRun } from './reading.ts'
import { createRun, setRunDeleted, type RecordingTables } from './recording.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
const actor = testActor('ada')
const open = () => createTestDatabase<RecordingTables>(migrations)

test('the default experiment is there from the first start, and keeps what it is called', async () => {
  await using db = await open()
  await ensureDefaultExperiment(db, actor, { artifactRoot: 's3://bucket/root' })
  await ensureDefaultExperiment(db, actor, { artifactRoot: 's3://other' })
  expect(await getExperiment(db, 0)).toMatchObject({ name: 'Default', artifactLocation: 's3://bucket/root/0' })
  await transact(db, (trx) => changeExperiment(trx, actor, { id: 0, name: 'Mine' }))
  await ensureDefaultExperiment(db, actor, { artifactRoot: 's3://other' })
  const made = await transact(db, (trx) => createExperiment(trx, actor, { name: 'Default' }))
  expect(made).toMatchObject({ id: 1, artifactLocation: 'mlflow-artifacts:/1' })
  expect((await listExperiments(db, { limit: 5 })).map(({ name }) => name)).toEqual(['Default', 'Mine'])
})

test('the id of an experiment is never another one’s, also when it is gone for good', async () => {
  await using db = await open()
  const make = (name: string) => transact(db, (trx) => createExperiment(trx, actor, { name }))
  expect([(await make('a')).id, (await make('b')).id]).toEqual([1, 2])
  await on(db).deleteFrom('experiment').where('id', '=', 2).execute()
  expect((await make('c')).id).toBe(3)
  const many = await Promise.all(Array.from({ length: 8 }, (_, at) => make(`many ${at}`)))
  expect(many.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9, 10, 11])
})

test('a restored experiment brings back the runs that its deletion took, and no others', async () => {
  await using db = await open()
  const make = (id: string) => transact(db, (trx) => createRun(trx, actor, { experiment: 'flights', id }))
  const turnRun = (runId: string, isDeleted: boolean) =>
    transact(db, (trx) => setRunDeleted(trx, actor, { runId, isDeleted }))
  const turn = (isDeleted: boolean) => transact(db, (trx) => changeExperiment(trx, actor, { id: 1, isDeleted }))
  const deleted = async () => {
    const runs = await Promise.all(['kept', 'before', 'meanwhile', 'back'].map((id) => getRun(db, id)))
    return runs.filter(({ deletedAtMs }) => deletedAtMs !== null).map(({ id }) => id)
  }
  for (const id of ['kept', 'before', 'meanwhile', 'back']) await make(id)
  await turnRun('before', true)
  await turn(true)
  await turn(true) // Idempotent: the second one takes nothing more.
  expect(await deleted()).toEqual(['kept', 'before', 'meanwhile', 'back'])
  await turnRun('meanwhile', true) // Said for itself now.
  await turnRun('back', false)
  expect(await deleted()).toEqual(['kept', 'before', 'meanwhile'])
  await turn(false)
  expect(await deleted()).toEqual(['before', 'meanwhile'])
  await turn(false)
  expect(await deleted()).toEqual(['before', 'meanwhile'])
})

test('tags of an experiment are set, taken away and audited, and its times tell of its name and state only', async () => {
  await using db = await open()
  let nowMs = 1000
  const clocked = testActor('ada', () => nowMs)
  const { id } = await transact(db, (trx) => createExperiment(trx, clocked, { name: 'a', tags: { one: '1' } }))
  nowMs = 2000
  await transact(db, (trx) => setExperimentTag(trx, clocked, { id, key: 'two', value: '2'.repeat(20_000) }))
  await transact(db, (trx) => changeExperiment(trx, clocked, { id, tags: { one: null, three: '3' } }))
  expect(await getExperiment(db, id)).toMatchObject({ updatedAtMs: 1000, createdAtMs: 1000 })
  const { tags } = await getExperiment(db, id)
  expect(Object.keys(tags)).toEqual(['three', 'two'])
  await transact(db, (trx) => removeExperimentTag(trx, clocked, { id, key: 'two' }))
  const again = transact(db, (trx) => removeExperimentTag(trx, clocked, { id, key: 'two' }))
  await expect(again).rejects.toMatchObject({ code: 'experiment_tag_not_found', kind: 'not_found' })
  await transact(db, (trx) => changeExperiment(trx, clocked, { id, name: 'b' }))
  expect(await getExperiment(db, 'b')).toMatchObject({ updatedAtMs: 2000, tags: { three: '3' } })
  const actions = (await listAudit(db, { subject: `experiment:${id}`, limit: 10 })).map(({ action }) => action)
  expect(actions.toSorted()).toEqual([
    'experiment.change',
    'experiment.change',
    'experiment.change',
    'experiment.change',
    'experiment.create',
  ])
})

test('what a home held before it spoke with MLflow’s clients is all there', async () => {
  const before = Object.fromEntries(Object.entries(migrations).filter(([key]) => key < '2026-11-21-50'))
  await using db = await createTestDatabase<RecordingTables>(before)
  const run = (statement: string) => sql.raw(statement).execute(on(db))
  await run(`insert into experiment values (7, 'flights', '{"team":"ops","it''s":"é"}', 1, 2, null)`)
  await run(
    `insert into run (id, experiment_id, name, state, started_at_ms, created_by, seeds) values ('run_1', 7, 'n', 'running', 5, 'ada', '{}'), ('run_2', 7, 'n', 'running', 5, 'ada', '{}')`,
  )
  await run(
    `insert into run_input values ('run_1', 'a/b/12', 'training'), ('run_1', 'a/b/12', 'evaluation'), ('run_2', 'a/b/12', 'mine')`,
  )
  await migrate(db, migrations)
  expect(await getExperiment(db, 7)).toMatchObject({
    tags: { team: 'ops', "it's": 'é' },
    artifactLocation: 'mlflow-artifacts:/7',
  })
  expect(await getRun(db, 'run_1')).toMatchObject({
    userId: 'ada',
    artifactUri: 'mlflow-artifacts:/7/run_1/artifacts',
    inputs: [
      { datasetVersion: 'a/b/12', role: 'evaluation' },
      { datasetVersion: 'a/b/12', role: 'training' },
    ],
    datasets: [],
  })
  expect((await getRun(db, 'run_2')).inputs).toEqual([{ datasetVersion: 'a/b/12', role: 'mine' }])
})

test('a path goes into a URI before its query', () => {
  expect(withinUri('s3://bucket/root?x=1', '7')).toBe('s3://bucket/root/7?x=1')
  expect(withinUri('mlflow-artifacts:/', '7')).toBe('mlflow-artifacts:/7')
  expect(withinUri('mlflow-artifacts:', '7')).toBe('mlflow-artifacts:/7')
  expect(withinUri('/srv/what?', '7', 'artifacts')).toBe('/srv/what?/7/artifacts')
  expect(withinUri('file:///srv/', '7')).toBe('file:///srv/7')
})

test('of each run that a deletion takes, stages downstream are told once, and of none at a restore', async () => {
  await using db = await open()
  const told: string[][] = []
  const alsoDeleted = async (_: unknown, runIds: readonly string[]): Promise<void> => {
    told.push(runIds.toSorted())
  }
  const { id } = await transact(db, (trx) => createExperiment(trx, actor, { name: 'told' }))
  const start = (name: string) => transact(db, (trx) => createRun(trx, actor, { experiment: id, id: name }))
  for (const name of ['told-1', 'told-2', 'told-3']) await start(name)
  await transact(db, (trx) => setRunDeleted(trx, actor, { runId: 'told-1', isDeleted: true, alsoDeleted }))
  for (const isDeleted of [true, true, false]) {
    await transact(db, (trx) => changeExperiment(trx, actor, { id, isDeleted, alsoDeleted }))
  }
  await transact(db, (trx) => setRunDeleted(trx, actor, { runId: 'told-1', isDeleted: false, alsoDeleted }))
  expect(told).toEqual([['told-1'], ['told-2', 'told-3']])
})
