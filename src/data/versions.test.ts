// Reading versions back: time ranges, splits, subsets and diffs on versions made by ingest.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTables } from '../platform/tables.ts'
import { diffVersions } from './diff.ts'
import { exportFormatOf, exportRows, firstRows } from './export.ts'
import { ingest, type IngestOutput } from './ingest.ts'
import { loadManifest, storeManifest } from './manifest-blob.ts'
import { manifestDigest } from './manifest-digest.ts'
import { openVersion, readColumns } from './select.ts'
import { Source } from './source.ts'
import {
  makeSplit,
  splitCondition,
  splitDigest,
  splitNames,
  SplitRule,
  type Split,
  type SplitRuleInput,
} from './split.ts'
import { subset } from './subset.ts'
import { openDataWorkshop, type DataWorkshop } from './testing.ts'

const dayMs = 86_400_000
const startMs = Date.parse('2024-01-01')

/** A row each minute: id, customer, value. */
async function version(
  shop: DataWorkshop,
  { rows = 100_000, value = 'i % 10', where = 'true', more = '' } = {},
): Promise<IngestOutput> {
  return shop.step(async (deps) => {
    const path = join(deps.scratchDirectory, 'in.parquet')
    await deps.tables.run(
      `COPY (SELECT TIMESTAMP '2024-01-01' + to_minutes(i) AS at, i AS id, 'c' || i % 1000 AS customer, ${value} AS value${more} FROM range(${rows}) r(i) WHERE ${where}) TO '${path}' (FORMAT parquet)`,
    )
    return ingest(deps, {
      source: Source.parse({ kind: 'file', paths: [path] }),
      timeColumn: 'at',
      keyColumns: ['id'],
      nowMs: 0,
    })
  })
}

test('a time range reads its rows only, as typed arrays', async () => {
  await using shop = await openDataWorkshop()
  const { manifest } = await version(shop)
  const { rowCount, columns } = await shop.step(async (deps) => {
    await openVersion(deps, { manifest, view: 'v', time: { fromMs: startMs + dayMs, toMs: startMs + 2 * dayMs } })
    return readColumns(deps.tables, { view: 'v', columns: manifest.columns })
  })
  const [at, id, customer] = [columns.get('at'), columns.get('id'), columns.get('customer')]
  if (at?.kind !== 'time' || id?.kind !== 'number' || customer?.kind !== 'string') throw new Error('kinds')
  expect(rowCount).toBe(1440)
  expect([id.values[0], id.values[1439]]).toEqual([1440, 2879])
  expect(at.micros[0]).toBe(BigInt(startMs + dayMs) * 1000n)
  expect(customer.categories[customer.codes[0]!]).toBe('c440')
})

test('splits cover all rows once, keep their shares, and come out the same again', async () => {
  await using shop = await openDataWorkshop()
  const { manifest, digest } = await version(shop)
  const rules: SplitRuleInput[] = [
    { kind: 'time' },
    { kind: 'random', seed: 7 },
    { kind: 'random', seed: 8 },
    { kind: 'key', columns: ['customer'] },
  ]
  const splits = await shop.step(async (deps) => {
    await openVersion(deps, { manifest, view: 'v' })
    const twice = async (rule: SplitRuleInput): Promise<unknown[]> => {
      const parsed = SplitRule.parse(rule)
      const first = await makeSplit(deps.tables, { view: 'v', manifest, versionDigest: digest, rule: parsed })
      expect(await makeSplit(deps.tables, { view: 'v', manifest, versionDigest: digest, rule: parsed })).toEqual(first)
      const conditions = splitNames.map((name) => `(${splitCondition(first, { manifest, name })})::INTEGER`)
      const [row] = await deps.tables.rows(
        `SELECT min(${conditions.join(' + ')}) AS low, max(${conditions.join(' + ')}) AS high FROM v`,
      )
      const torn = await deps.tables.rows(
        `SELECT count(*) AS n FROM (SELECT customer FROM v GROUP BY 1 HAVING count(DISTINCT ${conditions[0]!}) > 1)`,
      )
      expect(row).toEqual({ low: 1, high: 1 })
      return [first.rows, torn[0]!['n'] === 0]
    }
    const results: unknown[][] = []
    for (const rule of rules) results.push(await twice(rule))
    return results
  })
  expect(splits[0]![0]).toEqual({ train: 69_999, validation: 15_000, test: 15_001 })
  for (const [rows] of splits) {
    const { train, validation, test: last } = rows as { train: number; validation: number; test: number }
    expect(train + validation + last).toBe(100_000)
    expect(Math.abs(train - 70_000)).toBeLessThan(3_500)
  }
  expect(splits[1]).not.toEqual(splits[2])
  expect(splits.map(([, together]) => together)).toEqual([false, false, false, true])
})

