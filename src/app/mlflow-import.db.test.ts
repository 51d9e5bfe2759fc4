// An mlruns folder, moved from where it was written, imported twice: the rows name each other, and the files, by where they are now.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createExperiment, ensureDefaultExperiment, listExperiments } from '../experiments/experiments.ts'
import { testActor } from '../governance/testing.ts'
import { importMlflow, openImport, surveyMlflow } from '../mlflow/import.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { systemClock } from '../platform/clock.ts'
import { on, transact } from '../platform/database.ts'
import { readerOf } from '../platform/reader.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { findModels } from '../models/model-store.ts'
import { migrations, type Tables } from './tables.ts'

const experiment = '676964254991040061'
const [run, model] = ['a'.repeat(32), `m-${'b'.repeat(32)}`]
const old = `/old/mlruns/${experiment}`

const files: Readonly<Record<string, string>> = {
  [`${experiment}/meta.yaml`]: `experiment_id: '${experiment}'\nname: moved\nartifact_location: ${old}\nlifecycle_stage: active\ncreation_time: 5\nlast_update_time: 6\n`,
  '0/meta.yaml': `experiment_id: '0'\nname: Default\nlifecycle_stage: active\n`,
  '0/tags/note/of': 'kept',
  '9/meta.yaml': `experiment_id: '9'\nname: taken\nlifecycle_stage: active\n`,
  [`${experiment}/${run}/meta.yaml`]: `experiment_id: '${experiment}'\nrun_id: ${run}\nrun_name: one\nstatus: 3\nstart_time: 1\nend_time: 2\nartifact_uri: file://${old}/${run}/artifacts\n`,
  [`${experiment}/${run}/metrics/far`]: '9007199254740993 0.5 -9007199254740993\n1 nan 1\n1 nan 1\n',
  [`${experiment}/${run}/artifacts/model/MLmodel`]: 'flavors:\n',
  [`${experiment}/models/${model}/meta.yaml`]: `experiment_id: '${experiment}'\nmodel_id: ${model}\nname: logged\nstatus: 2\ncreation_timestamp: 1\nlast_updated_timestamp: 2\nartifact_location: ${old}/models/${model}/artifacts\nsource_run_id: ${run}\n`,
  [`${experiment}/models/${model}/metrics/score`]: `1 0.5 0 ${run} a set d1\n`,
  [`${experiment}/models/${model}/artifacts/weights`]: 'w',
  [`${experiment}/traces/tr-1/trace_info.yaml`]: `trace_id: tr-1\nrequest_time: '2026-11-21T21:50:34.259Z'\nexecution_duration_ms: 64\nstate: OK\n`,
  [`${experiment}/traces/tr-1/tags/mlflow.artifactLocation`]: `${old}/traces/tr-1/artifacts`,
  [`${experiment}/traces/tr-1/request_metadata/mlflow.trace.tokenUsage`]: '{"input_tokens": 3}',
  [`${experiment}/traces/tr-1/artifacts/traces.json`]: '{"spans": []}',
  'models/of run/meta.yaml': 'name: of run\ncreation_timestamp: 1\nlast_updated_timestamp: 2\ndescription: null\n',
  'models/of run/tags/_mlflow_experiment_ids': `,${experiment},`,
  'models/of run/aliases/champion': '1',
  'models/of run/version-1/meta.yaml': `name: of run\nversion: 1\nsource: ${old}/${run}/artifacts/model\nstorage_location: ${old}/models/${model}/artifacts\nrun_id: ${run}\ncurrent_stage: Staging\ncreation_timestamp: 1\nlast_updated_timestamp: 2\n`,
}

async function open(ends: AsyncDisposableStack, changed: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-mlruns-'))
  ends.defer(() => rm(folder, { recursive: true, force: true }))
  for (const [path, content] of Object.entries({ ...files, ...changed })) {
    await mkdir(dirname(join(folder, 'mlruns', path)), { recursive: true })
    await writeFile(join(folder, 'mlruns', path), content)
  }
  const db = ends.use(await createTestDatabase<Tables>(migrations))
  const reader = readerOf(db)
  await ensureDefaultExperiment(db, testActor('ada'), { artifactRoot: 'mlflow-artifacts:/' })
  const experiments = () => listExperiments(db, { limit: 100, withDeleted: true })
  const bring = async () => {
    const opening = {
      home: folder,
      artifacts: join(folder, 'mlartifacts'),
      s3: { region: 'us-east-1', endpoint: undefined },
      credentials: { token: undefined, user: undefined, password: undefined },
      tell: () => {},
    }
    await using opened = await openImport(join(folder, 'mlruns'), opening)
    const { source, origin, artifacts } = opened
    const home = { experiments: await experiments(), models: (names: readonly string[]) => findModels(db, names) }
    const survey = await surveyMlflow({ source, origin, artifacts, prefix: '', home })
    const blobs = openDirectoryBlobs(join(folder, 'blobs'))
    const webhookKeys = { theirs: undefined, ours: new Uint8Array(32) }
    const place = { source, origin, artifacts, prefix: '', experiments, webhookKeys }
    const imported = await importMlflow({ db, reader, blobs, clock: systemClock, ...place }, () => {})
    await opened.finish()
    return { survey, imported, notes: [...opened.notes, ...survey.notes, ...imported.notes] }
  }
  return { db, reader, bring }
}

