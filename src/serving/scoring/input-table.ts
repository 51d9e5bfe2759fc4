// The input of a batch scoring brought into the workspace: any file that data/ reads, as one Parquet file in the same order.
import { rename, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Column } from '../../data/manifest.ts'
import { openSource } from '../../data/source-table.ts'
import { Schema, type ColumnOverride, type Source } from '../../data/source.ts'
import { cellText, openTables, type Tables } from '../../platform/tables.ts'
import { literal } from '../../platform/tables-sql.ts'
import type { Signature, SignatureType } from '../../models/signature.ts'

export interface InputTableOptions {
  readonly memoryLimitBytes: number
  readonly threads: number
  /** Of this job, on a disk that can hold the input once more. */
  readonly scratch: string
  readonly signal: AbortSignal
}

/** What a column of text is read as. A time stays as it is found: models/rows.ts reads all of its forms. */
const overrideOf: Readonly<Record<SignatureType, ColumnOverride | undefined>> = {
  boolean: 'boolean',
  integer: 'integer',
  long: 'integer',
  float: 'double',
  double: 'double',
  string: 'string',
  datetime: undefined,
}

/** Writes `path`, whole or not at all. @throws DomainError as data/source-table.ts `openSource` */
export async function stageInput(
  { input, path }: { input: string; path: string },
  signature: Signature,
  options: InputTableOptions,
): Promise<{ rows: number; columns: Column[] }> {
  const { memoryLimitBytes, threads, scratch, signal } = options
  await using tables = await openTables({ memoryLimitBytes, threads, tempDirectory: scratch, signal })
  const schema = Schema.parse({ columns: await typesOf(tables, input, { signature, scratch }) })
  const source: Source = { kind: 'file', paths: [input] }
  const columns = await openSource({ tables, scratchDirectory: scratch, signal }, { source, schema, table: 'rows' })
  const rows = await tables.run(`COPY (SELECT * FROM rows) TO ${literal(`${path}.part`)} (FORMAT parquet)`)
  await rename(`${path}.part`, path)
  return { rows, columns }
}

/**
 * A CSV has no types: what the model takes is read as it takes it, and all else stays the text that it is (`007`). JSON has types, but would
 * make moments of texts that look like them.
 */
async function typesOf(
  tables: Tables,
  input: string,
  { signature, scratch }: { signature: Signature; scratch: string },
): Promise<Record<string, ColumnOverride>> {
  const format = /\.(?<name>csv|tsv|txt|ndjson|jsonl|json)(?:\.(?:gz|zst))?$/v.exec(input.toLowerCase())
  if (!format) return {}
  const reader = /^(?:csv|tsv|txt)$/v.test(format.groups!['name']!) ? 'csv' : 'json'
  const names = await columnNames(tables, input, { reader, path: join(scratch, `names${format[0]}`) })
  const types: Record<string, ColumnOverride> = {}
  for (const name of names) {
    const type = signature.inputs.find((column) => column.name === name)?.type
    if (reader === 'json' && type !== 'string') continue
    const override = type === undefined ? 'string' : overrideOf[type]
    if (override) types[name] = override
  }
  return types
}

/** None of a file that cannot be read: reading it as a whole says why. */
async function columnNames(
  tables: Tables,
  input: string,
  { reader, path }: { reader: 'csv' | 'json'; path: string },
): Promise<string[]> {
  await symlink(resolve(input), path)
  const options = reader === 'csv' ? ', header = true, all_varchar = true' : ', maximum_depth = 2'
  const rows = await tables.rows(`DESCRIBE SELECT * FROM read_${reader}(${literal(path)}${options})`).catch(() => [])
  return rows.map((row) => cellText(row['column_name']))
}
