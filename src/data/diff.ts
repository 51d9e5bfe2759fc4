// What changed between two versions, row by row: by key added, removed and changed; without a key added and removed.
import { z } from 'zod'
import type { BlobStore } from '../platform/blobs.ts'
import { DomainError } from '../platform/errors.ts'
import { namesHint } from '../platform/near-names.ts'
import { cellText, type Row, type Tables } from '../platform/tables.ts'
import { quoteName } from '../platform/tables-sql.ts'
import { Column, type Manifest } from './manifest.ts'
import { openVersion } from './select.ts'

const Cells = z.record(z.string(), z.unknown())

export const DatasetDiff = z.object({
  key: z.array(z.string()),
  columnsAdded: z.array(Column),
  columnsRemoved: z.array(Column),
  /** Of the same name and another type. */
  columnsRetyped: z.array(z.string()),
  added: z.int(),
  removed: z.int(),
  changed: z.int(),
  /** Of the changed rows, how many changed in each column; columns that changed nowhere are left out. */
  changedByColumn: z.record(z.string(), z.int()),
  /** Parts that both versions share, which were not even read. */
  sharedParts: z.int(),
  sample: z.object({
    added: z.array(Cells),
    removed: z.array(Cells),
    changed: z.array(z.object({ before: Cells, after: Cells })),
  }),
})
export type DatasetDiff = z.infer<typeof DatasetDiff>

export interface DiffInput {
  readonly before: Manifest
  readonly after: Manifest
  /** The later version's key by default. */
  readonly keyColumns?: readonly string[]
  /** Most rows in each sample. */
  readonly sampleMax?: number
}

/** Rows in each sample by default. */
export const diffSampleMax = 20

/** @throws DomainError column_not_found, key_not_unique, columns_differ (nothing in common, or no key and other columns) */
export async function diffVersions(deps: { tables: Tables; blobs: BlobStore }, input: DiffInput): Promise<DatasetDiff> {
  const { before, after } = input
  const key = [...(input.keyColumns ?? after.keyColumns)]
  const columns = compareColumns(before, after)
  const sampleMax = input.sampleMax ?? diffSampleMax
  const shared = columns.same ? sharedDigests(before, after) : new Set<string>()
  await openVersion(deps, { manifest: without(before, shared), view: 'diff_before' })
  await openVersion(deps, { manifest: without(after, shared), view: 'diff_after' })
  const context = { tables: deps.tables, key, common: columns.common, sampleMax }
  const rows = key.length > 0 ? await diffByKey(context) : await diffByRow(context, columns.same)
  const { common: _, same: __, ...told } = columns
  return { key, ...told, ...rows, sharedParts: [...after.parts].filter(({ digest }) => shared.has(digest)).length }
}

/** A part that occurs on both sides equally often changes nothing. */
function sharedDigests(before: Manifest, after: Manifest): Set<string> {
  const count = (manifest: Manifest): Map<string, number> =>
    manifest.parts.reduce(
      (counts, { digest }) => counts.set(digest, (counts.get(digest) ?? 0) + 1),
      new Map<string, number>(),
    )
  const [left, right] = [count(before), count(after)]
  return new Set([...left].filter(([digest, times]) => right.get(digest) === times).map(([digest]) => digest))
}

const without = (manifest: Manifest, digests: ReadonlySet<string>): Manifest => ({
  ...manifest,
  parts: manifest.parts.filter(({ digest }) => !digests.has(digest)),
})

interface ColumnDiff extends Pick<DatasetDiff, 'columnsAdded' | 'columnsRemoved' | 'columnsRetyped'> {
  readonly common: readonly string[]
  readonly same: boolean
}

function compareColumns(before: Manifest, after: Manifest): ColumnDiff {
  const old = new Map(before.columns.map((column) => [column.name, column]))
  const now = new Map(after.columns.map((column) => [column.name, column]))
  const columnsAdded = after.columns.filter(({ name }) => !old.has(name))
  const columnsRemoved = before.columns.filter(({ name }) => !now.has(name))
  const both = after.columns.filter(({ name }) => old.has(name))
  const columnsRetyped = both.filter(({ name, type }) => old.get(name)!.type !== type).map(({ name }) => name)
  const common = both.map(({ name }) => name).filter((name) => !columnsRetyped.includes(name))
  if (common.length === 0) throw new DomainError('invalid', 'columns_differ', 'the versions have no column in common')
  return {
    columnsAdded,
    columnsRemoved,
    columnsRetyped,
    common,
    same: columnsAdded.length + columnsRemoved.length + columnsRetyped.length === 0,
  }
}

interface DiffContext {
  readonly tables: Tables
  readonly key: readonly string[]
  readonly common: readonly string[]
  readonly sampleMax: number
}
type RowDiff = Pick<DatasetDiff, 'added' | 'removed' | 'changed' | 'changedByColumn' | 'sample'>

