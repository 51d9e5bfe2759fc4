// Inference by TensorFlow Serving's REST protocol, which KServe calls V1: rows (`instances`) or columns (`inputs`) in, the same form out.
import { isUtf8 } from 'node:buffer'
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import type { PredictionForm } from '../endpoint-options.ts'
import { isJsonObject } from './json-body.ts'
import type { AnswerRows, ColumnsByName, NamedRows } from './request-rows.ts'
import {
  assertSameNames,
  columnsOfLists,
  columnsOfObject,
  columnsOfRecords,
  inputNames,
  inputsByName,
  invalidRows,
  isListOfOne,
  shortName,
  timesAsNumbers,
} from './json-rows.ts'
import { labelTexts, predictionTexts, probabilityTexts } from './predictions.ts'

export interface V1Request extends NamedRows {
  /** Answered in the layout that was asked in. */
  readonly layout: 'rows' | 'columns'
  /** As `signature_name` says; undefined: the default signature. */
  readonly form: PredictionForm | undefined
}

const unknown = 'refuse'

/** @throws DomainError request_invalid, rows_too_many, input_column_unknown, input_value, signature_unknown */
export function readV1(body: unknown, signature: Signature): V1Request {
  if (!isJsonObject(body) || 'instances' in body === 'inputs' in body) {
    throw invalidRows('the body must be an object with either "instances" (rows) or "inputs" (columns)')
  }
  const form = formOf(body['signature_name'], signature)
  const isRows = 'instances' in body
  const { columns, rows } = isRows ? rowsOf(body['instances'], signature) : columnsOf(body['inputs'], signature)
  unwrapCells(columns, signature)
  return { columns, rows, layout: isRows ? 'rows' : 'columns', form }
}

const forms: Readonly<Record<string, PredictionForm>> = {
  predict: 'labels',
  predict_proba: 'probabilities',
  records: 'records',
}
export const defaultSignature = 'serving_default'

/** The names that `signature_name` may have. */
export const signatureNames = ({ task }: Signature): string[] => [
  defaultSignature,
  ...Object.keys(forms).filter((name) => task !== 'regression' || name !== 'predict_proba'),
]

function formOf(name: unknown, signature: Signature): PredictionForm | undefined {
  if (name === undefined || name === null || name === '' || name === defaultSignature) return undefined
  const names = signatureNames(signature)
  if (typeof name === 'string' && names.includes(name)) return forms[name]
  const shown = typeof name === 'string' ? `"${shortName(name)}"` : 'of that type'
  const message = `the model has no signature ${shown}: it has ${names.join(', ')}`
  throw new DomainError('invalid', 'signature_unknown', message)
}

function rowsOf(instances: unknown, signature: Signature): NamedRows {
  if (!Array.isArray(instances)) throw invalidRows('"instances" must be a list, a row each')
  const [first] = instances as unknown[]
  const names = inputNames(signature)
  if (!isRecord(first)) return columnsOfLists(instances, { names, signature, unknown })
  assertSameNames(instances)
  const matrix = matrixName(Object.keys(first), signature)
  if (matrix === undefined) return columnsOfRecords(instances, { signature, unknown })
  const rows = (instances as Record<string, unknown>[]).map((row) => row[matrix])
  return columnsOfLists(rows, { names, signature, unknown })
}

/** `{"b64": …}` is a value. */
const isRecord = (row: unknown): row is Readonly<Record<string, unknown>> => isJsonObject(row) && !isBase64(row)

/** One name alone that is none of the columns: all of them in a row, in the order of the signature, as Keras models take them. */
const matrixName = (keys: readonly string[], signature: Signature): string | undefined =>
  keys.length === 1 && signature.inputs.length > 1 && !inputsByName(signature).has(keys[0]!) ? keys[0] : undefined

function columnsOf(inputs: unknown, signature: Signature): NamedRows {
  const names = inputNames(signature)
  if (Array.isArray(inputs)) return columnsOfLists(inputs, { names, signature, unknown })
  if (!isJsonObject(inputs)) throw invalidRows('"inputs" must be an object of columns, or the values of the only one')
  if (isBase64(inputs)) return columnsOfLists([inputs], { names, signature, unknown })
  const matrix = matrixName(Object.keys(inputs), signature)
  const rows = matrix === undefined ? undefined : inputs[matrix]
  if (Array.isArray(rows)) return columnsOfLists(rows, { names, signature, unknown })
  return columnsOfObject(inputs, { signature, unknown })
}

/** Lists of one value and base64 within cells become the value. Columns are the request's own: nobody else holds them. */
function unwrapCells(columns: ColumnsByName, { inputs }: Signature): void {
  for (const { name, type } of inputs) {
    const cells = columns[name] as unknown[] | undefined
    if (!cells) continue
    if (type === 'datetime') timesAsNumbers(cells)
    for (let row = 0; row < cells.length; row++) {
      let cell = cells[row]
      if (typeof cell !== 'object' || cell === null) continue
      if (isListOfOne(cell)) cell = cell[0]
      cells[row] = isBase64(cell) ? textOfBase64(cell.b64, { name, row }) : cell
    }
  }
}

const isBase64 = (value: unknown): value is { readonly b64: string } =>
  isJsonObject(value) && typeof value['b64'] === 'string' && Object.keys(value).length === 1

function textOfBase64(base64: string, { name, row }: { name: string; row: number }): string {
  const bytes = Buffer.from(base64, 'base64')
  const problem = bytes.toString('base64') === base64 ? 'is base64 of bytes that are no UTF-8 text' : 'is no base64'
  if (problem !== 'is no base64' && isUtf8(bytes)) return bytes.toString('utf8')
  const message = `column "${shortName(name)}", row ${row}: "b64" ${problem}`
  throw new DomainError('invalid', 'input_value', message, { column: shortName(name), row })
}

/** Outputs by name where there are several, as TensorFlow Serving does; one alone without its name. */
export function writeV1(
  answer: AnswerRows,
  signature: Signature,
  { layout, form }: { layout: V1Request['layout']; form: PredictionForm },
): string {
  const isAlone = form !== 'records' || signature.task === 'regression'
  if (layout === 'columns' && !isAlone) {
    const probabilities = probabilityTexts(answer).join(',')
    return `{"outputs":{"probabilities":[${probabilities}],"label":[${labelTexts(answer, signature).join(',')}]}}`
  }
  const texts = predictionTexts(answer, signature, signature.task === 'regression' ? 'labels' : form).join(',')
  return layout === 'rows' ? `{"predictions":[${texts}]}` : `{"outputs":[${texts}]}`
}
