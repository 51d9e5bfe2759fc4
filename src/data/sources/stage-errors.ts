// Every way in which the files of a source can be bad, as a clear error.
import { DomainError, messageOf } from '../../platform/errors.ts'
import { cellText, type Tables } from '../../platform/tables.ts'
import { quoteName } from '../../platform/tables-sql.ts'
import type { ColumnType } from '../manifest.ts'
import type { SourceFormat } from '../source.ts'
import type { CastColumn } from './column-cast.ts'
import type { LocalFile } from './files.ts'

/** Lines that the CSV reader remembers as refused. */
export const rejectsMax = 1_000
const samplesShown = 5

/** Of what is staged, as far as a message needs it. */
interface BadSource {
  readonly format: SourceFormat
  readonly files: readonly LocalFile[]
}

/** Rows that the CSV reader could not take, told with their lines. */
export async function assertNoRejects(tables: Tables, input: BadSource): Promise<void> {
  const [total] = await tables.rows(
    'SELECT count(*) AS n, count(DISTINCT (file_id, line)) AS lines FROM source_rejects',
  )
  const count = Number(total!['lines'])
  if (count === 0) return
  // A line may be refused for several reasons; the first is told.
  const rejects = await tables.rows(
    `SELECT r.line, r.column_name, r.error_type::VARCHAR AS kind, r.csv_line[1:120] AS text, r.error_message AS why, s.file_path
     FROM source_rejects r JOIN source_scans s USING (scan_id, file_id)
     QUALIFY row_number() OVER (PARTITION BY s.file_path, r.line ORDER BY r.column_idx) = 1 ORDER BY s.file_path, r.line LIMIT ${samplesShown}`,
  )
  const first = rejects[0]!
  const file = input.files.find(({ path }) => path === first['file_path'])?.name ?? nameOf(input)
  const samples = rejects.map((reject) => ({ line: reject['line'], text: reject['text'], why: reject['why'] }))
  const lines = rejects.map((reject) => cellText(reject['line'])).join(', ')
  const counted = Number(total!['n']) >= rejectsMax ? `at least ${count}` : cellText(count)
  const where = `"${file}" has ${counted} bad line${count === 1 ? '' : 's'} (${lines}${count > rejects.length ? ', …' : ''})`
  const detail = { file, count, samples }
  if (first['kind'] === 'INVALID ENCODING') {
    const advice = 'it is not UTF-8: convert it, or say csv.encoding (latin-1, utf-16)'
    throw new DomainError('invalid', 'csv_encoding', `${where}: ${advice}`, detail)
  }
  if (first['kind'] === 'CAST') {
    const column = cellText(first['column_name'])
    const message = `${where}: ${cellText(first['why'])}; mend the line, or set the type of column "${column}" to string`
    throw new DomainError('invalid', 'csv_value_type', message, { ...detail, column })
  }
  throw new DomainError(
    'invalid',
    'csv_malformed',
    `${where}: ${cellText(first['why'])}; mend the lines, or name the delimiter`,
    detail,
  )
}

interface Failure {
  readonly tables: Tables
  readonly input: BadSource
  readonly reader: string
  readonly casts: readonly CastColumn[]
}

/** What DuckDB could not read, in our words. */
export async function explain(error: unknown, { tables, input, reader, casts }: Failure): Promise<unknown> {
  if (error instanceof DomainError) return error
  const text = messageOf(error).split('\n')[0]!
  const file = input.files.find(({ path }) => text.includes(path))?.name ?? nameOf(input)
  const shown = input.files.reduce((message, link) => message.replaceAll(link.path, link.name), text)
  if (/schema mismatch|contains column|mismatch between/iv.test(text)) {
    return new DomainError(
      'invalid',
      'source_files_differ',
      `the files have different columns: ${shown}; read them apart, or select common columns`,
    )
  }
  const misfit = /conversion error|cast|failed to parse/iv.test(text)
    ? await findMisfit(tables, { input, reader, casts })
    : undefined
  if (misfit) return misfit
  switch (input.format) {
    case 'parquet':
      return new DomainError(
        'invalid',
        'parquet_invalid',
        `"${file}" cannot be read as Parquet: ${shown}; fetch or write it again`,
        { file },
      )
    case 'json':
    case 'ndjson':
      return new DomainError(
        'invalid',
        'json_malformed',
        `"${file}" cannot be read as JSON: ${shown}; mend it, or set the column's type to string`,
        { file },
      )
    case 'csv':
      return new DomainError('invalid', 'source_unreadable', `"${file}" cannot be read as CSV: ${shown}`, { file })
  }
}

const widerThan: Readonly<Partial<Record<ColumnType, string>>> = {
  integer: 'double or string',
  date: 'timestamp or string',
}

/** The first values that a cast refuses, by column; for formats whose reader has no rejects of its own. */
export async function findMisfit(
  tables: Tables,
  { input, reader, casts }: Omit<Failure, 'tables'>,
): Promise<DomainError | undefined> {
  if (reader === '') return undefined
  for (const { name, type, tried } of casts.filter((cast) => cast.sql !== quoteName(cast.name))) {
    const query = `SELECT n, CAST(v AS VARCHAR) AS v FROM (SELECT row_number() OVER () AS n, ${quoteName(name)} AS v, ${tried} AS c FROM ${reader}) WHERE v IS NOT NULL AND c IS NULL LIMIT ${samplesShown}`
    const rows = await tables.rows(query).catch(() => [])
    if (rows.length === 0) continue
    const samples = rows.map((row) => ({ row: row['n'], value: row['v'] }))
    const message = `column "${name}" cannot be read as ${type}: row ${cellText(rows[0]!['n'])} of ${nameOf(input)} holds "${cellText(rows[0]!['v'])}"; mend it, or set the type to ${widerThan[type] ?? 'string'}`
    return new DomainError('invalid', 'value_not_of_type', message, { column: name, samples })
  }
  return undefined
}

export const nameOf = ({ files }: BadSource): string =>
  files.length === 1 ? `"${files[0]!.name}"` : `"${files[0]!.name}" and ${files.length - 1} more files`