async function diffByKey({ tables, key, common, sampleMax }: DiffContext): Promise<RowDiff> {
  const missing = key.find((name) => !common.includes(name))
  if (missing !== undefined)
    throw new DomainError(
      'invalid',
      'column_not_found',
      `the key column "${missing}" is not in both versions, or of another type: ${namesHint(missing, common)}`,
    )
  for (const view of ['diff_before', 'diff_after']) await assertUnique(tables, { view, key })
  const on = key.map((name) => `b.${quoteName(name)} IS NOT DISTINCT FROM a.${quoteName(name)}`).join(' AND ')
  const side = (view: string): string =>
    `(SELECT ${common.map(quoteName).join(', ')}, true AS "diff:here" FROM ${view})`
  const join = `${side('diff_before')} AS b FULL JOIN ${side('diff_after')} AS a ON ${on}`
  const values = common.filter((name) => !key.includes(name))
  const differs = (name: string): string => `b.${quoteName(name)} IS DISTINCT FROM a.${quoteName(name)}`
  const both = 'b."diff:here" AND a."diff:here"'
  const changed = values.length === 0 ? 'false' : `(${both} AND (${values.map(differs).join(' OR ')}))`
  const counts = values.map((name, index) => `, count(*) FILTER (WHERE ${both} AND ${differs(name)}) AS "c${index}"`)
  const [row] = await tables.rows(
    `SELECT count(*) FILTER (WHERE b."diff:here" IS NULL) AS added, count(*) FILTER (WHERE a."diff:here" IS NULL) AS removed,
     count(*) FILTER (WHERE ${changed}) AS changed${counts.join('')} FROM ${join}`,
  )
  const order = (alias: string): string =>
    `ORDER BY ${key.map((name) => `${alias}.${quoteName(name)}`).join(', ')} LIMIT ${sampleMax}`
  const cells = (alias: string): string => common.map((name) => `${alias}.${quoteName(name)}`).join(', ')
  const pairs = await tables.rows(
    `SELECT struct_pack(${common.map((name) => `${quoteName(name)} := b.${quoteName(name)}`).join(', ')}) AS before,
     struct_pack(${common.map((name) => `${quoteName(name)} := a.${quoteName(name)}`).join(', ')}) AS after FROM ${join} WHERE ${changed} ${order('a')}`,
  )
  const changedByColumn = Object.fromEntries(
    values.flatMap((name, index) => (Number(row![`c${index}`]) > 0 ? [[name, Number(row![`c${index}`])]] : [])),
  )
  return {
    added: Number(row!['added']),
    removed: Number(row!['removed']),
    changed: Number(row!['changed']),
    changedByColumn,
    sample: {
      added: await tables.rows(`SELECT ${cells('a')} FROM ${join} WHERE b."diff:here" IS NULL ${order('a')}`),
      removed: await tables.rows(`SELECT ${cells('b')} FROM ${join} WHERE a."diff:here" IS NULL ${order('b')}`),
      changed: pairs as unknown as { before: Row; after: Row }[],
    },
  }
}

async function assertUnique(tables: Tables, { view, key }: { view: string; key: readonly string[] }): Promise<void> {
  const names = key.map(quoteName).join(', ')
  const [twice] = await tables.rows(
    `SELECT ${names}, count(*) AS "diff:rows" FROM ${view} GROUP BY ${names} HAVING count(*) > 1 LIMIT 1`,
  )
  if (!twice) return
  const { 'diff:rows': count, ...cells } = twice
  const message = `the key ${key.join(', ')} does not name one row: ${JSON.stringify(cells)} occurs ${cellText(count)} times; name another key`
  throw new DomainError('invalid', 'key_not_unique', message, { key: cells })
}

/** Without a key a changed row is one removed and one added. */
async function diffByRow({ tables, common, sampleMax }: DiffContext, sameColumns: boolean): Promise<RowDiff> {
  if (!sameColumns)
    throw new DomainError(
      'invalid',
      'columns_differ',
      'the versions have different columns, so their rows compare by a key only: name one',
    )
  const list = common.map(quoteName).join(', ')
  const oneSided = async (from: string, other: string): Promise<{ count: number; rows: Row[] }> => {
    await tables.run(
      `CREATE OR REPLACE TEMP TABLE diff_rows AS SELECT ${list} FROM ${from} EXCEPT ALL SELECT ${list} FROM ${other}`,
    )
    const [row] = await tables.rows('SELECT count(*) AS n FROM diff_rows')
    return {
      count: Number(row!['n']),
      rows: await tables.rows(`SELECT * FROM diff_rows ORDER BY ALL LIMIT ${sampleMax}`),
    }
  }
  const added = await oneSided('diff_after', 'diff_before')
  const removed = await oneSided('diff_before', 'diff_after')
  const sample = { added: added.rows, removed: removed.rows, changed: [] }
  return { added: added.count, removed: removed.count, changed: 0, changedByColumn: {}, sample }
}
