// MLflow's scoring protocol: a table in one of four JSON formats or as CSV in, `predictions` out. A thin translation.
import type { Signature, SignatureType } from '../../models/signature.ts'
import type { PredictionForm } from '../endpoint-options.ts'
import { rowsPerRequestMax } from '../contract/gateway-limits.ts'
import { isJsonObject, type JsonObject } from './json-body.ts'
import type { AnswerRows, ColumnsByName, NamedRows } from './request-rows.ts'
import { readCsv } from './csv.ts'
import {
  assertSameNames,
  columnsOfLists,
  columnsOfObject,
  columnsOfRecords,
  complete,
  inputNames,
  inputsByName,
  invalidRows,
  shortName,
  timesAsNumbers,
} from './json-rows.ts'
import { predictionTexts } from './predictions.ts'
import { valueOfText } from './text-values.ts'

/** The release of MLflow whose scoring server answers the same. */
export const scoringRelease = '3.17.2'

const formats = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const
type Format = (typeof formats)[number]

export interface InvocationRequest extends NamedRows {
  /** As `params.predict_method` says; undefined: it does not. */
  readonly form: PredictionForm | undefined
}

/** As MLflow's scoring server does, what is no input of the model is ignored. */
const unknown = 'ignore'

/** @throws DomainError request_invalid, rows_too_many */
export function readInvocation(body: unknown, signature: Signature): InvocationRequest {
  if (!isJsonObject(body)) throw wrongInput(Array.isArray(body) ? 'a list' : typeof body)
  const { columns, rows } = tableOf(formatOf(body), body, signature)
  castCells(columns, signature)
  return { columns, rows, form: formOf(body['params'], signature) }
}

function wrongInput(found: string): Error {
  return invalidRows(
    `The input must be a JSON dictionary with exactly one of the input fields ${formats.join(', ')}. Received ${found}`,
  )
}

/** Other fields beside it are ignored, as MLflow does. */
function formatOf(body: JsonObject): Format {
  let found: Format | undefined
  for (const format of formats) {
    if (!(format in body)) continue
    if (found) throw wrongInput(`${found} and ${format}`)
    found = format
  }
  if (found) return found
  throw wrongInput(`a dictionary with the fields ${Object.keys(body).slice(0, 10).map(shortName).join(', ') || 'none'}`)
}

function tableOf(format: Format, body: JsonObject, signature: Signature): NamedRows {
  const value = body[format]
  switch (format) {
    case 'dataframe_split':
      return splitTable(value, signature)
    case 'dataframe_records': {
      const type = isJsonObject(value) ? 'dictionary' : `type ${typeof value}`
      if (!Array.isArray(value)) throw invalidRows(`Dataframe records format must be a list of records. Got ${type}.`)
      return columnsOfRecords(value, { signature, unknown })
    }
    case 'instances':
      if (!Array.isArray(value)) throw invalidRows('"instances" must be a list, a row each')
      if (isJsonObject(value[0])) assertSameNames(value)
      return listTable(value, signature)
    case 'inputs':
      if (Array.isArray(value)) return listTable(value, signature)
      if (isJsonObject(value)) return columnsOfObject(value, { signature, unknown })
      throw invalidRows('"inputs" must be a dictionary of columns or a list of rows')
  }
}

function splitTable(value: unknown, signature: Signature): NamedRows {
  if (!isJsonObject(value)) {
    const type = Array.isArray(value) ? 'list' : `type ${typeof value}`
    throw invalidRows(`Dataframe split format must be a dictionary. Got ${type}.`)
  }
  const { columns, data } = value
  const keys = Object.keys(value)
  if (!('data' in value) || keys.some((key) => key !== 'columns' && key !== 'index' && key !== 'data')) {
    const got = keys.slice(0, 10).map(shortName).join(', ')
    throw invalidRows(
      `Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. Got ${got}.`,
    )
  }
  const hasNames = columns !== undefined && columns !== null
  if (!Array.isArray(data) || (hasNames && !Array.isArray(columns))) {
    throw invalidRows(
      "Provided dataframe_split field is not a valid dataframe representation in 'split' format: columns and data are lists",
    )
  }
  const names = hasNames ? (columns as unknown[]).map(columnName) : inputNames(signature)
  return columnsOfLists(data, { names, signature, unknown })
}

/** A number is one too, as pandas names columns that have no names. */
function columnName(name: unknown): string {
  if (typeof name === 'string') return name
  if (typeof name === 'number' || typeof name === 'bigint') return String(name)
  throw invalidRows(
    'Provided dataframe_split field is not a valid dataframe representation: a column is named by a text',
  )
}

const listTable = (rows: readonly unknown[], signature: Signature): NamedRows =>
  rows.length > 0 && isJsonObject(rows[0])
    ? columnsOfRecords(rows, { signature, unknown })
    : columnsOfLists(rows, { names: inputNames(signature), signature, unknown })

/** Numbers that came as texts, and flags in columns of numbers: what pandas would cast. Columns are the request's own. */
function castCells(columns: ColumnsByName, signature: Signature): void {
  for (const { name, type } of signature.inputs) {
    const values = columns[name] as unknown[] | undefined
    if (values === undefined || type === 'string') continue
    if (type === 'datetime') {
      timesAsNumbers(values)
      continue
    }
    for (let row = 0; row < values.length; row++) {
      const value = values[row]
      if (typeof value === 'string') values[row] = valueOfText(value, type)
      else if (typeof value === 'boolean' && type !== 'boolean') values[row] = Number(value)
    }
  }
}

const methods: Readonly<Record<string, PredictionForm>> = {
  predict: 'labels',
  predict_proba: 'probabilities',
  records: 'records',
}

function formOf(params: unknown, { task }: Signature): PredictionForm | undefined {
  if (!isJsonObject(params)) return undefined
  const method = params['predict_method']
  if (method === undefined || method === null) return undefined
  const form = typeof method === 'string' && Object.hasOwn(methods, method) ? methods[method] : undefined
  if (!form) {
    const shown = typeof method === 'string' ? `"${shortName(method)}"` : 'this'
    throw invalidRows(`there is no predict_method ${shown}: there are ${Object.keys(methods).join(', ')}`)
  }
  if (form === 'probabilities' && task === 'regression') {
    throw invalidRows('the model is a regression and has no probabilities: leave predict_method out')
  }
  return form
}

/**
 * The types are the signature's: a text of digits in a column of texts stays one. An empty field is a missing value.
 * @throws DomainError request_invalid, rows_too_many
 */
export function readCsvInvocation(text: string, signature: Signature): NamedRows {
  const inputs = inputsByName(signature)
  const table = readCsv(text, { isWanted: (name) => inputs.has(name), rowsMax: rowsPerRequestMax })
  const columns = Object.create(null) as Record<string, unknown[]>
  for (const [name, texts] of table.columns) columns[name] = valuesOf(texts, inputs.get(name)!.type)
  return complete({ columns, rows: table.rows }, signature)
}

const valuesOf = (texts: readonly (string | undefined)[], type: SignatureType): unknown[] =>
  texts.map((text) => (text === undefined || text === '' ? undefined : valueOfText(text, type)))

/** The JSON answer. */
export const writeInvocation = (signature: Signature, answer: AnswerRows, form: PredictionForm): string =>
  `{"predictions":[${predictionTexts(answer, signature, form).join(',')}]}`
