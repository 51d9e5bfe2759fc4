// Splits on a real database: recorded once, with audit and lineage, and told by the routes.
import { expect, test } from 'vitest'
import { listAudit } from '../governance/audit.ts'
import { downstream } from '../governance/lineage.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer, testActor } from '../governance/testing.ts'
import { transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import { commitSplit } from './dataset-splits.ts'
import { recordVersion, type DataChangeTables } from './dataset-versions.ts'
import type { DatasetVersion } from './dataset.ts'
import type { Manifest } from './manifest.ts'
import { dataMigrations } from './migrations.ts'
import type { DataWork } from './routes.ts'
import { splitDigest, SplitRule, type Split } from './split.ts'
import { splitRoutes } from './split-routes.ts'

const manifest: Manifest = {
  columns: [{ name: 'id', type: 'integer' }],
  keyColumns: ['id'],
  parts: [{ digest: '1'.repeat(64), blob: 'b'.repeat(64), bytes: 10, rows: 10 }],
  rows: 10,
}

async function open(): Promise<{ db: TestDatabase<DataChangeTables>; version: DatasetVersion }> {
  const db = await createTestDatabase<DataChangeTables>({
    ...governanceMigrations,
    ...eventMigrations,
    ...dataMigrations,
  })
  const validation = { suite: 's', success: true, rows: 10, quarantinedRows: 0, results: [] }
  const profile = { rows: 10, columns: [] }
  const { version } = await recordVersion(db, testActor(), {
    dataset: 'people',
    manifest,
    manifestBlob: 'c'.repeat(64),
    profile,
    validation,
  })
  return { db, version }
}

const splitOf = ({ digest }: DatasetVersion, seed: number): Split => ({
  rule: SplitRule.parse({ kind: 'random', seed }),
  versionDigest: digest,
  boundariesUs: null,
  rows: { train: 7, validation: 2, test: 1 },
  digests: { train: '2'.repeat(64), validation: '3'.repeat(64), test: '4'.repeat(64) },
})

test('a split is recorded once, with its audit event and its place in the lineage', async () => {
  const { db, version } = await open()
  await using _ = db
  const record = (seed: number) =>
    transact<DataChangeTables, Awaited<ReturnType<typeof commitSplit>>>(db, (trx) =>
      commitSplit(trx, testActor('ann'), {
        dataset: 'people',
        version: 1,
        split: splitOf(version, seed),
        producedBy: 'pipeline_run:p1',
      }),
    )
  const [first, again, other] = [await record(1), await record(1), await record(2)]
  expect([first.created, again.created, other.created]).toEqual([true, false, true])
  expect(again.split).toEqual(first.split)
  expect(first.split).toMatchObject({ digest: splitDigest(splitOf(version, 1)), createdBy: 'ann' })
  const edges = await downstream(db, 'dataset_version:people/1')
  expect(edges.map((edge) => `${edge.downstream} ${edge.relation}`).toSorted()).toEqual(
    [first, other].map(({ split }) => `dataset_split:${split.id} split_into`).toSorted(),
  )
  const events = await listAudit(db, { subject: first.split.id, limit: 10 })
  expect(events).toMatchObject([{ action: 'dataset.split_create', actor: 'ann' }])
})

test('the routes list and show splits, and begin one unless the version cannot be split that way', async () => {
  const { db, version } = await open()
  await using _ = db
  const asked: unknown[] = []
  const work: DataWork = {
    startIngest: async () => 'pipe_1',
    startSplit: async (_actor, { version: of, rule }) => {
      asked.push([`${of.dataset}/${of.version}`, rule])
      return 'pipe_2'
    },
  }
  let nowMs = 0
  const actor = testActor('ann', () => ++nowMs) // Ids of one moment are in no order.
  const ids: string[] = []
  for (const seed of [1, 2])
    await transact<DataChangeTables, void>(db, async (trx) => {
      const input = {
        dataset: 'people',
        version: 1,
        split: splitOf(version, seed),
        producedBy: 'pipeline_run:p1',
      } as const
      ids.push((await commitSplit(trx, actor, input)).split.id)
    })
  await using server = await createTestServer(splitRoutes, { db, work })
  const list = async (query: string): Promise<unknown> => {
    const answer = (await server.inject(`/datasets/people/splits?${query}`)).json<{ splits: { id: string }[] }>()
    return answer.splits.map(({ id }) => id)
  }
  expect(await list('')).toEqual(ids.toReversed())
  expect(await list('limit=1')).toEqual([ids[1]])
  expect(await list(`after=${ids[1]}`)).toEqual([ids[0]])
  expect(await list('version=2')).toEqual([])
  expect((await server.inject(`/splits/${ids[0]}`)).json()).toMatchObject({
    id: ids[0],
    rule: { seed: 1, shares: { train: 0.7 } },
    rows: { train: 7 },
  })
  expect((await server.inject('/datasets/poeple/splits')).json()).toMatchObject({ code: 'dataset_not_found' })
  expect((await server.inject('/splits/nope')).json()).toMatchObject({ status: 404, code: 'split_not_found' })
  const ask = async (payload: object) =>
    (await server.inject({ method: 'POST', url: '/datasets/people/versions/latest/splits', payload })).json<unknown>()
  expect(await ask({ kind: 'key', columns: ['id'] })).toEqual({ pipelineRun: 'pipe_2' })
  expect(await ask({ kind: 'time' })).toMatchObject({ code: 'time_column_missing' })
  expect(await ask({ kind: 'key', columns: ['who'] })).toMatchObject({ code: 'column_not_found' })
  expect(await ask({ kind: 'random', shares: { train: 0.5, validation: 0, test: 0.4 } })).toMatchObject({
    code: 'request_invalid',
  })
  expect(asked).toEqual([['people/1', SplitRule.parse({ kind: 'key', columns: ['id'] })]])
})
