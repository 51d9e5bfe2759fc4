// Open Inference Protocol (V2, JSON): one input tensor per column in, output tensors out. A thin translation.
import { DomainError } from '../../platform/errors.ts'
import { labelIndex } from '../../models/inference.ts'
import type { ColumnInput } from '../../models/rows.ts'
import type { Signature, SignatureColumn } from '../../models/signature.ts'
import { rowsPerRequestMax } from '../gateway-limits.ts'
import { isJsonObject, type JsonObject } from '../json-body.ts'
import type { AnswerRows, RequestColumns } from '../request-rows.ts'

/** Most tensors of one request: as many as a signature may have inputs. */
const inputsMax = 4096

type Check = (value: unknown) => boolean
const integer =
  (low: number, high: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
const isNumber: Check = (value) => typeof value === 'number'

/** What a value of each datatype may be, beside null, which is a missing value. FP16 has no agreed form in JSON. */
const checks: ReadonlyMap<string, Check> = new Map([
  ['BOOL', (value: unknown) => typeof value === 'boolean' || value === 0 || value === 1],
  ['INT8', integer(-128, 127)],
  ['INT16', integer(-32_768, 32_767)],
  ['INT32', integer(-2_147_483_648, 2_147_483_647)],
  ['INT64', integer(-(2 ** 63), 2 ** 63)],
  ['UINT8', integer(0, 255)],
  ['UINT16', integer(0, 65_535)],
  ['UINT32', integer(0, 4_294_967_295)],
  ['UINT64', integer(0, 2 ** 64)],
  ['FP32', isNumber],
  ['FP64', isNumber],
  ['BYTES', (value: unknown) => typeof value === 'string'],
])

export interface OpenInferenceRequest {
  readonly columns: RequestColumns
  readonly rows: number
  /** The caller's own id, echoed. */
  readonly id: string | undefined
  /** Names of the outputs asked for; undefined: all. */
  readonly outputs: readonly string[] | undefined
}

/**
 * Names, shapes and datatypes of the tensors; whether the values fit the model is for models/rows.ts to say.
 * @throws DomainError tensor_invalid, request_invalid, rows_too_many
 */
export function readOpenInference(body: unknown): OpenInferenceRequest {
  const inputs = isJsonObject(body) ? body['inputs'] : undefined
  if (!isJsonObject(body) || !Array.isArray(inputs) || inputs.length > inputsMax) {
    const message = `the body must be an object with "inputs", a list of at most ${inputsMax} tensors`
    throw new DomainError('invalid', 'request_invalid', message)
  }
  // Without a prototype: an input may be named "constructor".
  const columns = Object.create(null) as Record<string, ColumnInput>
  let rows = -1
  for (const tensor of inputs as unknown[]) {
    const name = isJsonObject(tensor) ? tensor['name'] : undefined
    if (!isJsonObject(tensor) || typeof name !== 'string') {
      throw new DomainError('invalid', 'request_invalid', 'each of "inputs" must be an object with a "name"')
    }
    if (columns[name]) throw tensorInvalid(name, 'stands twice in the request')
    const count = rowsOf(name, tensor)
    if (rows !== -1 && rows !== count)
      throw tensorInvalid(name, `has ${count} rows, and the inputs before it have ${rows}`)
    rows = count
    columns[name] = valuesOf(name, tensor, count)
  }
  const id = typeof body['id'] === 'string' ? body['id'] : undefined
  return { columns, rows: Math.max(rows, 0), id, outputs: outputNames(body['outputs']) }
}

function tensorInvalid(name: string, problem: string): DomainError {
  const input = name.slice(0, 100)
  return new DomainError('invalid', 'tensor_invalid', `input "${input}" ${problem}`, { input })
}

function rowsOf(name: string, { shape }: JsonObject): number {
  const isColumn = Array.isArray(shape) && (shape.length === 1 || (shape.length === 2 && shape[1] === 1))
  const rows: unknown = isColumn ? shape[0] : undefined
  if (typeof rows !== 'number' || !Number.isSafeInteger(rows) || rows < 0) {
    throw tensorInvalid(name, `has the shape ${shown(shape)}; a column has [rows] or [rows, 1]`)
  }
  if (rows <= rowsPerRequestMax) return rows
  const message = `a request may have ${rowsPerRequestMax} rows, this one has ${rows}: send several requests`
  throw new DomainError('too_large', 'rows_too_many', message)
}

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? 'undefined'

/** The data, flat. */
function valuesOf(name: string, { data, datatype }: JsonObject, rows: number): unknown[] {
  const check = typeof datatype === 'string' ? checks.get(datatype) : undefined
  if (!check)
    throw tensorInvalid(name, `has the datatype ${shown(datatype)}; there are ${[...checks.keys()].join(', ')}`)
  if (!Array.isArray(data)) throw tensorInvalid(name, 'has no "data", a list of values')
  if (data.length !== rows) throw tensorInvalid(name, `has ${data.length} values, and its shape says ${rows}`)
  const values = data as unknown[]
  for (let row = 0; row < rows; row++) {
    let value = values[row]
    // Nested data: [rows, 1] as a list of lists of one element.
    if (Array.isArray(value) && value.length === 1) {
      value = value[0]
      values[row] = value
    }
    if (value !== null && !check(value))
      throw tensorInvalid(name, `is ${shown(value)} in row ${row}, which is no ${String(datatype)}`)
  }
  return values
}

function outputNames(outputs: unknown): string[] | undefined {
  if (!Array.isArray(outputs) || outputs.length === 0) return undefined
  return outputs.map((output: unknown) => (isJsonObject(output) ? String(output['name']) : ''))
}

/** What an answer says beside its tensors. */
export interface AnswerFacts {
  readonly endpoint: string
  /** `model/version`. */
  readonly version: string
  readonly predictionId: string
  readonly callerId: string | undefined
}

/** The version as a URL and `model_version` write it: the part after the last slash. */
export const shortVersion = (version: string): string => version.slice(version.lastIndexOf('/') + 1)

/** The JSON answer. @throws DomainError output_unknown */
export function writeOpenInference(
  signature: Signature,
  rows: AnswerRows,
  answer: { facts: AnswerFacts; outputs: readonly string[] | undefined },
): string {
  const { facts, outputs } = answer
  const tensors: string[] = []
  for (const name of outputs ?? outputsOf(signature)) tensors.push(tensorText(rows, name))
  const id = JSON.stringify(facts.callerId ?? facts.predictionId)
  return `{"model_name":${JSON.stringify(facts.endpoint)},"model_version":${JSON.stringify(shortVersion(facts.version))},"id":${id},"parameters":{"prediction_id":"${facts.predictionId}","version":${JSON.stringify(facts.version)}},"outputs":[${tensors.join(',')}]}`
}

const classifierOutputs = ['probabilities', 'label']
const regressionOutputs = ['prediction']
const outputsOf = (signature: Signature): string[] =>
  signature.task === 'regression' ? regressionOutputs : classifierOutputs

/** @throws DomainError output_unknown: asked for before anything runs, so that a wrong name costs nothing. */
export function assertOutputs(signature: Signature, names: readonly string[] | undefined): void {
  const known = outputsOf(signature)
  const unknown = names?.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const message = `the model has no output "${unknown.slice(0, 100)}"; it has ${known.map((name) => `"${name}"`).join(', ')}`
  throw new DomainError('invalid', 'output_unknown', message)
}

function tensorText({ predictions, offset, rows }: AnswerRows, name: string): string {
  const { width, values } = predictions
  let data = ''
  if (name === 'label') {
    for (let row = 0; row < rows; row++) data += `${row === 0 ? '' : ','}${labelIndex(predictions, offset + row)}`
    return `{"name":"label","shape":[${rows}],"datatype":"INT64","data":[${data}]}`
  }
  const start = offset * width
  const end = (offset + rows) * width
  for (let at = start; at < end; at++) data += at === start ? values[at]! : `,${values[at]!}`
  return `{"name":"${name}","shape":[${rows},${width}],"datatype":"FP32","data":[${data}]}`
}

const datatypes: Readonly<Record<SignatureColumn['type'], string>> = {
  boolean: 'BOOL',
  integer: 'INT32',
  long: 'INT64',
  float: 'FP32',
  double: 'FP64',
  string: 'BYTES',
  datetime: 'BYTES',
}

/** Model metadata: names, types and shapes; -1 is any number of rows. */
export function modelMetadata(endpoint: string, signature: Signature, versions: readonly string[]): unknown {
  const classes = signature.classes.length
  return {
    name: endpoint,
    versions: versions.map(shortVersion),
    platform: 'onnx_onnxv1',
    inputs: signature.inputs.map(({ name, type }) => ({ name, datatype: datatypes[type], shape: [-1, 1] })),
    outputs: outputsOf(signature).map((name) => ({
      name,
      datatype: name === 'label' ? 'INT64' : 'FP32',
      shape: name === 'label' ? [-1] : [-1, name === 'prediction' ? 1 : classes],
    })),
  }
}
