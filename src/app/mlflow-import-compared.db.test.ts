// An import is compared with its source: every kind of thing is, and what is not the same here is told.
import { mkdtemp, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { ensureDefaultExperiment, listExperiments } from '../experiments/experiments.ts'
import { testActor } from '../governance/testing.ts'
import { importMlflow, openImport } from '../mlflow/import.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { systemClock } from '../platform/clock.ts'
import { on } from '../platform/database.ts'
import { readerOf } from '../platform/reader.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { stockRun, writeStockDatabase } from '../mlflow/testing.ts'
import { migrations, type Tables } from './tables.ts'

/** Rows of each kind that both sides have. */
const compared = {
  experiments: 1,
  'tags of experiments': 1,
  runs: 2,
  'params of runs': 1,
  'tags of runs': 1,
  'metric points': 2,
  'datasets of runs': 1,
  'tags of datasets of runs': 1,
  'models that runs read': 1,
  'models that runs made': 1,
  'logged models': 1,
  'params of logged models': 1,
  'tags of logged models': 1,
  'metric points of logged models': 1,
  'registered models': 1,
  'tags of registered models': 1,
  aliases: 1,
  'model versions': 1,
  'tags of model versions': 1,
  traces: 1,
  'tags of traces': 2,
  'metadata of traces': 1,
  spans: 2,
  assessments: 1,
  'runs and prompts of traces': 1,
  'evaluation datasets': 1,
  'tags of evaluation datasets': 1,
  'evaluation records': 1,
  'experiments of evaluation datasets': 1,
  scorers: 1,
  'versions of scorers': 1,
  'online scoring': 1,
  issues: 1,
  'label schemas': 1,
  'review queues': 1,
  'people of review queues': 1,
  'questions of review queues': 1,
  'items of review queues': 1,
  webhooks: 1,
  'events of webhooks': 1,
}

/** Of each kind: what makes the home's rows others than those of the source. */
const changes: readonly (readonly [kind: string, change: string])[] = [
  ['experiments', "update experiment set name = 'two' where id = 1"],
  ['tags of experiments', "update experiment_tag set value = 'b' where experiment_id = 1 and key = 'team'"],
  ['runs', `update run set ended_at_ms = 3 where id = '${stockRun}'`],
  ['params of runs', "update run_param set value = '0.6'"],
  ['tags of runs', "update run_tag set value = 'x'"],
  ['metric points', 'update metric_point set value = 0.25 where step = 0'],
  ['datasets of runs', "update logged_dataset set source = 'x'"],
  ['tags of datasets of runs', "update run_dataset set tags = '{}'"],
  ['models that runs read', 'delete from run_model_input'],
  ['models that runs made', 'update run_model_output set step = 5'],
  ['logged models', "update logged_model set state = 'pending'"],
  ['params of logged models', "update logged_model_param set value = '2'"],
  ['tags of logged models', 'delete from logged_model_tag'],
  ['metric points of logged models', 'update logged_model_metric set value = 0.5'],
  ['registered models', "update model set description = 'x'"],
  ['tags of registered models', "update model_tag set value = ',0,'"],
  ['aliases', 'delete from model_alias'],
  ['model versions', "update model_version set stage = 'Archived'"],
  ['tags of model versions', "update model_version_tag set value = '3'"],
  ['traces', "update trace set state = 'ERROR'"],
  ['tags of traces', "update trace_tag set value = 'x' where key = 'kind'"],
  ['metadata of traces', "update trace_metadata set value = 'bob'"],
  ['spans', "update span_content set content = '{}' where span_id = 's2'"],
  ['assessments', "update assessment set value = 'false'"],
  ['runs and prompts of traces', 'delete from trace_link'],
  ['evaluation datasets', "update evaluation_dataset set digest = 'y'"],
  ['tags of evaluation datasets', "update evaluation_dataset_tag set value = 'c'"],
  ['evaluation records', `update evaluation_record set inputs = '{"n": 1}'`],
  ['experiments of evaluation datasets', 'delete from evaluation_dataset_experiment'],
  ['scorers', "update scorer set name = 'kind'"],
  ['versions of scorers', "update scorer_version set serialized = '[]'"],
  ['online scoring', 'update online_scoring set sample_rate = 1'],
  ['issues', "update issue set severity = 'low'"],
  ['label schemas', "update label_schema set instruction = 'Look.'"],
  ['review queues', 'update review_queue set updated_at_ms = 9'],
  ['people of review queues', "update review_queue_user set user_name = 'Bob'"],
  ['questions of review queues', 'delete from review_queue_schema'],
  ['items of review queues', "update review_item set status = 'complete'"],
  ['webhooks', "update webhook set url = 'https://93.184.215.14/other'"],
  ['events of webhooks', 'delete from webhook_event'],
]

async function open(ends: AsyncDisposableStack) {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-compared-'))
  ends.defer(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'mlflow.db')
  writeStockDatabase(path)
  const db = ends.use(await createTestDatabase<Tables>(migrations))
  await ensureDefaultExperiment(db, testActor('ada'), { artifactRoot: 'mlflow-artifacts:/' })
  const bring = async () => {
    const opening = {
      home: folder,
      artifacts: join(folder, 'mlartifacts'),
      s3: { region: 'us-east-1', endpoint: undefined },
      credentials: { token: undefined, user: undefined, password: undefined },
      tell: () => {},
    }
    await using opened = await openImport(path, opening)
    const deps = {
      ...opened,
      db,
      reader: readerOf(db),
      blobs: openDirectoryBlobs(join(folder, 'blobs')),
      clock: systemClock,
      prefix: '',
      experiments: () => listExperiments(db, { limit: 100, withDeleted: true }),
      webhookKeys: { theirs: undefined, ours: new Uint8Array(32) },
    }
    return await importMlflow(deps, () => {})
  }
  return { db, path, bring }
}

test('every kind of thing is compared with the source, and is the same', async () => {
  await using ends = new AsyncDisposableStack()
  const { bring } = await open(ends)
  const first = await bring()
  expect(first.differences).toEqual([])
  const counts = Object.fromEntries(Object.entries(first.compared).map(([kind, { count }]) => [kind, count]))
  expect(counts).toEqual(compared)
  expect(Object.values(first.compared).every(({ digest }) => /^[0-9a-f]{64}$/v.test(digest))).toBe(true)
  expect(await bring()).toEqual(first)
})

test('whatever is other here than at the source is told, and nothing else', async () => {
  expect(changes.map(([kind]) => kind).toSorted()).toEqual(Object.keys(compared).toSorted())
  await using ends = new AsyncDisposableStack()
  const { db, bring } = await open(ends)
  await bring()
  const told: string[] = []
  for (const [kind, change] of changes) {
    const { numAffectedRows } = await sql`${sql.raw(change)}`.execute(on(db))
    expect(numAffectedRows, change).toBe(1n)
    const { differences } = await bring()
    const fresh = differences.filter((difference) => !told.includes(difference))
    expect(fresh, change).toEqual([expect.stringContaining(`: ${kind}, `)])
    told.push(...fresh)
    expect(differences.toSorted(), change).toEqual(told.toSorted())
  }
})

test('what the source has more or other than when it came over is told by its name', async () => {
  await using ends = new AsyncDisposableStack()
  const { path, bring } = await open(ends)
  await bring()
  const database = new DatabaseSync(path)
  database.exec(`insert into params (run_uuid, key, value) values ('${stockRun}', 'beta', '1')`)
  database.exec("update registered_model_aliases set version = 1 where alias = 'champion'")
  database.close()
  expect((await bring()).differences).toEqual([
    `the run ${stockRun}: params of runs, 1 here and 2 at the source`,
    'the registered model iris: aliases, 1 here as at the source, but not the same',
  ])
})

const change = (path: string, ...statements: readonly string[]): void => {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  for (const statement of statements) database.exec(statement)
  database.close()
}

test('a source of an older release, without columns and tables that came later, comes over without a difference', async () => {
  await using ends = new AsyncDisposableStack()
  const { path, bring } = await open(ends)
  change(
    path,
    'alter table inputs drop column step',
    'alter table evaluation_dataset_records drop column outputs',
    'alter table spans drop column total_cost',
    'drop table online_scoring_configs',
    ...['review_queue_items', 'review_queue_label_schemas', 'review_queue_users', 'review_queues'].map(
      (table) => `drop table ${table}`,
    ),
    'drop table webhook_events',
    'drop table webhooks',
  )
  const { differences, compared: found } = await bring()
  expect(differences).toEqual([])
  expect(found['models that runs made']?.count).toBe(1)
  expect(found['evaluation records']?.count).toBe(1)
})

test('what an import brings under other names, or leaves behind, is no difference', async () => {
  await using ends = new AsyncDisposableStack()
  const { db, path, bring } = await open(ends)
  // A question of its name, which stays as it is.
  await sql`insert into label_schema (id, experiment_id, name, type, input, instruction, enables_comment, is_default, created_at_ms, updated_at_ms)
    values ('ls-0', 0, 'good?', 'feedback', ${'{"kind":"text"}'}, null, 0, 0, 1, 1)`.execute(on(db))
  change(
    path,
    "insert into experiment_tags (experiment_id, key, value) values (1, 'trueloop.importedFrom', 'elsewhere#4')",
    'update registered_models set last_updated_time = null',
    'update model_versions set creation_time = null',
    'update evaluation_dataset_records set last_update_time = null, created_time = null',
    'update logged_models set status = 7',
    "update issues set root_causes = ''",
    `update evaluation_dataset_records set tags = '${'['.repeat(300)}${']'.repeat(300)}'`,
    // Of the queue of another experiment than its own.
    'update review_queues set experiment_id = 0',
    'update label_schemas set experiment_id = 0',
  )
  const { differences, compared: found } = await bring()
  expect(differences).toEqual([])
  expect(found['items of review queues']).toBeUndefined()
  expect(found['label schemas']).toBeUndefined()
  expect(found['questions of review queues']?.count).toBe(1)
  expect((await bring()).differences).toEqual([])
})

test('what a question asks is compared too', async () => {
  await using ends = new AsyncDisposableStack()
  const { path, bring } = await open(ends)
  await bring()
  change(path, `update label_schemas set input_config = '{"max_length": 10}'`)
  expect((await bring()).differences).toEqual([
    'the label schema ls-1: label schemas, 1 here as at the source, but not the same',
  ])
})
