// ModelInferRequest and ModelInferResponse of `inference.GRPCInferenceService`: bytes to tensors and back. A thin translation. Pure.
import { WireType, type BinaryReader, type BinaryWriter } from '@bufbuild/protobuf/wire'
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import type { AnswerRows } from './request-rows.ts'
import { datatypeOf } from './datatypes.ts'
import { rawOf, valuesOfContents, valuesOfRaw, writeContents, type TensorHead } from './grpc-tensors.ts'
import {
  frameOf,
  nestedEnd,
  readFields,
  reading,
  readText,
  writeFlag,
  writeNested,
  writeSizes,
  writeText,
} from './grpc-wire.ts'
import type { JsonObject } from './json-body.ts'
import { likeliest, type AnswerTensor } from './open-inference-answer.ts'
import {
  assertInBody,
  requestParametersOf,
  wantedOutputsOf,
  type RequestParameters,
  type WantedOutput,
} from './open-inference-parameters.ts'
import { shortVersion, type AnswerFacts } from './open-inference.ts'
import { inputsMax, outputsOf, outputTensor, shapeOf, type InputTensor } from './tensors.ts'

export interface GrpcInferRequest extends Omit<RequestParameters, 'isBinary'> {
  readonly model: string
  /** Undefined: the champion's. */
  readonly version: string | undefined
  /** The caller's own id, echoed; empty: none. */
  readonly id: string
  readonly inputs: readonly InputParts[]
  readonly raw: readonly Uint8Array[]
  /** Undefined: all. */
  readonly outputs: readonly WantedOutput[] | undefined
}

/** InferParameters by name, as JSON has them: the rules for both are the same. */
type Parameters = Record<string, boolean | number | string>
const newParameters = (): Parameters => Object.create(null) as Parameters

/** A tensor whose values have not been looked at. */
export interface InputParts {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
  readonly contents: Uint8Array | undefined
  readonly parameters: Parameters | undefined
}

/** What a request says, tensors not yet looked into. */
interface Parts {
  model: string
  version: string
  id: string
  parameters: Parameters | undefined
  readonly inputs: InputParts[]
  readonly outputs: JsonObject[]
  readonly raw: Uint8Array[]
}

/**
 * What is asked of which model; the tensors are read by {@link inputTensors}.
 * @throws DomainError request_invalid, extension_unsupported
 */
export function readInferRequest(bytes: Uint8Array): GrpcInferRequest {
  const parts = reading('ModelInferRequest', bytes, readParts)
  return {
    model: parts.model,
    version: parts.version === '' ? undefined : parts.version,
    id: parts.id,
    inputs: parts.inputs,
    raw: parts.raw,
    outputs: parts.outputs.length === 0 ? undefined : wantedOutputsOf({ outputs: parts.outputs }, true),
    ...(parts.parameters ? requestParametersOf({ parameters: parts.parameters }) : plain),
  }
}

/**
 * Names, shapes and values of the tensors; whether they fit the model is for models/rows.ts to say. Numbers may be views of the message.
 * @throws DomainError request_invalid, tensor_invalid, rows_too_many
 */
export function inputTensors({ inputs, raw }: GrpcInferRequest): InputTensor[] {
  if (raw.length > 0 && raw.length !== inputs.length)
    throw invalid(`raw_input_contents has ${raw.length} tensors, and "inputs" has ${inputs.length}: one each`)
  return inputs.map((input, at) => tensorOf(input, raw[at]))
}

const plain = { priority: 0, timeoutMs: undefined }

/** Tensors go back as they came: raw bytes for raw bytes. */
export const isRaw = ({ inputs, raw }: GrpcInferRequest): boolean => raw.length > 0 || inputs.length === 0

const nothing = new Uint8Array()
const invalid = (message: string): DomainError => new DomainError('invalid', 'request_invalid', message)

