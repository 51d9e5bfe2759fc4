// Rows of a file or of standard input: JSON, one object a line, or CSV. Pure, but for reading it.
import { readFile } from 'node:fs/promises'
import { DomainError, messageOf } from '../platform/errors.ts'

export type InputRow = Readonly<Record<string, unknown>>

/** `-` is standard input, which says what it is by its first character. @throws DomainError file_not_found, rows_malformed */
export async function readRows(source: string): Promise<InputRow[]> {
  const text = await readText(source)
  if (/\.csv$/iv.test(source)) return rowsOfCsv(text)
  if (/\.(?:ndjson|jsonl)$/iv.test(source)) return rowsOfLines(text)
  return rowsOfText(text)
}

/** @throws DomainError file_not_found */
export async function readText(source: string): Promise<string> {
  if (source === '-') {
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  return readFile(source, 'utf8').catch((error: unknown) => {
    throw new DomainError('not_found', 'file_not_found', `${source} cannot be read: ${messageOf(error)}`)
  })
}

const malformed = (message: string): DomainError => new DomainError('invalid', 'rows_malformed', message)

/** A list or an object of JSON, one object a line, or CSV with a header. @throws DomainError rows_malformed */
export function rowsOfText(text: string): InputRow[] {
  const begin = text.trimStart()[0]
  if (begin === '[') return checkedRows(parse(text, 'it'))
  if (begin !== '{') return rowsOfCsv(text)
  try {
    return checkedRows([JSON.parse(text)])
  } catch (error) {
    if (error instanceof DomainError) throw error
    return rowsOfLines(text)
  }
}

/** @throws DomainError rows_malformed */
export const rowsOfLines = (text: string): InputRow[] =>
  checkedRows(text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [parse(line, `line ${at + 1}`)])))

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformed(`${what} is no JSON: ${messageOf(error)}`)
  }
}

function checkedRows(value: unknown): InputRow[] {
  if (!Array.isArray(value)) throw malformed('rows are a list of objects: [{"column": value}]')
  const rows = value as unknown[]
  const wrong = rows.findIndex((row) => typeof row !== 'object' || row === null || Array.isArray(row))
  if (wrong >= 0) throw malformed(`row ${wrong + 1} is no object: {"column": value}`)
  return rows as InputRow[]
}

/** A header, then rows; fields may stand in quotes, and an empty one is missing. @throws DomainError rows_malformed */
export function rowsOfCsv(text: string): InputRow[] {
  const [header, ...records] = csvRecords(text)
  if (!header) throw malformed('there is nothing in it')
  return records.map(({ fields, line }) => {
    if (fields.length !== header.fields.length)
      throw malformed(`line ${line} has ${fields.length} fields, and the header has ${header.fields.length}`)
    return Object.fromEntries(header.fields.map((name, at) => [name, fields[at] === '' ? null : fields[at]]))
  })
}

interface CsvRecord {
  readonly fields: readonly string[]
  /** Where it begins, from 1. */
  readonly line: number
}

function csvRecords(text: string): CsvRecord[] {
  const field = /(?:"(?<quoted>(?:[^"]|"")*)"|(?<plain>[^",\r\n]*))(?<end>,|\r?\n|$)/vy
  const records: CsvRecord[] = []
  let fields: string[] = []
  let line = 1
  let begin = 1
  while (field.lastIndex < text.length) {
    const match = field.exec(text)
    if (!match) throw malformed(`line ${line}: a quote is not closed, or stands within a field`)
    const { quoted, plain = '', end = '' } = match.groups ?? {}
    line += match[0].split('\n').length - 1
    fields.push(quoted?.replaceAll('""', '"') ?? plain)
    if (end === ',' && field.lastIndex < text.length) continue
    if (end === ',') fields.push('')
    if (fields.length > 1 || fields[0] !== '' || quoted !== undefined) records.push({ fields, line: begin })
    fields = []
    begin = line
  }
  return records
}
