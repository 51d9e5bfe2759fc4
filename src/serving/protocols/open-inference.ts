// Open Inference Protocol (V2 over HTTP), requests: JSON, with the tensors in it or as raw bytes after it. A thin translation.
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import { createBodyForms, createKnownTexts, type FormFound } from './body-forms.ts'
import { isJsonObject, parseJsonBody, type JsonObject } from './json-body.ts'
import { parseLenientJson } from './lenient-json.ts'
import { datatypeOf, jsonChecks, shown, tensorInvalid, valuesOfBytes, type TensorValues } from './datatypes.ts'
import {
  assertInBody, countOf, parametersOf, requestParametersOf, wantedOutputsOf, type RequestParameters, type WantedOutput,
} from './open-inference-parameters.ts' // prettier-ignore
import { quoteLongs } from './long-numbers.ts'
import { inputsMax, shapeOf, sizeOf, tensorsOfSignature, type InputTensor } from './tensors.ts'

export interface OpenInferenceRequest extends RequestParameters {
  readonly inputs: readonly InputTensor[]
  /** The caller's own id, echoed. */
  readonly id: string | undefined
  /** Undefined: all of them. */
  readonly outputs: readonly WantedOutput[] | undefined
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

const invalid = (message: string): DomainError => new DomainError('invalid', 'request_invalid', message)

/** Bytes of the body that are JSON, by the header `Inference-Header-Content-Length`. @throws DomainError request_invalid */
export function jsonBytesOf(body: Uint8Array, header: string | string[] | undefined): number {
  if (header === undefined) return body.length
  if (typeof header === 'string' && /^\d{1,15}$/v.test(header) && Number(header) <= body.length) return Number(header)
  const found = String(header).slice(0, 60)
  throw invalid(`Inference-Header-Content-Length must be the bytes of JSON in a body of ${body.length}, not "${found}"`)
}

const nothing = Buffer.alloc(0)

/** A body on its way to tensors. */
interface Source {
  readonly json: Buffer
  /** What follows the JSON; tensors take their bytes in order. */
  readonly raw: Buffer
  rawAt: number
  /** The same JSON with long whole numbers as text, once somebody wants them. */
  exact?: JsonObject
}

/**
 * Names, shapes and datatypes of the tensors; whether the values fit the model is for models/rows.ts to say.
 * @param jsonBytes as {@link jsonBytesOf}
 * @throws DomainError json_invalid, json_too_deep, tensor_invalid, request_invalid, extension_unsupported, rows_too_many
 */
export function readOpenInference(bytes: Buffer, jsonBytes: number): OpenInferenceRequest {
  const isJson = jsonBytes === bytes.length
  const known = isJson ? forms.find(bytes) : undefined
  if (known && known.values.length === known.meaning.size) return ofKnownForm(bytes, known)
  const head = isJson ? undefined : heads.find(bytes, jsonBytes)
  if (head && jsonBytes + head.rawBytes === bytes.length) return ofKnownHead(bytes.subarray(jsonBytes), head)
  const source: Source = {
    json: isJson ? bytes : bytes.subarray(0, jsonBytes),
    raw: isJson ? nothing : bytes.subarray(jsonBytes),
    rawAt: 0,
  }
  const body = parsed(source.json)
  const inputs = isJsonObject(body) ? body['inputs'] : undefined
  if (!isJsonObject(body) || !Array.isArray(inputs) || inputs.length > inputsMax) {
    throw invalid(`the body must be an object with "inputs", a list of at most ${inputsMax} tensors`)
  }
  const id = body['id'] ?? undefined
  if (id !== undefined && typeof id !== 'string') throw invalid(`"id" must be text, not ${shown(id)}`)
  const parameters = requestParametersOf(body)
  const outputs = wantedOutputsOf(body, parameters.isBinary)
  const tensors = inputs.map((tensor: unknown, place) => tensorOf(source, tensor, place))
  if (source.rawAt < source.raw.length) {
    const rest = source.raw.length - source.rawAt
    throw invalid(`${rest} bytes follow the raw tensors: the "binary_data_size" of the inputs sum to ${source.rawAt}`)
  }
  if (!isJson) rememberHead(source, inputs as JsonObject[], { tensors, id, outputs, parameters })
  else if (inputs.length === 1) rememberForm(bytes, listIn(body), { tensor: tensors[0]!, id, outputs, parameters })
  return { inputs: tensors, id, outputs, ...parameters }
}

/** Of a request whose tensors are all raw: all but their values. */
interface Head extends Pick<OpenInferenceRequest, 'id' | 'outputs'> {
  readonly tensors: readonly (Omit<InputTensor, 'values'> & { readonly count: number; readonly bytes: number })[]
  /** Of all of them. */
  readonly rawBytes: number
  readonly parameters: RequestParameters
}

const heads = createKnownTexts<Head>()

function rememberHead(
  { json, rawAt: rawBytes }: Source,
  inputs: readonly JsonObject[],
  { tensors, ...rest }: Omit<Head, 'tensors' | 'rawBytes'> & { tensors: readonly InputTensor[] },
): void {
  const bytes = inputs.map((input, at) => rawBytesOf(tensors[at]!.name, input))
  const raw = tensors.flatMap(({ name, shape, datatype }, at) =>
    bytes[at] === undefined ? [] : [{ name, shape, datatype, count: sizeOf(shape), bytes: bytes[at] }],
  )
  if (raw.length === tensors.length) heads.remember(json, { ...rest, tensors: raw, rawBytes })
}

function ofKnownHead(raw: Buffer, { tensors, id, outputs, parameters }: Head): OpenInferenceRequest {
  let end = 0
  const inputs = tensors.map(({ name, shape, datatype, count, bytes }) => {
    const start = end
    end += bytes
    return { name, shape, datatype, values: valuesOfBytes(name, { datatype, count }, raw.subarray(start, end)) }
  })
  const { isBinary, priority, timeoutMs } = parameters
  return { inputs, id, outputs, isBinary, priority, timeoutMs }
}

/** Of a request with one tensor: all but its values. */
interface Meaning extends Pick<OpenInferenceRequest, 'id' | 'outputs'> {
  readonly tensor: Omit<InputTensor, 'values'>
  /** How many values its shape says. */
  readonly size: number
  readonly parameters: RequestParameters
}

/** The data of the first tensor, or the one row that it is. */
function listIn(body: unknown): unknown {
  const [tensor] = (body as { inputs: readonly JsonObject[] }).inputs
  const data = tensor!['data']
  return Array.isArray(data) && data.length === 1 && Array.isArray(data[0]) ? data[0] : data
}

const forms = createBodyForms<Meaning>({ member: 'data', listIn })

function rememberForm(bytes: Buffer, list: unknown, { tensor, ...rest }: Omit<Meaning, 'size'>): void {
  const { name, shape, datatype } = tensor
  if (!Array.isArray(list)) return
  forms.remember(bytes, list, { ...rest, tensor: { name, shape, datatype }, size: sizeOf(shape) })
}

function ofKnownForm(bytes: Buffer, { meaning, values: data }: FormFound<Meaning>): OpenInferenceRequest {
  const { tensor: { name, shape, datatype }, id, outputs, parameters: { isBinary, priority, timeoutMs } } = meaning // prettier-ignore
  const source = { json: bytes, raw: nothing, rawAt: 0 }
  const values = jsonValues(source, { name, shape, datatype, data, place: 0 })
  return { inputs: [{ name, shape, datatype, values }], id, outputs, isBinary, priority, timeoutMs }
}

/** Python's clients write a bare NaN; strict JSON pays nothing for it. */
function parsed(json: Buffer): unknown {
  try {
    return parseJsonBody(json)
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'json_invalid')) throw error
    return parseLenientJson(json)
  }
}

