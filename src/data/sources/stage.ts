// Reads a source into the table `staged`, typed; every way in which the files can be bad becomes a clear error.
import { DomainError } from '../../platform/errors.ts'
import { namesHint } from '../../platform/near-names.ts'
import { cellText, type Tables } from '../../platform/tables.ts'
import { literal, literalList, quoteName } from '../../platform/tables-sql.ts'
import type { Column, ColumnType } from '../manifest.ts'
import { CsvOptions, type ColumnOverride, type Schema, type SourceFormat } from '../source.ts'
import { castColumn, duckTypeOf, typeOfOverride, type CastColumn, type SourceColumn } from './column-cast.ts'
import type { LocalFile } from './files.ts'
import { assertNoRejects, explain, findMisfit, nameOf, rejectsMax } from './stage-errors.ts'

export interface StageInput {
  readonly format: SourceFormat
  readonly files: readonly LocalFile[]
  readonly csv?: CsvOptions | undefined
  readonly schema: Schema
  /** Of a CSV that we wrote ourselves: all columns, so nothing is inferred; an empty quoted text is a text. */
  readonly written?: readonly Column[] | undefined
  /** Columns that are in UTC already, whatever zone the schema names. */
  readonly zoned?: ReadonlySet<string>
}

const columnsMax = 4_096
/** Rows that types are inferred from; a value that does not fit later is an error with its line. */
const sampleRows = 100_000
const jsonObjectBytesMax = 64 * 2 ** 20
/** DuckDB's candidates less the time of day, which none of our types holds. */
const zonedType = 'TIMESTAMP WITH TIME ZONE'
const textTypes = new Set(['BIGINT', zonedType])
const csvTypes = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP', 'TIMESTAMPTZ', 'VARCHAR']

/**
 * Makes the table `staged` in the order of the source.
 * @throws DomainError csv_malformed, csv_value_type, csv_encoding, json_malformed, parquet_invalid, source_files_differ, source_unreadable,
 *   source_empty, source_too_wide, column_not_found, column_type_unsupported, value_not_of_type, zone_unknown
 */
export async function stageSource(tables: Tables, input: StageInput): Promise<Column[]> {
  await assertZone(tables, input.schema.zone)
  const found = await describe(tables, input)
  assertOverrides(found, input.schema)
  const columns = input.schema.select ?? found.map(({ name }) => name)
  const exact = readingOf(input, { found, columns, isExact: true })
  try {
    await stage(tables, input, exact)
  } catch (error) {
    if (input.format === 'csv') await findRejects(tables, input, readingOf(input, { found, columns, isExact: false }))
    throw await explain(error, { tables, input, ...exact })
  }
  if (input.format === 'csv') await assertNoRejects(tables, input)
  await assertNothingCut(tables, input, { found, columns })
  return exact.casts.map(({ name, type }) => ({ name, type }))
}

/** What a reader drops of a text whose column it takes for days, or for moments without an offset. */
const cutOf: Readonly<Record<string, string>> = {
  DATE: String.raw`[ T]\d{1,2}:\d{2}`,
  TIMESTAMP: String.raw`:\d{2}[^+\-]*([+\-]\d{2}(:?\d{2})?|Z)$`,
}

/**
 * Later rows may say more than those that types were inferred from, and DuckDB's CSV reader then drops it: the time of a day, an offset.
 * @throws DomainError value_not_of_type
 */
async function assertNothingCut(
  tables: Tables,
  input: StageInput,
  { found, columns }: { found: readonly SourceColumn[]; columns: readonly string[] },
): Promise<void> {
  if (input.format !== 'csv' || input.written) return
  const [staged] = await tables.rows('SELECT count(*) AS n FROM staged')
  if (Number(staged!['n']) <= sampleRows) return
  const cuts = found.flatMap(({ name, sourceType }) => {
    const pattern = cutOf[sourceType]
    if (pattern === undefined || name in input.schema.columns || !columns.includes(name)) return []
    return [{ name, sourceType, isCut: `regexp_matches(${quoteName(name)}, '${pattern}')` }]
  })
  if (cuts.length === 0) return
  const texts = new Map(cuts.map(({ name }) => [name, 'VARCHAR']))
  const reader = readerSql(input, texts)
  const [cut] = await tables.rows(
    `SELECT count(*) AS n FROM ${reader} WHERE ${cuts.map(({ isCut }) => isCut).join(' OR ')}`,
  )
  if (cut!['n'] === 0) return
  const casts = cuts.map(({ name, sourceType, isCut }) => ({
    ...castColumn({ name, sourceType }, { zone: 'UTC' }),
    sql: isCut,
    tried: `CASE WHEN ${isCut} THEN NULL ELSE true END`,
  }))
  throw await findMisfit(tables, { input, reader, casts })
}