function readParts(reader: BinaryReader): Parts {
  const parts: Parts = { model: '', version: '', id: '', parameters: undefined, inputs: [], outputs: [], raw: [] }
  const end = reader.len
  readFields(reader, end, (field, wireType) => {
    if (wireType !== WireType.LengthDelimited) return false
    if (field === 1) parts.model = readText(reader)
    else if (field === 2) parts.version = readText(reader)
    else if (field === 3) parts.id = readText(reader)
    else if (field === 4) readParameter(reader, nestedEnd(reader, end), (parts.parameters ??= newParameters()))
    else if (field === 5) parts.inputs.push(readInput(reader, nestedEnd(reader, end)))
    else if (field === 6) parts.outputs.push(readOutput(reader, nestedEnd(reader, end)))
    else if (field === 7) parts.raw.push(reader.bytes())
    else return false
    if (parts.inputs.length > inputsMax || parts.outputs.length > inputsMax || parts.raw.length > inputsMax)
      throw invalid(`a request has at most ${inputsMax} tensors`)
    return true
  })
  return parts
}

function readInput(reader: BinaryReader, end: number): InputParts {
  let name = ''
  let datatype = ''
  const shape: number[] = []
  let contents: Uint8Array | undefined
  let parameters: Parameters | undefined
  readFields(reader, end, (field, wireType) => {
    if (field === 3 && wireType === WireType.Varint) shape.push(Number(reader.int64()))
    else if (wireType !== WireType.LengthDelimited) return false
    else if (field === 1) name = readText(reader)
    else if (field === 2) datatype = readText(reader)
    else if (field === 3) {
      const packedEnd = nestedEnd(reader, end)
      while (reader.pos < packedEnd) shape.push(Number(reader.int64()))
    } else if (field === 4) readParameter(reader, nestedEnd(reader, end), (parameters ??= newParameters()))
    // Parts of one message are the whole when put together.
    else if (field === 5) contents = contents ? Buffer.concat([contents, reader.bytes()]) : reader.bytes()
    else return false
    return true
  })
  return { name, datatype, shape, contents, parameters }
}

function readOutput(reader: BinaryReader, end: number): JsonObject {
  let name = ''
  const parameters = newParameters()
  readFields(reader, end, (field, wireType) => {
    if (wireType !== WireType.LengthDelimited) return false
    if (field === 1) name = readText(reader)
    else if (field === 2) readParameter(reader, nestedEnd(reader, end), parameters)
    else return false
    return true
  })
  return { name, parameters }
}

/** An entry of a map: key 1, value 2. */
function readParameter(reader: BinaryReader, end: number, into: Parameters): void {
  let key = ''
  let value: Parameters[string] | undefined
  readFields(reader, end, (field, wireType) => {
    if (wireType !== WireType.LengthDelimited) return false
    if (field === 1) key = readText(reader)
    else if (field === 2) value = readParameterValue(reader, nestedEnd(reader, end))
    else return false
    return true
  })
  if (value !== undefined) into[key] = value
}

function readParameterValue(reader: BinaryReader, end: number): Parameters[string] | undefined {
  let value: Parameters[string] | undefined
  readFields(reader, end, (field, wireType) => {
    if (field === 1 && wireType === WireType.Varint) value = reader.bool()
    else if (field === 2 && wireType === WireType.Varint) value = Number(reader.int64())
    else if (field === 3 && wireType === WireType.LengthDelimited) value = readText(reader)
    else if (field === 4 && wireType === WireType.Bit64) value = reader.double()
    else if (field === 5 && wireType === WireType.Varint) value = Number(reader.uint64())
    else return false
    return true
  })
  return value
}