function tensorOf(source: Source, tensor: unknown, place: number): InputTensor {
  const name = isJsonObject(tensor) ? tensor['name'] : undefined
  if (!isJsonObject(tensor) || typeof name !== 'string') {
    throw invalid('each of "inputs" must be an object with a "name"')
  }
  const shape = shapeOf(name, tensor['shape'])
  const datatype = datatypeOf(name, tensor['datatype'])
  const { data } = tensor
  const rawBytes = rawBytesOf(name, tensor)
  if (rawBytes === undefined) {
    const values = jsonValues(source, { name, shape, datatype, data, place })
    return { name, shape, datatype, values }
  }
  if (data !== undefined) throw tensorInvalid(name, 'has both "data" and "binary_data_size": send one')
  const values = valuesOfBytes(name, { datatype, count: sizeOf(shape) }, takeRaw(source, name, rawBytes))
  return { name, shape, datatype, values }
}

function rawBytesOf(name: string, tensor: JsonObject): number | undefined {
  if (tensor['parameters'] === undefined) return undefined
  const what = `input "${name.slice(0, 100)}"`
  const parameters = parametersOf(tensor, what)
  assertInBody(parameters, what)
  return countOf(parameters, 'binary_data_size', what)
}

function takeRaw(source: Source, name: string, bytes: number): Uint8Array {
  const left = source.raw.length - source.rawAt
  if (bytes > left) throw tensorInvalid(name, `wants ${bytes} raw bytes, and the body has ${left} more`)
  source.rawAt += bytes
  return source.raw.subarray(source.rawAt - bytes, source.rawAt)
}

