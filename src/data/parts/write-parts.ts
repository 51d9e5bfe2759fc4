// The sorted table `rows` as parts: cut, digested by their logical rows, and written only where the previous version has none like it.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore } from '../../platform/blobs.ts'
import type { Tables } from '../../platform/tables.ts'
import { literal, quoteName } from '../../platform/tables-sql.ts'
import type { Column, Manifest, Part } from '../manifest.ts'
import { cutRows, strongEvery, weakEvery, type CutPoint, type CutSizes, type RowRange } from './cut.ts'
import { lowHalfSql, rowTextSql } from './row-text.ts'
import { rowNumberSql, rowsDigest, rowSumsSql } from './rows-digest.ts'

export interface PartsInput {
  /** A table in its final order: by time and key where there are such columns, else as the source had it. */
  readonly table: string
  readonly columns: readonly Column[]
  readonly timeColumn: string | undefined
  readonly keyColumns: readonly string[]
  /** Parts that are stored already, under whatever version. */
  readonly known: readonly Part[]
  readonly sizes?: CutSizes
}

export interface PartsDeps {
  readonly tables: Tables
  readonly blobs: BlobStore
  readonly scratchDirectory: string
  progress(fraction: number, text: string): void
}

export interface PartsResult {
  readonly parts: Part[]
  readonly storedParts: number
  readonly storedBytes: number
}

/** Rows are hashed block by block; a block that a cut goes through counts for two parts. */
const blockRows = 4_096

export async function writeParts(deps: PartsDeps, input: PartsInput): Promise<PartsResult> {
  const [total] = await deps.tables.rows(`SELECT count(*) AS n FROM ${quoteName(input.table)}`)
  const rowCount = Number(total!['n'])
  if (rowCount === 0) return { parts: [], storedParts: 0, storedBytes: 0 }
  const ranges = cutRows(rowCount, await cutPoints(deps.tables, input), input.sizes)
  const digested = await digestRanges(deps.tables, input, ranges)
  const known = new Map(input.known.map((part) => [part.digest, part]))
  const result = { parts: [] as Part[], storedParts: 0, storedBytes: 0 }
  for (const [index, part] of digested.entries()) {
    const stored = known.get(part.digest)
    if (stored) {
      result.parts.push({ ...part, blob: stored.blob, bytes: stored.bytes })
      continue
    }
    const blob = await writePart(deps, input, ranges[index]!)
    const complete = { ...part, blob: blob.digest, bytes: blob.bytes }
    known.set(part.digest, complete)
    result.parts.push(complete)
    result.storedParts++
    result.storedBytes += blob.bytes
    deps.progress((index + 1) / digested.length, `${index + 1} of ${digested.length} parts`)
  }
  return result
}

/**
 * Sort keys whose hash says so, the more likely the more rows they have; rows with one key are never torn apart. Without a key the rows
 * themselves are hashed, and of neighbouring cuts only the first counts.
 */
async function cutPoints(tables: Tables, input: PartsInput): Promise<CutPoint[]> {
  const table = quoteName(input.table)
  const sortColumns = sortColumnsOf(input)
  const hash = (columns: readonly Column[]): string => lowHalfSql(`md5_number(${rowTextSql(columns)})`)
  const keyed = sortColumns.map(({ name }) => quoteName(name)).join(', ')
  const source =
    sortColumns.length > 0
      ? `(SELECT min(rowid) AS r, count(*) AS n, ${hash(sortColumns)} AS h FROM ${table} GROUP BY ${keyed})`
      : `(SELECT rowid AS r, 1 AS n, ${hash(input.columns)} AS h FROM ${table})`
  const rows = await tables.rows(
    `SELECT r, h % ${strongEvery} < n AS strong FROM ${source} WHERE h % ${weakEvery} < n QUALIFY lag(r) OVER (ORDER BY r) IS DISTINCT FROM r - 1 ORDER BY r`,
  )
  return rows.map((row) => ({ row: Number(row['r']), strong: row['strong'] === true }))
}

export function sortColumnsOf({
  columns,
  timeColumn,
  keyColumns,
}: Pick<PartsInput, 'columns' | 'timeColumn' | 'keyColumns'>): Column[] {
  const names = new Set([...(timeColumn === undefined ? [] : [timeColumn]), ...keyColumns])
  return [...names].map((name) => columns.find((column) => column.name === name)!)
}

type DigestedPart = Omit<Part, 'blob' | 'bytes'>

async function digestRanges(tables: Tables, input: PartsInput, ranges: readonly RowRange[]): Promise<DigestedPart[]> {
  const time = input.timeColumn === undefined ? undefined : quoteName(input.timeColumn)
  const pieces = ranges.flatMap(({ from, to }, part) =>
    Array.from(
      { length: Math.floor((to - 1) / blockRows) - Math.floor(from / blockRows) + 1 },
      (_, i) => `(${Math.floor(from / blockRows) + i}, ${from}, ${to}, ${part})`,
    ),
  )
  await tables.run('CREATE OR REPLACE TEMP TABLE part_piece (block BIGINT, first BIGINT, past BIGINT, part INTEGER)')
  for (let i = 0; i < pieces.length; i += 10_000)
    await tables.run(`INSERT INTO part_piece VALUES ${pieces.slice(i, i + 10_000).join(', ')}`)
  const times = time
    ? `epoch_us(min(t))::VARCHAR AS time_min, epoch_us(max(t))::VARCHAR AS time_max`
    : 'NULL AS time_min, NULL AS time_max'
  const rows = await tables.rows(
    `SELECT part, ${rowSumsSql('x')}, ${times}
     FROM (SELECT rowid AS r, rowid // ${blockRows} AS block, ${time ?? 'NULL'} AS t, ${rowNumberSql(input.columns)} AS x FROM ${quoteName(input.table)})
     JOIN part_piece USING (block) WHERE r >= first AND r < past GROUP BY part ORDER BY part`,
  )
  return rows.map((row) => {
    const digest = rowsDigest(input.columns, row)
    const { time_min: min, time_max: max } = row
    const bounds = typeof min === 'string' && typeof max === 'string' ? { timeMinUs: min, timeMaxUs: max } : {}
    return { digest, rows: Number(row['n']), ...bounds }
  })
}

async function writePart(
  { tables, blobs, scratchDirectory }: PartsDeps,
  input: PartsInput,
  { from, to }: RowRange,
): Promise<{ digest: string; bytes: number }> {
  const path = join(scratchDirectory, 'part.parquet')
  const list = input.columns.map(({ name }) => quoteName(name)).join(', ')
  try {
    await tables.run(
      `COPY (SELECT ${list} FROM ${quoteName(input.table)} WHERE rowid >= ${from} AND rowid < ${to}) TO ${literal(path).slice(1, -1)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    return await blobs.putFile(path)
  } finally {
    await rm(path, { force: true })
  }
}

/** The columns to sort by, and then all others, so that equal keys have one order too. */
export const orderOf = (input: Pick<PartsInput, 'columns' | 'timeColumn' | 'keyColumns'>): string => {
  const first = sortColumnsOf(input)
  const rest = input.columns.filter((column) => !first.includes(column))
  return [...first, ...rest].map(({ name }) => `${quoteName(name)} NULLS FIRST`).join(', ')
}

/** Whether the rows of a dataset are put in an order of their own; without one the order of the source is kept. */
export const isSorted = ({ timeColumn, keyColumns }: Pick<Manifest, 'timeColumn' | 'keyColumns'>): boolean =>
  timeColumn !== undefined || keyColumns.length > 0
