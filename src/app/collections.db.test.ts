// What was deleted goes for good, whole and alone; what anything names stays; and it can be ended and begun again at any point.
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { listDirectory, nameFile } from '../artifacts/artifacts.ts'
import { changeExperiment, createExperiment } from '../experiments/experiments.ts'
import { logBatch } from '../experiments/log-batch.ts'
import { createLoggedModel, deleteLoggedModel } from '../experiments/logged-models.ts'
import { getRun } from '../experiments/reading.ts'
import { logInputs } from '../experiments/run-links.ts'
import { createRun, logArtifact, setRunDeleted } from '../experiments/recording.ts'
import { listAudit } from '../governance/audit.ts'
import { testActor } from '../governance/testing.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { sleep, systemClock } from '../platform/clock.ts'
import { databaseKind, on, transact, type Connection } from '../platform/database.ts'
import { silentLog } from '../platform/log.ts'
import { readerOf } from '../platform/reader.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { CollectionRequest, type Collection } from './collection.ts'
import { belongings } from './collection-owners.ts'
import { blobAgeMinMs, createCollections } from './collections.ts'
import { migrations, type Tables } from './tables.ts'

const dayMs = 86_400_000
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function open() {
  const db = await createTestDatabase<Tables>(migrations)
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-collections-'))
  const blobs = openDirectoryBlobs(join(folder, 'blobs'))
  const places = { folders: [join(folder, 'outside')], s3: {}, isOwnHost: () => false }
  const clock = { nowMs: systemClock() }
  const actor = testActor('ada', () => clock.nowMs)
  const collections = createCollections({ db, reader: readerOf(db), blobs, log: silentLog, places })
  /** Stored long ago. */
  const putOld = async (value: string): Promise<{ digest: string; bytes: number }> => {
    const ref = await blobs.put(text(value))
    await utimes(await blobs.localPath(ref.digest), 0, 0)
    return ref
  }
  const collect = async (request: object = {}): Promise<Collection> => {
    const { id } = await collections.start(actor, CollectionRequest.parse(request))
    await collections.ended()
    return collections.get(id)
  }
  /** A run with something of everything. */
  const fullRun = async (experiment: string, file: string): Promise<string> => {
    const blob = await putOld(file)
    const atMs = clock.nowMs
    return transact(db, async (trx) => {
      const runId = await createRun(trx, actor, { experiment, params: { depth: '6' }, tags: { team: 'ops' } })
      for (const key of ['loss', 'auc', 'time']) {
        const metrics = Array.from({ length: 900 }, (_, step) => ({ key, step, atMs, value: step }))
        await logBatch(trx, runId, { metrics })
      }
      await logInputs(trx, actor, { runId, inputs: [{ datasetVersion: 'flights/1', role: 'training' }] })
      await logArtifact(trx, actor, { runId, name: 'model/weights', blob, mediaType: 'text/plain' })
      return runId
    })
  }
  const remove = (runId: string): Promise<void> =>
    transact(db, (trx) => setRunDeleted(trx, actor, { runId, isDeleted: true }))
  return {
    db,
    outside: places.folders[0]!,
    blobs,
    actor,
    clock,
    collections,
    putOld,
    collect,
    fullRun,
    remove,
    async [Symbol.asyncDispose]() {
      await collections[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

async function countOf(db: Connection<Tables>, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(on(db))
  return Number(rows[0]?.count)
}

async function insertTrace(db: Connection<Tables>, experiment: number): Promise<void> {
  const trace = { id: 'tr-1', experiment_id: experiment, started_at_ms: 1, state: 'OK' }
  const { no } = await on(db)
    .insertInto('trace')
    .values(trace as never)
    .returning('no')
    .executeTakeFirstOrThrow()
  await on(db).insertInto('trace_tag').values({ trace_no: no, key: 'k', value: 'v' }).execute()
  await on(db).insertInto('span_content').values({ trace_no: no, span_id: 's', content: '{}' }).execute()
}

test('a deleted run goes with all its rows, files and bytes, and the one beside it keeps all of its own', async () => {
  await using home = await open()
  const { db, blobs } = home
  const kept = await home.fullRun('first', 'kept')
  const before = await getRun(db, kept)
  const points = await countOf(db, 'metric_point')
  const gone = await home.fullRun('first', 'gone')
  const [file] = (await getRun(db, gone)).artifacts
  await home.remove(gone)
  const planned = await home.collect({ isDryRun: true })
  expect(planned).toMatchObject({ state: 'finished', runs: 1, files: 1, fileBytes: 4, blobs: 1, blobBytes: 4 })
  expect(await blobs.has(file!.blob.digest)).toBe(true)
  const done = await home.collect()
  expect(done).toEqual({
    ...planned,
    id: done.id,
    isDryRun: false,
    startedAtMs: done.startedAtMs,
    finishedAtMs: done.finishedAtMs,
  })
  await expect(getRun(db, gone)).rejects.toMatchObject({ code: 'run_not_found' })
  expect(await blobs.has(file!.blob.digest)).toBe(false)
  expect(await getRun(db, kept)).toEqual(before)
  expect(await countOf(db, 'metric_point')).toBe(points)
  expect((await listAudit(db, { subject: `run:${gone}`, limit: 1 }))[0]?.action).toBe('run.remove')
  expect(await home.collect()).toMatchObject({ runs: 0, blobs: 0 })
})

test('files in a folder of the operator’s go with their run, and nothing beside or outside of it', async () => {
  await using home = await open()
  const { db, outside } = home
  const [gone, kept] = [await home.fullRun('x', '1'), await home.fullRun('x', '2')]
  const elsewhere = await mkdtemp(join(tmpdir(), 'trueloop-elsewhere-'))
  for (const run of [gone, kept]) {
    await mkdir(join(outside, run, 'artifacts'), { recursive: true })
    await writeFile(join(outside, run, 'artifacts', 'weights'), 'x')
    await on(db)
      .updateTable('run')
      .set({ artifact_uri: `file://${outside}/${run}/artifacts` })
      .where('id', '=', run)
      .execute()
  }
  await writeFile(join(elsewhere, 'secret'), 'x')
  await symlink(elsewhere, join(outside, gone, 'artifacts', 'link'))
  const far = await home.fullRun('x', '3')
  await on(db)
    .updateTable('run')
    .set({ artifact_uri: `file://${elsewhere}/${far}/artifacts` })
    .where('id', '=', far)
    .execute()
  for (const run of [gone, far]) await home.remove(run)
  expect(await home.collect()).toMatchObject({ state: 'finished', runs: 2 })
  expect(await readdir(join(outside, gone))).toEqual([])
  expect(await readdir(join(outside, kept, 'artifacts'))).toEqual(['weights'])
  expect(await readdir(elsewhere)).toEqual(['secret'])
  await rm(elsewhere, { recursive: true })
})

test('files of traces that are gone go with them, and those of a trace that may still come stay', async () => {
  await using home = await open()
  const { clock, db } = home
  await home.fullRun('x', 'beside')
  await insertTrace(db, 1)
  const blob = await home.putOld('{}')
  const name = (trace: string, atMs: number): Promise<void> =>
    nameFile(db, { path: `1/traces/${trace}/artifacts/traces.json`, ...blob, mediaType: 'text/plain', atMs })
  for (const trace of ['tr-0', 'tr-1', 'tr-2']) await name(trace, 1)
  await name('tr-3', clock.nowMs)
  expect(await home.collect({ isDryRun: true })).toMatchObject({ files: 2 })
  expect(await home.collect({ runIds: [] })).toMatchObject({ files: 0 })
  expect(await home.collect()).toMatchObject({ state: 'finished', files: 2, traces: 0 })
  const left = await listDirectory(db, '1/traces', { limit: 10 })
  expect(left.entries.map(({ name: each }) => each)).toEqual(['tr-1', 'tr-3'])
})

test('bytes that a living file has too stay', async () => {
  await using home = await open()
  const [gone, kept] = [await home.fullRun('first', 'shared'), await home.fullRun('first', 'shared')]
  await home.remove(gone)
  expect(await home.collect({ isDryRun: true })).toMatchObject({ files: 1, blobs: 0 })
  expect(await home.collect()).toMatchObject({ runs: 1, files: 1, blobs: 0 })
  const [file] = (await getRun(home.db, kept)).artifacts
  expect(await home.blobs.has(file!.blob.digest)).toBe(true)
})

test('an experiment goes with its runs, models and files; one that was restored meanwhile stays', async () => {
  await using home = await open()
  const { actor, db } = home
  const made = await transact(db, (trx) => createExperiment(trx, actor, { name: 'old', tags: { a: 'b' } }))
  const run = await home.fullRun('old', 'old file')
  const model = await transact(db, (trx) =>
    createLoggedModel(trx, actor, { experimentId: made.id, sourceRunId: run, params: [{ key: 'k', value: 'v' }] }),
  )
  const blob = await home.putOld('weights')
  const path = `${made.id}/models/${model.id}/artifacts/weights`
  await nameFile(db, { path, ...blob, mediaType: 'text/plain', atMs: 1 })
  const beside = await home.fullRun('beside', 'beside')
  await insertTrace(db, made.id)
  await transact(db, (trx) => changeExperiment(trx, actor, { id: made.id, isDeleted: true }))
  expect(await home.collect({ isDryRun: true })).toMatchObject({
    experiments: 1,
    runs: 1,
    loggedModels: 1,
    traces: 1,
    files: 2,
    blobs: 2,
  })
  await transact(db, (trx) => changeExperiment(trx, actor, { id: made.id, isDeleted: false }))
  expect(await home.collect()).toMatchObject({ experiments: 0, runs: 0 })
  await transact(db, (trx) => changeExperiment(trx, actor, { id: made.id, isDeleted: true }))
  expect(await home.collect()).toMatchObject({
    state: 'finished',
    experiments: 1,
    runs: 1,
    loggedModels: 1,
    traces: 1,
    files: 2,
    blobs: 2,
  })
  for (const table of ['logged_model', 'logged_model_param', 'trace', 'trace_tag', 'span_content'])
    expect(await countOf(db, table)).toBe(0)
  expect((await getRun(db, beside)).artifacts).toHaveLength(1)
  await transact(db, (trx) => createExperiment(trx, actor, { name: 'old' })) // Its name is free again.
})

test('what was deleted too recently stays, and only what is named goes', async () => {
  await using home = await open()
  const { actor, clock, db } = home
  const [first, second, third] = [
    await home.fullRun('x', '1'),
    await home.fullRun('x', '2'),
    await home.fullRun('x', '3'),
  ]
  await home.remove(first)
  clock.nowMs += 10 * dayMs
  await home.remove(second)
  expect(await home.collect({ olderThanMs: 20 * dayMs, isDryRun: true })).toMatchObject({ runs: 0 })
  expect(await home.collect({ olderThanMs: 5 * dayMs, isDryRun: true })).toMatchObject({ runs: 1 })
  const refused = { code: 'collection_owner' }
  for (const request of [
    { runIds: [third] },
    { runIds: ['nobody'] },
    { runIds: [second], olderThanMs: dayMs },
    { experimentIds: ['0'] },
    { experimentIds: ['x; drop table run'] },
    { loggedModelIds: [first] },
  ])
    await expect(home.collections.start(actor, CollectionRequest.parse(request))).rejects.toMatchObject(refused)
  expect(await home.collect({ runIds: [second] })).toMatchObject({ runs: 1 })
  await getRun(db, first)
  const model = await transact(db, (trx) => createLoggedModel(trx, actor, { experimentId: 1 }))
  await transact(db, (trx) => deleteLoggedModel(trx, actor, model.id))
  expect(await home.collect({ loggedModelIds: [model.id] })).toMatchObject({ loggedModels: 1, runs: 0 })
})

test('bytes that a manifest, a version, code or a step names stay, and young ones too', async () => {
  await using home = await open()
  const { blobs, db } = home
  const part = await home.putOld('rows of a dataset')
  const manifest = await home.putOld(JSON.stringify({ format: 'manifest', parts: [{ digest: part.digest }] }))
  const output = await home.putOld('of a step')
  const loose = await home.putOld('named by nobody')
  const young = await blobs.put(text('on its way to a name'))
  await on(db)
    .insertInto('step_cache')
    .values({
      fingerprint: 'f',
      kind: 'k',
      output: JSON.stringify({ manifest: manifest.digest, deep: [{ blob: output }] }),
      step_run_id: 's',
      created_at_ms: 1,
    })
    .execute()
  const snapshot = await home.putOld(JSON.stringify({ files: [{ digest: (await home.putOld('code')).digest }] }))
  const code = { commit: null, isDirty: false, snapshot: snapshot.digest }
  await transact(db, (trx) => createRun(trx, home.actor, { experiment: 'x', code }))
  expect(await home.collect()).toMatchObject({ state: 'finished', blobs: 1, blobBytes: loose.bytes })
  for (const { digest } of [part, manifest, output, snapshot, young]) expect(await blobs.has(digest)).toBe(true)
  expect(await blobs.has(loose.digest)).toBe(false)
  home.clock.nowMs += 2 * blobAgeMinMs
  expect(await home.collect()).toMatchObject({ blobs: 1 })
  expect(await blobs.has(young.digest)).toBe(false)
})

test('bytes that a running step has stored stay until it has ended', async () => {
  await using home = await open()
  const { db, clock } = home
  const startedAtMs = clock.nowMs
  await on(db)
    .insertInto('step_attempt')
    .values({
      id: 'a',
      step_run_id: 's',
      number: 1,
      fence: 1,
      state: 'running',
      events_offset: 0,
      started_at_ms: startedAtMs,
    } as never)
    .execute()
  const stored = await home.blobs.put(text('of the step'))
  clock.nowMs += 5 * blobAgeMinMs
  expect(await home.collect()).toMatchObject({ state: 'finished', blobs: 0 })
  await on(db).updateTable('step_attempt').set({ finished_at_ms: clock.nowMs }).execute()
  expect(await home.collect()).toMatchObject({ blobs: 1 })
  expect(await home.blobs.has(stored.digest)).toBe(false)
})

test('a collection that was ended half-way is taken up by the next one', async () => {
  await using home = await open()
  const { actor, blobs, db } = home
  const runs: string[] = []
  for (let at = 0; at < 6; at++) runs.push(await home.fullRun('x', `file ${at}`))
  for (const run of runs) await home.remove(run)
  const places = { folders: [], s3: {}, isOwnHost: () => false }
  const first = createCollections({ db, reader: readerOf(db), blobs, log: silentLog, places })
  const { id } = await first.start(actor, CollectionRequest.parse({}))
  while (first.get(id).runs === 0) await sleep(1)
  await first[Symbol.asyncDispose]()
  const done = first.get(id).runs
  expect(done).toBeLessThan(6)
  expect(await home.collect()).toMatchObject({ state: 'finished', runs: 6 - done, blobs: 6 })
  for (const table of ['run', 'run_metric', 'metric_point', 'metric_bucket', 'artifact'])
    expect(await countOf(db, table)).toBe(0)
})

test('one collection at a time, and a failure says why', async () => {
  await using home = await open()
  const request = CollectionRequest.parse({})
  const { id } = await home.collections.start(home.actor, request)
  await expect(home.collections.start(home.actor, request)).rejects.toMatchObject({ code: 'collection_running' })
  await home.collections.ended()
  expect(home.collections.get(id).state).toBe('finished')
  expect(() => home.collections.get('col_other')).toThrow(expect.objectContaining({ code: 'collection_not_found' }))
})

/** Columns that name an owner and whose rows nevertheless stay, and why. */
const staying: Readonly<Record<string, string>> = {
  'artifact_upload.path': 'an upload ends by itself within a day',
  'issue.source_run_id': 'a finding outlives the run that it was found in',
  'assessment.run_id': 'the run’s deletion takes them',
  'logged_model.source_run_id': 'a model may outlive the run that made it',
  'model_version.model_id': 'a registered version outlives what it was made of',
  'model_version.run_id': 'a registered version outlives what it was made of',
  'span.experiment_id': 'spans go with their trace',
}

test('everything that names a run, a model, a trace or an experiment goes with it, or is known to stay', async () => {
  await using db = await createTestDatabase<Tables>(migrations)
  if (databaseKind(db) === 'postgres') return
  const { rows } = await sql<{ place: string }>`select m.name || '.' || c.name as place
    from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'
    and c.name in ('run_id', 'source_run_id', 'experiment_id', 'model_id', 'trace_no', 'trace_id', 'queue_id', 'scorer_id', 'series')`.execute(
    on(db),
  )
  const known = new Set([
    ...Object.values(belongings)
      .flat()
      .map(({ table, column }) => `${table}.${column}`),
    'run.experiment_id',
    'logged_model.experiment_id',
    'trace.experiment_id',
    'run_metric.series',
    ...Object.keys(staying),
  ])
  expect(rows.length).toBeGreaterThan(15)
  expect(rows.map(({ place }) => place).filter((place) => !known.has(place))).toEqual([])
})
