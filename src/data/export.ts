// Rows of a version out of the store: into a file, or a few to look at.
import { z } from 'zod'
import type { BlobStore } from '../platform/blobs.ts'
import { DomainError } from '../platform/errors.ts'
import type { Row, Tables } from '../platform/tables.ts'
import { literal, quoteName } from '../platform/tables-sql.ts'
import type { Manifest } from './manifest.ts'
import { openVersion } from './select.ts'

const ExportFormat = z.enum(['parquet', 'csv', 'ndjson'])
export type ExportFormat = z.infer<typeof ExportFormat>

/** Of DuckDB's COPY. */
export const copyOptions: Readonly<Record<ExportFormat, string>> = {
  parquet: 'FORMAT parquet, COMPRESSION zstd',
  csv: 'FORMAT csv, HEADER',
  ndjson: 'FORMAT json',
}

/** By the file name's end. @throws DomainError export_format */
export function exportFormatOf(path: string): ExportFormat {
  const parsed = ExportFormat.safeParse(/\.(?<end>\w+)$/v.exec(path.toLowerCase())?.groups?.['end'])
  if (parsed.success) return parsed.data
  const message = `"${path}" does not say its format: end it with .parquet, .csv or .ndjson`
  throw new DomainError('invalid', 'export_format', message)
}

export interface RowSelection {
  readonly manifest: Manifest
  /** Made by this stage, such as a split's. */
  readonly condition?: string
}

type Deps = { readonly tables: Tables; readonly blobs: BlobStore }

/** Writes the rows in the order of the version; time stamps are in UTC. Answers how many. @throws DomainError disk_full */
export async function exportRows(
  deps: Deps,
  selection: RowSelection,
  { path, format }: { path: string; format: ExportFormat },
): Promise<number> {
  const rows = await selectSql(deps, selection)
  return deps.tables.run(`COPY (${rows}) TO ${literal(path).slice(1, -1)} (${copyOptions[format]})`)
}

/** The first rows, in the order of the version. */
export async function firstRows(deps: Deps, selection: RowSelection, limit: number): Promise<Row[]> {
  return deps.tables.rows(`${await selectSql(deps, selection)} LIMIT ${limit}`)
}

async function selectSql(deps: Deps, { manifest, condition }: RowSelection): Promise<string> {
  await openVersion(deps, { manifest, view: 'version' })
  const list = manifest.columns.map(({ name }) => quoteName(name)).join(', ')
  return `SELECT ${list} FROM version${condition === undefined ? '' : ` WHERE ${condition}`}`
}
