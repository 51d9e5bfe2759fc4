// Reading a dataset version: as a view over its parts, or its columns as typed arrays.
import type { BlobStore } from '../platform/blobs.ts'
import { DomainError } from '../platform/errors.ts'
import type { Tables } from '../platform/tables.ts'
import type { Columnar } from '../platform/tables-columnar.ts'
import { literal, quoteName } from '../platform/tables-sql.ts'
import type { Column, Manifest, Part } from './manifest.ts'
import { duckTypeOf } from './sources/column-cast.ts'

/** From `fromMs` (inclusive) to `toMs` (exclusive) of the time column, in milliseconds since 1970; an absent end is open. */
export interface TimeRange {
  readonly fromMs?: number
  readonly toMs?: number
}

export interface VersionView {
  readonly manifest: Manifest
  /** The view's name; made by us, never from outside. */
  readonly view: string
  /** Only rows of this time; parts outside of it are not even fetched. Rows without a time are left out. */
  readonly time?: TimeRange
}

/** Makes the view, in the order of the parts. @throws DomainError time_column_missing, blob_not_found, blob_corrupt */
export async function openVersion(
  deps: { tables: Tables; blobs: BlobStore },
  { manifest, view, time }: VersionView,
): Promise<void> {
  const parts = time ? manifest.parts.filter((part) => overlaps(part, time)) : manifest.parts
  const paths = await Promise.all(parts.map(({ blob }) => deps.blobs.localPath(blob)))
  const columns = manifest.columns.map(({ name }) => quoteName(name)).join(', ')
  const rows =
    paths.length > 0
      ? `SELECT ${columns} FROM read_parquet([${paths.map(literal).join(', ')}])`
      : emptySql(manifest.columns)
  const where = time ? ` WHERE ${timeCondition(manifest, time)}` : ''
  await deps.tables.run(`CREATE OR REPLACE TEMP VIEW ${quoteName(view)} AS SELECT * FROM (${rows})${where}`)
}

/** The condition on a row's time column. @throws DomainError time_column_missing */
export function timeCondition({ timeColumn }: Pick<Manifest, 'timeColumn'>, { fromMs, toMs }: TimeRange): string {
  if (timeColumn === undefined)
    throw new DomainError(
      'invalid',
      'time_column_missing',
      'the dataset has no time column: name one when you ingest it',
    )
  const time = quoteName(timeColumn)
  const tests = [`${time} IS NOT NULL`]
  if (fromMs !== undefined) tests.push(`${time} >= ${literal(new Date(fromMs))}`)
  if (toMs !== undefined) tests.push(`${time} < ${literal(new Date(toMs))}`)
  return tests.join(' AND ')
}

function overlaps({ timeMinUs, timeMaxUs }: Part, { fromMs, toMs }: TimeRange): boolean {
  if (timeMinUs === undefined || timeMaxUs === undefined) return false
  return (
    (toMs === undefined || BigInt(timeMinUs) < BigInt(toMs) * 1000n) &&
    (fromMs === undefined || BigInt(timeMaxUs) >= BigInt(fromMs) * 1000n)
  )
}

const emptySql = (columns: readonly Column[]): string =>
  `SELECT ${columns.map(({ name, type }) => `NULL::${duckTypeOf[type]} AS ${quoteName(name)}`).join(', ')} WHERE false`

export interface ReadInput {
  readonly view: string
  /** Those to read, in this order; their types say which array each becomes. */
  readonly columns: readonly Column[]
  /** A condition made by this stage (a split's, a time range's), never text from outside. */
  readonly filter?: string
}

/**
 * The rows in the order of the version. Numbers and booleans become `Float64Array` (NaN is null), strings codes into sorted categories (-1 is
 * null), timestamps and dates microseconds (the least int64 is null).
 */
export async function readColumns(tables: Tables, { view, columns, filter }: ReadInput): Promise<Columnar> {
  const list = columns.map(readSql).join(', ')
  return tables.columnar(`SELECT ${list} FROM ${quoteName(view)}${filter === undefined ? '' : ` WHERE ${filter}`}`)
}

/** Doubles and strings are the types that arrive without an object or a bigint for each value. */
function readSql({ name, type }: Column): string {
  const column = quoteName(name)
  return type === 'integer' || type === 'boolean' ? `${column}::DOUBLE AS ${column}` : column
}