test('a split has the same rows on any number of threads, and its digests are those of its rows', async () => {
  await using shop = await openDataWorkshop()
  const { manifest, digest } = await version(shop)
  const rule = SplitRule.parse({ kind: 'random', seed: 3 })
  const madeWith = async (threads: number): Promise<Split> => {
    await using tables = await openTables({ memoryLimitBytes: 1_000_000_000, tempDirectory: shop.folder, threads })
    await openVersion({ tables, blobs: shop.blobs }, { manifest, view: 'v' })
    return await makeSplit(tables, { view: 'v', manifest, versionDigest: digest, rule })
  }
  const split = await madeWith(1)
  expect(splitDigest(await madeWith(5))).toBe(splitDigest(split))
  const condition = splitCondition(split, { manifest, name: 'test' })
  const path = join(shop.folder, 'test.parquet')
  expect(await shop.step((deps) => exportRows(deps, { manifest, condition }, { path, format: 'parquet' }))).toBe(
    split.rows.test,
  )
  const source = Source.parse({ kind: 'file', paths: [path] })
  const again = await shop.step((deps) => ingest(deps, { source, timeColumn: 'at', keyColumns: ['id'], nowMs: 0 }))
  expect(again.manifest.parts.map((part) => part.digest)).toEqual([split.digests.test])
})

test('rows come out as Parquet, CSV and newline-delimited JSON, and read again are the same version', async () => {
  await using shop = await openDataWorkshop()
  const { manifest, digest } = await version(shop, { rows: 1000 })
  for (const name of ['a.parquet', 'a.csv', 'a.ndjson']) {
    const path = join(shop.folder, name)
    await shop.step((deps) => exportRows(deps, { manifest }, { path, format: exportFormatOf(path) }))
    const source = Source.parse({ kind: 'file', paths: [path] })
    const again = await shop.step((deps) => ingest(deps, { source, timeColumn: 'at', keyColumns: ['id'], nowMs: 0 }))
    expect(again.digest, name).toBe(digest)
  }
  expect(() => exportFormatOf('rows.xlsx')).toThrow(/end it with/v)
  expect(await shop.step((deps) => firstRows(deps, { manifest, condition: 'id > 7' }, 2))).toMatchObject([
    { id: 8 },
    { id: 9 },
  ])
})

test('a subset is a manifest of its own that shares the parts inside it, and survives the blob store', async () => {
  await using shop = await openDataWorkshop()
  const { manifest } = await version(shop, { rows: 250_000 })
  const toMs = startMs + 160 * dayMs
  const part = await shop.step((deps) => subset(deps, { manifest, time: { toMs } }))
  expect(part.rows).toBe(160 * 1440)
  const known = new Set(manifest.parts.map(({ digest }) => digest))
  expect(part.parts.filter(({ digest }) => known.has(digest)).length).toBe(part.parts.length - 1)
  const { digest } = await storeManifest(shop.blobs, part)
  expect(manifestDigest(await loadManifest(shop.blobs, digest))).toBe(manifestDigest(part))
  const none = await shop.step((deps) => subset(deps, { manifest, time: { fromMs: 0, toMs: 1 } }))
  expect(none).toMatchObject({ rows: 0, parts: [] })
})

test('a diff by key counts and shows what was added, removed and changed, and skips what both versions share', async () => {
  await using shop = await openDataWorkshop()
  const before = await version(shop, { rows: 250_000 })
  const after = await version(shop, {
    rows: 250_010,
    value: `CASE WHEN i IN (5, 7) THEN -1 ELSE i % 10 END`,
    where: 'i NOT IN (100, 101, 102)',
  })
  const diff = await shop.step((deps) =>
    diffVersions(deps, { before: before.manifest, after: after.manifest, sampleMax: 2 }),
  )
  expect(diff).toMatchObject({
    key: ['id'],
    added: 10,
    removed: 3,
    changed: 2,
    changedByColumn: { value: 2 },
    columnsAdded: [],
  })
  expect(diff.sharedParts).toBeGreaterThan(0)
  expect(diff.sample.changed[0]).toMatchObject({ before: { id: 5, value: 5 }, after: { id: 5, value: -1 } })
  expect(diff.sample.removed).toMatchObject([{ id: 100 }, { id: 101 }])
  expect(diff.sample.added).toMatchObject([{ id: 250_000 }, { id: 250_001 }])
  const same = await shop.step((deps) => diffVersions(deps, { before: after.manifest, after: after.manifest }))
  expect(same).toMatchObject({ added: 0, removed: 0, changed: 0, sharedParts: after.manifest.parts.length })
})

test('without a key a diff compares whole rows; a key that is none is an error', async () => {
  await using shop = await openDataWorkshop()
  const before = await version(shop, { rows: 1000 })
  const after = await version(shop, { rows: 1000, value: 'CASE WHEN i = 3 THEN 0 ELSE i % 10 END' })
  const run = (keyColumns: string[]) =>
    shop.step((deps) => diffVersions(deps, { before: before.manifest, after: after.manifest, keyColumns }))
  expect(await run([])).toMatchObject({
    added: 1,
    removed: 1,
    changed: 0,
    sample: { added: [{ id: 3, value: 0 }], removed: [{ id: 3, value: 3 }] },
  })
  await expect(run(['value'])).rejects.toMatchObject({ code: 'key_not_unique' })
  await expect(run(['nope'])).rejects.toMatchObject({ code: 'column_not_found' })
})

test('a diff tells columns that came, went and changed their type', async () => {
  await using shop = await openDataWorkshop()
  const before = await version(shop, { rows: 1000 })
  const after = await version(shop, { rows: 1000, value: `'v' || i`, more: ', i AS extra' })
  const diff = await shop.step((deps) => diffVersions(deps, { before: before.manifest, after: after.manifest }))
  expect(diff).toMatchObject({
    columnsAdded: [{ name: 'extra', type: 'integer' }],
    columnsRemoved: [],
    columnsRetyped: ['value'],
    added: 0,
    changed: 0,
  })
})