/** How the source is read, and what is made of each column. */
interface Reading {
  readonly reader: string
  readonly casts: readonly CastColumn[]
}

/**
 * An exact reading reads whole numbers and instants as text and casts them itself, for DuckDB's CSV reader rounds the ones and makes null of
 * the others. The other reading leaves them to the reader, which knows the line of what it refuses.
 */
function readingOf(
  input: StageInput,
  { found, columns, isExact }: { found: readonly SourceColumn[]; columns: readonly string[]; isExact: boolean },
): Reading {
  const { schema } = input
  const types = readTypes(input, found)
  const isText = (name: string): boolean =>
    isExact && input.format !== 'parquet' && !input.written && textTypes.has(types.get(name) ?? '')
  const texts = new Set(columns.filter(isText))
  const casts = columns.map((name) => {
    const override = schema.columns[name] ?? input.written?.find((column) => column.name === name)?.type
    const zone = input.zoned?.has(name) ? 'UTC' : schema.zone
    return castColumn({ name, sourceType: types.get(name)! }, { override, zone, isText: texts.has(name) })
  })
  const said = asked(input, found)
  for (const name of texts) said.set(name, 'VARCHAR')
  // JSON is read with all types or none.
  const all = input.format === 'csv' ? said : new Map([...types, ...said])
  return { reader: readerSql(input, said.size > 0 ? all : undefined), casts }
}

async function stage(tables: Tables, { schema }: StageInput, { reader, casts }: Reading): Promise<void> {
  const list = casts.map(({ name, sql }) => `${sql} AS ${quoteName(name)}`).join(', ')
  // A text that names its offset is an instant; one that does not is in this zone.
  await tables.run(`SET TimeZone = ${literal(schema.zone).slice(1, -1)}`)
  try {
    await tables.run(`CREATE TABLE staged AS SELECT ${list} FROM ${reader}`)
  } finally {
    await tables.run("SET TimeZone = 'UTC'")
  }
}

/** @throws DomainError csv_value_type and the like, if the reader itself refuses a line; any other failure is explained otherwise. */
async function findRejects(tables: Tables, input: StageInput, reading: Reading): Promise<void> {
  await tables.run('DROP TABLE IF EXISTS source_rejects')
  await tables.run('DROP TABLE IF EXISTS source_scans')
  const isRead = await stage(tables, input, reading).then(
    () => true,
    () => false,
  )
  if (isRead) await assertNoRejects(tables, input)
}

async function assertZone(tables: Tables, zone: string): Promise<void> {
  if (zone === 'UTC') return
  const [row] = await tables.rows(`SELECT count(*) AS n FROM pg_timezone_names() WHERE name = ${literal(zone)}`)
  if (row!['n'] === 0)
    throw new DomainError(
      'invalid',
      'zone_unknown',
      `"${zone}" is no time zone: use an IANA name such as Europe/Berlin`,
    )
}

async function describe(tables: Tables, input: StageInput): Promise<SourceColumn[]> {
  try {
    const rows = await tables.rows(`DESCRIBE SELECT * FROM ${readerSql(input)}`)
    const columns = rows.map((row) => ({
      name: cellText(row['column_name']),
      sourceType: cellText(row['column_type']),
    }))
    if (columns.length <= columnsMax) return columns
    throw new DomainError(
      'too_large',
      'source_too_wide',
      `${nameOf(input)} has ${columns.length} columns, at most ${columnsMax} fit: select some`,
    )
  } catch (error) {
    if (error instanceof DomainError) throw error
    throw await explain(error, { tables, input, reader: '', casts: [] })
  }
}