interface JsonTensor extends Omit<InputTensor, 'values'> {
  readonly data: unknown
  /** Among the inputs. */
  readonly place: number
}

/** The data, flat: it may come nested as its shape says. */
function jsonValues(source: Source, tensor: JsonTensor): TensorValues {
  const { name, shape, datatype, data } = tensor
  const check = jsonChecks[datatype]
  if (!check) throw tensorInvalid(name, `has the datatype ${datatype}, which JSON cannot hold: send it as raw bytes`)
  if (!Array.isArray(data)) throw tensorInvalid(name, 'has no "data", a list of values')
  const values = Array.isArray(data[0]) ? unnested(name, data, shape) : (data as unknown[])
  if (values.length !== sizeOf(shape))
    throw tensorInvalid(name, `has ${values.length} values, and its shape says ${sizeOf(shape)}`)
  for (let at = 0; at < values.length; at++) {
    const value = values[at]
    if (value === null || check(value)) continue
    const isLong = datatype === 'INT64' || datatype === 'UINT64'
    // Beyond 2^53 the number has lost its last digits: the text still has them.
    if (isLong && Number.isInteger(value)) return exactValues(source, tensor, values)
    throw tensorInvalid(name, `is ${shown(value)} in ${placeOf(at, shape)}, which is no ${datatype}`)
  }
  return values
}

/** With bigints for what a double has rounded. @param values as JSON's parser read them */
function exactValues(source: Source, tensor: JsonTensor, values: readonly unknown[]): unknown[] {
  const { name, shape, datatype, place } = tensor
  source.exact ??= parsed(quoteLongs(source.json)) as JsonObject
  const data = (source.exact['inputs'] as readonly JsonObject[])[place]!['data'] as readonly unknown[]
  const texts = Array.isArray(data[0]) ? unnested(name, data, shape) : data
  return values.map((value, at) => {
    const text = texts[at]
    const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value) && typeof text === 'string'
    const exact = isRounded ? BigInt(text) : value
    if (exact === null || jsonChecks[datatype]!(exact)) return exact
    throw tensorInvalid(name, `is ${shown(exact)} in ${placeOf(at, shape)}, which is no ${datatype}`)
  })
}

function unnested(name: string, data: readonly unknown[], shape: readonly number[]): unknown[] {
  const values: unknown[] = []
  const walk = (list: readonly unknown[], dimension: number): void => {
    if (list.length !== shape[dimension]) {
      const message = `has ${list.length} values in a list where its shape ${shown(shape)} says ${shape[dimension]}`
      throw tensorInvalid(name, message)
    }
    const isLast = dimension === shape.length - 1
    for (const item of list) {
      if (Array.isArray(item) === isLast) throw tensorInvalid(name, `is not nested as its shape ${shown(shape)} says`)
      if (isLast) values.push(item)
      else walk(item as unknown[], dimension + 1)
    }
  }
  walk(data, 0)
  return values
}

function placeOf(at: number, shape: readonly number[]): string {
  const width = sizeOf(shape.slice(1))
  const row = Math.floor(at / Math.max(1, width))
  return width > 1 ? `row ${row}, value ${at % width}` : `row ${row}`
}

const rawParameters: RequestParameters = { isBinary: true, priority: 0, timeoutMs: undefined }

/**
 * A body without any JSON: the values of the one input, as many rows as there are; of text, one row. All outputs are raw bytes.
 * @throws DomainError request_invalid, tensor_invalid, rows_too_many
 */
export function readRawInference(body: Buffer, signature: Signature): OpenInferenceRequest {
  const [input, second] = tensorsOfSignature(signature).inputs
  if (!input || second) {
    const count = signature.inputs.length
    throw invalid(`a body without JSON is of a model with one input, and this one has ${count}: name the tensors`)
  }
  const { name, datatype } = input
  const size = valueBytes[datatype]
  const rows = size === undefined ? 1 : body.length / size
  if (!Number.isInteger(rows)) {
    throw tensorInvalid(name, `has ${body.length} bytes, which are no whole number of ${datatype} values`)
  }
  const shape = shapeOf(name, [rows, 1])
  const bytes = size === undefined ? textElement(body) : body
  const values = valuesOfBytes(name, { datatype, count: rows }, bytes)
  return { inputs: [{ name, datatype, shape, values }], id: undefined, outputs: undefined, ...rawParameters }
}

/** Of the datatypes that an input of ours may have; text has no size of its own. */
const valueBytes: Readonly<Record<string, number>> = { BOOL: 1, INT32: 4, INT64: 8, FP32: 4, FP64: 8 }

function textElement(text: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([length, text])
}
