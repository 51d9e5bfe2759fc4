// Open Inference Protocol (V2, JSON): named tensors in, output tensors out. A thin translation.
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import { isJsonObject, type JsonObject } from '../json-body.ts'
import type { AnswerRows } from '../request-rows.ts'
import { datatypeOf, jsonChecks, shown, tensorInvalid } from './datatypes.ts'
import { inputsMax, outputsOf, outputTensor, shapeOf, sizeOf, tensorsOfSignature, type InputTensor } from './tensors.ts'

export interface OpenInferenceRequest {
  readonly inputs: readonly InputTensor[]
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
  const id = typeof body['id'] === 'string' ? body['id'] : undefined
  return { inputs: inputs.map(tensorOf), id, outputs: outputNames(body['outputs']) }
}

function tensorOf(tensor: unknown): InputTensor {
  const name = isJsonObject(tensor) ? tensor['name'] : undefined
  if (!isJsonObject(tensor) || typeof name !== 'string') {
    throw new DomainError('invalid', 'request_invalid', 'each of "inputs" must be an object with a "name"')
  }
  const shape = shapeOf(name, tensor['shape'])
  const datatype = datatypeOf(name, tensor['datatype'])
  return { name, datatype, shape, values: valuesOf(name, tensor, { shape, datatype }) }
}

/** The data, flat: it may come nested. */
function valuesOf(
  name: string,
  { data }: JsonObject,
  { shape, datatype }: Pick<InputTensor, 'shape' | 'datatype'>,
): unknown[] {
  const check = jsonChecks[datatype]
  if (!check) throw tensorInvalid(name, `has the datatype ${datatype}, which JSON cannot hold: send it as raw bytes`)
  if (!Array.isArray(data)) throw tensorInvalid(name, 'has no "data", a list of values')
  const isNested = data.length > 0 && Array.isArray(data[0])
  const values = isNested ? (data as unknown[]).flat(Math.max(1, shape.length - 1)) : (data as unknown[])
  if (values.length !== sizeOf(shape))
    throw tensorInvalid(name, `has ${values.length} values, and its shape says ${sizeOf(shape)}`)
  for (let at = 0; at < values.length; at++) {
    const value = values[at]
    if (value !== null && !check(value))
      throw tensorInvalid(name, `is ${shown(value)} in ${placeOf(at, shape)}, which is no ${datatype}`)
  }
  return values
}

function placeOf(at: number, shape: readonly number[]): string {
  const width = sizeOf(shape.slice(1))
  const row = Math.floor(at / Math.max(1, width))
  return width > 1 ? `row ${row}, value ${at % width}` : `row ${row}`
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

function tensorText(rows: AnswerRows, name: string): string {
  const { datatype, shape, values } = outputTensor(rows, name)
  let data = ''
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!
    data += `${at === 0 ? '' : ','}${typeof value === 'string' ? JSON.stringify(value) : value}`
  }
  return `{"name":"${name}","shape":[${shape.join(',')}],"datatype":"${datatype}","data":[${data}]}`
}

/** Model metadata: names, types and shapes; -1 is any number of rows. */
export function modelMetadata(endpoint: string, signature: Signature, versions: readonly string[]): unknown {
  return {
    name: endpoint,
    versions: versions.map(shortVersion),
    platform: 'onnx_onnxv1',
    ...tensorsOfSignature(signature),
  }
}