function assertOverrides(found: readonly SourceColumn[], { columns, select }: Schema): void {
  const names = new Set(found.map(({ name }) => name))
  for (const name of [...Object.keys(columns), ...(select ?? [])]) {
    if (names.has(name)) continue
    const message = `the source has no column "${name}": ${namesHint(name, [...names])}`
    throw new DomainError('invalid', 'column_not_found', message, { column: name })
  }
  if (found.every(({ name }) => name === 'json' || name === 'column0') && found.length === 0) {
    throw new DomainError('invalid', 'source_empty', 'the source has no columns')
  }
}

/** The types as the reader gives them: a text format reads an overridden column as the type that it shall have. */
function readTypes(input: StageInput, found: readonly SourceColumn[]): Map<string, string> {
  const types = new Map(found.map(({ name, sourceType }) => [name, sourceType]))
  if (input.format === 'parquet') return types
  for (const [name, type] of asked(input, found)) types.set(name, type)
  return types
}

/** DuckDB's types of the columns whose type is said rather than inferred. Epoch numbers are read as numbers first. */
function asked(input: StageInput, found: readonly SourceColumn[]): Map<string, string> {
  const types = new Map<string, string>()
  for (const { name, type } of input.written ?? []) types.set(name, duckTypeOf[type])
  for (const [name, override] of Object.entries(input.schema.columns))
    types.set(name, readAs(override, input.csv?.timestampFormat ? undefined : sourceTypeOf(found, name)))
  return types
}

const sourceTypeOf = (found: readonly SourceColumn[], name: string): string | undefined =>
  found.find((column) => column.name === name)?.sourceType

/** A TIMESTAMP would drop the offset of a text that names one. */
function readAs(override: ColumnOverride, sourceType: string | undefined): string {
  if (override !== typeOfOverride(override)) return 'DOUBLE'
  if (override === 'timestamp' && (sourceType === zonedType || sourceType === 'VARCHAR')) return zonedType
  return duckTypeOf[override as ColumnType]
}

/** @param types of columns that shall not be inferred. */
function readerSql(input: StageInput, types?: ReadonlyMap<string, string>): string {
  const files = literalList(input.files.map(({ path }) => path))
  switch (input.format) {
    case 'parquet':
      return `read_parquet(${files})`
    case 'csv':
      return `read_csv(${files}, ${csvOptions(input, types)})`
    case 'json':
    case 'ndjson': {
      const known = types ? `, columns = ${typesStruct(types)}` : ''
      const layout = input.format === 'json' ? 'auto' : 'newline_delimited'
      // Depth 2: what is nested inside a field stays JSON text, so that its type cannot differ from row to row.
      const limits = `maximum_depth = 2, sample_size = ${sampleRows}, maximum_object_size = ${jsonObjectBytesMax}`
      return `read_json(${files}, format = '${layout}', ${limits}${known})`
    }
  }
}

function csvOptions(input: StageInput, types: ReadonlyMap<string, string> | undefined): string {
  const csv = input.csv ?? CsvOptions.parse({})
  const options = [
    `header = ${csv.header}`,
    `encoding = ${literal(csv.encoding)}`,
    `sample_size = ${sampleRows}`,
    `auto_type_candidates = ${literalList(csvTypes)}`,
    `store_rejects = true, rejects_limit = ${rejectsMax}, rejects_table = 'source_rejects', rejects_scan = 'source_scans'`,
    `allow_quoted_nulls = ${!input.written}`,
  ]
  if (csv.delimiter !== undefined) options.push(`delim = ${literal(csv.delimiter)}`)
  if (csv.nullValues.length > 0) options.push(`nullstr = ${literalList(['', ...csv.nullValues])}`)
  if (csv.dateFormat !== undefined) options.push(`dateformat = ${literal(csv.dateFormat)}`)
  if (csv.timestampFormat !== undefined) options.push(`timestampformat = ${literal(csv.timestampFormat)}`)
  if (types) options.push(`types = ${typesStruct(types)}`)
  return options.join(', ')
}

const typesStruct = (types: ReadonlyMap<string, string>): string =>
  `{${[...types].map(([name, type]) => `${quoteName(name)}: '${type}'`).join(', ')}}`