test('what came over from a moved folder names the files where they are now', async () => {
  await using ends = new AsyncDisposableStack()
  const { db, reader, bring } = await open(ends)
  const first = await bring()
  expect(first.notes).toEqual([])
  const { spans: _, ...counts } = first.imported.counts
  expect(counts).toEqual(first.survey.counts)
  expect(counts).toEqual({
    experiments: 3,
    runs: 1,
    'metric points': 2,
    'logged models': 1,
    'registered models': 1,
    'model versions': 1,
    traces: 1,
    files: 3,
    bytes: 23,
  })
  expect(await bring()).toEqual(first)

  const rows = (query: string) => reader.all(sql<object>`${sql.raw(query)}`.compile(on(db)))
  expect(await rows('select id, artifact_location from experiment where id > 0 order by id')).toEqual([
    { id: 9, artifact_location: 'mlflow-artifacts:/9' },
    { id: 10, artifact_location: 'mlflow-artifacts:/10' },
  ])
  expect(await rows('select experiment_id, value from experiment_tag order by experiment_id')).toEqual([
    { experiment_id: 0, value: 'kept' },
    { experiment_id: 9, value: expect.stringMatching(/\/mlruns#9$/v) },
    { experiment_id: 10, value: expect.stringMatching(new RegExp(`/mlruns#${experiment}$`, 'v')) },
  ])
  expect(await rows('select experiment_id, artifact_uri from run')).toEqual([
    { experiment_id: 10, artifact_uri: `mlflow-artifacts:/10/${run}/artifacts` },
  ])
  expect(await rows('select source, storage_location from model_version')).toEqual([
    {
      source: `mlflow-artifacts:/10/${run}/artifacts/model`,
      storage_location: `mlflow-artifacts:/10/models/${model}/artifacts`,
    },
  ])
  expect(await rows('select value from model_tag')).toEqual([{ value: ',10,' }])
  expect(await rows('select dataset_name, dataset_digest, value from logged_model_metric')).toEqual([
    { dataset_name: 'a set', dataset_digest: 'd1', value: 0.5 },
  ])
  expect(await rows('select key, value from trace_tag')).toEqual([
    { key: 'mlflow.artifactLocation', value: 'mlflow-artifacts:/10/traces/tr-1/artifacts' },
  ])
  expect(await rows('select started_at_ms, input_tokens from trace')).toEqual([
    { started_at_ms: Date.parse('2026-11-21T21:50:34.259Z'), input_tokens: 3 },
  ])
  expect(await rows('select path from artifact order by path')).toEqual([
    { path: `10/${run}/artifacts/model/MLmodel` },
    { path: `10/models/${model}/artifacts/weights` },
    { path: '10/traces/tr-1/artifacts/traces.json' },
  ])
})

test('a logged model comes without the points of a run that does not', async () => {
  await using ends = new AsyncDisposableStack()
  const { reader, db, bring } = await open(ends, { [`${experiment}/${run}/metrics/far`]: '1 two 3\n' })
  const { notes, imported } = await bring()
  expect(notes).toEqual([
    expect.stringContaining(`The run ${run} of the experiment ${experiment} did not come`),
    expect.stringContaining(`Stayed behind: the metrics of the logged model ${model} that the run ${run} logged`),
  ])
  expect(imported.counts).toMatchObject({ 'logged models': 1, traces: 1, 'model versions': 1 })
  expect(await reader.all(sql<object>`select key from logged_model_metric`.compile(on(db)))).toEqual([])
})

test('an experiment whose name is taken is refused before anything is written', async () => {
  await using ends = new AsyncDisposableStack()
  const { db, reader, bring } = await open(ends)
  const made = { name: 'moved', artifactRoot: 'mlflow-artifacts:/' }
  await transact(db, (trx) => createExperiment(trx, testActor('ada'), made))
  await expect(bring()).rejects.toMatchObject({ code: 'experiment_exists' })
  const names = await reader.all(sql<{ name: string }>`select name from experiment order by id`.compile(on(db)))
  expect(names.map(({ name }) => name)).toEqual(['Default', 'moved'])
})