function tensorOf(parts: InputParts, raw: Uint8Array | undefined): InputTensor {
  const { name, contents, parameters } = parts
  assertInBody(parameters, `input "${name.slice(0, 100)}"`)
  const head: TensorHead = { name, datatype: datatypeOf(name, parts.datatype), shape: shapeOf(name, parts.shape) }
  if (raw === undefined)
    return {
      ...head,
      values: reading('InferTensorContents', contents ?? nothing, (reader) => valuesOfContents(head, reader)),
    }
  if (contents !== undefined && contents.length > 0)
    throw invalid(
      `input "${name.slice(0, 100)}" has contents beside raw_input_contents: a request has one or the other`,
    )
  return { ...head, values: valuesOfRaw(head, raw) }
}

/** What an answer says beside its rows. */
export interface InferAnswer {
  readonly facts: AnswerFacts
  readonly outputs: readonly WantedOutput[] | undefined
  readonly isRaw: boolean
}

/** The answer as a message of its own. @throws DomainError output_unknown */
export const inferResponseFrame = (signature: Signature, rows: AnswerRows, answer: InferAnswer): Uint8Array =>
  frameOf((writer) => writeInferResponse(writer, { signature, rows, answer, isLast: false }))

/** The answer as a message of a stream, ModelStreamInferResponse. @throws DomainError output_unknown */
export const streamResponseFrame = (signature: Signature, rows: AnswerRows, answer: InferAnswer): Uint8Array =>
  frameOf((writer) =>
    writeNested(writer, 2, () => writeInferResponse(writer, { signature, rows, answer, isLast: true })),
  )

/** What went wrong with one request of a stream, which goes on. `id` is the caller's. */
export const streamErrorFrame = (message: string, id: string): Uint8Array =>
  frameOf((writer) => {
    writeText(writer, 1, message)
    if (id !== '') writeNested(writer, 2, () => writeText(writer, 3, id))
  })

interface Response {
  readonly signature: Signature
  readonly rows: AnswerRows
  readonly answer: InferAnswer
  /** In a stream each request has one answer, which is its last. */
  readonly isLast: boolean
}

function writeInferResponse(writer: BinaryWriter, { signature, rows, answer, isLast }: Response): void {
  const { facts, outputs, isRaw } = answer
  writeText(writer, 1, facts.endpoint)
  writeText(writer, 2, shortVersion(facts.version))
  writeText(writer, 3, facts.callerId ?? facts.predictionId)
  writeTextParameter(writer, 'prediction_id', facts.predictionId)
  writeTextParameter(writer, 'version', facts.version)
  if (isLast) writeFlagParameter(writer, 'triton_final_response')
  const raw: Uint8Array[] = []
  for (const tensor of outputs ? wantedTensors(outputs, rows, signature) : allTensors(rows, signature)) {
    writer.tag(5, WireType.LengthDelimited).fork()
    writeText(writer, 1, tensor.name)
    writeText(writer, 2, tensor.datatype)
    writeSizes(writer, 3, tensor.shape)
    if (isRaw) raw.push(rawOf(tensor))
    else writeNested(writer, 5, () => writeContents(writer, tensor))
    writer.join()
  }
  for (const bytes of raw) writer.tag(6, WireType.LengthDelimited).bytes(bytes)
}

const allTensors = (rows: AnswerRows, signature: Signature): AnswerTensor[] =>
  outputsOf(signature).map((name) => outputTensor(rows, name, signature))

const wantedTensors = (outputs: readonly WantedOutput[], rows: AnswerRows, signature: Signature): AnswerTensor[] =>
  outputs.map(({ name, classes }) =>
    classes > 0 ? likeliest(signature, rows, classes) : outputTensor(rows, name, signature),
  )

function writeTextParameter(writer: BinaryWriter, key: string, text: string): void {
  writeNested(writer, 4, () => {
    writeText(writer, 1, key)
    writeNested(writer, 2, () => writer.tag(3, WireType.LengthDelimited).string(text))
  })
}

function writeFlagParameter(writer: BinaryWriter, key: string): void {
  writeNested(writer, 4, () => {
    writeText(writer, 1, key)
    writeNested(writer, 2, () => writeFlag(writer, 1, true))
  })
}
