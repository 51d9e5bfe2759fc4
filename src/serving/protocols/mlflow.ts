// MLflow's scoring protocol (JSON): its four ways to write a table in, `predictions` out. A thin translation.
import { DomainError } from '../../platform/errors.ts'
import { labelIndex } from '../../models/inference.ts'
import type { ColumnInput } from '../../models/rows.ts'
import type { Signature } from '../../models/signature.ts'
import { rowsPerRequestMax } from '../gateway-limits.ts'
import { isJsonObject, type JsonObject } from '../json-body.ts'
import type { AnswerRows, RequestColumns } from '../request-rows.ts'

const formats = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const
type Format = (typeof formats)[number]
const besides = new Set(['params', 'signature_name'])

export interface InvocationRequest {
  readonly columns: RequestColumns
  readonly rows: number
  /** `params: {"predict_method": "predict_proba"}` answers probabilities instead of labels. */
  readonly wantsProbabilities: boolean
}

const invalid = (message: string): DomainError => new DomainError('invalid', 'request_invalid', message)

/** The value of a column by row; undefined is missing. */
type ColumnReader = (name: string) => (row: number) => unknown

interface Table {
  readonly rows: number
  readonly names: readonly string[]
  readonly column: ColumnReader
}

/** @throws DomainError request_invalid, rows_too_many */
export function readInvocation(body: unknown, signature: Signature): InvocationRequest {
  const format = isJsonObject(body) ? formatOf(body) : undefined
  if (!isJsonObject(body) || !format) {
    throw invalid(`The input must be a JSON dictionary with exactly one of the input fields ${formats.join(', ')}`)
  }
  const table = tableOf(format, body[format], signature)
  if (table.rows > rowsPerRequestMax) {
    const message = `a request may have ${rowsPerRequestMax} rows, this one has ${table.rows}: send several requests`
    throw new DomainError('too_large', 'rows_too_many', message)
  }
  const params = body['params']
  const method = isJsonObject(params) ? params['predict_method'] : undefined
  return { columns: columnsOf(table), rows: table.rows, wantsProbabilities: method === 'predict_proba' }
}

function formatOf(body: JsonObject): Format | undefined {
  const found = formats.filter((format) => format in body)
  const extra = Object.keys(body).find((key) => !besides.has(key) && !(formats as readonly string[]).includes(key))
  if (extra !== undefined) throw invalid(`unknown field "${extra.slice(0, 100)}" beside the input`)
  return found.length === 1 ? found[0] : undefined
}

function columnsOf({ rows, names, column }: Table): RequestColumns {
  // Without a prototype: a column may be named "constructor".
  const columns = Object.create(null) as Record<string, ColumnInput>
  for (const name of names) {
    const read = column(name)
    columns[name] = Array.from({ length: rows }, (_, row) => read(row))
  }
  return columns
}

function tableOf(format: Format, value: unknown, signature: Signature): Table {
  switch (format) {
    case 'dataframe_split':
      return splitTable(value, signature)
    case 'dataframe_records':
      if (!Array.isArray(value)) {
        throw invalid('Dataframe records format must be a list of records. Got dictionary.')
      }
      return recordTable(value)
    case 'instances':
      if (!Array.isArray(value)) throw invalid('"instances" must be a list, a row each')
      return value.length > 0 && isJsonObject(value[0]) ? recordTable(value) : rowTable(value, signature)
    case 'inputs':
      return inputsTable(value, signature)
  }
}

function splitTable(value: unknown, signature: Signature): Table {
  if (!isJsonObject(value)) {
    throw invalid(`Dataframe split format must be a dictionary. Got ${Array.isArray(value) ? 'list' : typeof value}`)
  }
  const { columns, data } = value
  const extra = Object.keys(value).find((key) => !['columns', 'index', 'data'].includes(key))
  const isFrame = Array.isArray(data) && (columns === undefined || Array.isArray(columns)) && extra === undefined
  if (!isFrame)
    throw invalid(
      'Provided dataframe_split field is not a valid dataframe representation: it has columns, index and data',
    )
  const names =
    columns === undefined ? signature.inputs.map((column) => column.name) : (columns as unknown[]).map(String)
  if (new Set(names).size !== names.length) throw invalid('dataframe_split names a column twice')
  return positionTable(data as unknown[], names)
}

const rowTable = (rows: unknown[], signature: Signature): Table =>
  positionTable(
    signature.inputs.length === 1 ? rows.map((row) => (Array.isArray(row) ? (row as unknown) : [row])) : rows,
    signature.inputs.map((column) => column.name),
  )

/** Rows are lists, in the order of the names. */
function positionTable(rows: unknown[], names: readonly string[]): Table {
  rows.forEach((row, at) => {
    if (Array.isArray(row) && row.length === names.length) return
    throw invalid(`row ${at} must be a list of ${names.length} values: ${names.slice(0, 20).join(', ')}`)
  })
  const column: ColumnReader = (name) => {
    const place = names.indexOf(name)
    return (row) => (rows[row] as unknown[])[place]
  }
  return { rows: rows.length, names, column }
}

/** Rows are objects; a key that only some have is missing in the others. */
function recordTable(rows: unknown[]): Table {
  const names = new Set<string>()
  rows.forEach((row, at) => {
    if (!isJsonObject(row)) throw invalid(`row ${at} must be a record: {"column": value, …}`)
    for (const name in row) names.add(name)
  })
  const column: ColumnReader = (name) => (row) => {
    const record = rows[row] as JsonObject
    return Object.hasOwn(record, name) ? record[name] : undefined
  }
  return { rows: rows.length, names: [...names], column }
}

/** Columns by name, a list of records, or one list for a model of one input. */
function inputsTable(value: unknown, signature: Signature): Table {
  if (Array.isArray(value))
    return value.length > 0 && isJsonObject(value[0]) ? recordTable(value) : rowTable(value, signature)
  if (!isJsonObject(value)) throw invalid('"inputs" must be a dictionary of columns or a list of rows')
  const columns = new Map<string, unknown[]>()
  let rows = 0
  for (const [name, cells] of Object.entries(value)) {
    const list = Array.isArray(cells) ? (cells as unknown[]) : [cells]
    if (columns.size > 0 && list.length !== rows)
      throw invalid(`column "${name.slice(0, 100)}" has ${list.length} rows, and the columns before it have ${rows}`)
    rows = list.length
    columns.set(name, list)
  }
  const column: ColumnReader = (name) => {
    const cells = columns.get(name) ?? []
    return (row) => {
      const cell = cells[row]
      return Array.isArray(cell) && cell.length === 1 ? (cell as unknown[])[0] : cell
    }
  }
  return { rows, names: [...columns.keys()], column }
}

const wholeNumber = /^(?:0|-?[1-9]\d{0,14})$/v

/** The JSON answer: the predicted class or value of each row, or its probabilities. Class names that are whole numbers are written as such. */
export function writeInvocation(signature: Signature, answer: AnswerRows, wantsProbabilities: boolean): string {
  const { predictions, offset, rows } = answer
  const { values, width } = predictions
  const { classes, task } = signature
  const areNumbers = classes.every((name) => wholeNumber.test(name))
  const written = Array.from({ length: rows }, (_, at) => {
    const row = offset + at
    if (task === 'regression') return values[row]!
    if (wantsProbabilities) return Array.from(values.subarray(row * width, (row + 1) * width))
    const name = classes[labelIndex(predictions, row)]!
    return areNumbers ? Number(name) : name
  })
  return JSON.stringify({ predictions: written })
}
