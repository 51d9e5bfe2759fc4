// Open Inference Protocol (V2 over HTTP), answers: JSON, with the tensors in it or as raw bytes after it, or the likeliest classes as text.
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import type { AnswerRows } from './request-rows.ts'
import { isAscii, labelDatatype, labelsJson } from './class-labels.ts'
import { bytesOfValues, type Datatype, type TensorValues } from './datatypes.ts'
import type { WantedOutput } from './open-inference-parameters.ts'
import { shortVersion, type AnswerFacts } from './open-inference.ts'
import { assertOutputs, outputsOf, outputTensor } from './tensors.ts'

export interface Wanted {
  /** Undefined: all of them. */
  readonly outputs: readonly WantedOutput[] | undefined
  /** Of all of them: as raw bytes. */
  readonly isBinary: boolean
}

export interface OpenInferenceAnswer {
  readonly body: string | Uint8Array
  /** Text of which it is known that it is ASCII. */
  readonly isAscii?: boolean
  readonly contentType?: string
  /** Names and values in turn. */
  readonly headers?: readonly string[]
}

/** @throws DomainError output_unknown, classification_unfit: asked for before anything runs, so that a wrong wish costs nothing */
export function assertWanted(signature: Signature, outputs: readonly WantedOutput[] | undefined): void {
  if (!outputs) return
  const names = outputs.map(({ name }) => name)
  assertOutputs(signature, names)
  const unfit = outputs.find(({ name, classes }) => classes > 0 && name !== 'probabilities')
  if (!unfit) return
  const message = `output "${unfit.name}" has no classes to choose among: ask for "classification" of "probabilities"`
  throw new DomainError('invalid', 'classification_unfit', message)
}

/** What is written of an output. */
export interface AnswerTensor {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly values: TensorValues
}

/** @param wanted as {@link assertWanted} let pass */
export function writeOpenInference(
  signature: Signature,
  rows: AnswerRows,
  { facts, wanted }: { facts: AnswerFacts; wanted: Wanted },
): OpenInferenceAnswer {
  const draft: Draft = { tensors: '', raw: [], isAscii: true }
  if (wanted.outputs) for (const output of wanted.outputs) addOutput(draft, { signature, rows }, output)
  else
    for (const name of outputsOf(signature))
      addOutput(draft, { signature, rows }, { name, isBinary: wanted.isBinary, classes: 0 })
  const { tensors, raw } = draft
  const { predictionId, callerId } = facts
  const { model, version, areAscii } = namesOf(facts)
  const id = callerId === undefined ? `"${predictionId}"` : JSON.stringify(callerId)
  const text = `${model},"id":${id},"parameters":{"prediction_id":"${predictionId}","version":${version}},"outputs":[${tensors}]}`
  const isAsciiText = draft.isAscii && areAscii && callerId === undefined
  if (raw.length === 0) return { body: text, isAscii: isAsciiText }
  const jsonBytes = isAsciiText ? text.length : Buffer.byteLength(text)
  return {
    body: joined(text, jsonBytes, raw),
    contentType: 'application/octet-stream',
    headers: ['inference-header-content-length', String(jsonBytes)],
  }
}

/** In one memory, without one for the text alone. */
function joined(text: string, textBytes: number, raw: readonly Uint8Array[]): Buffer {
  let end = textBytes
  for (const { length } of raw) end += length
  const body = Buffer.allocUnsafe(end)
  end = body.write(text, textBytes === text.length ? 'latin1' : 'utf8')
  for (const bytes of raw) {
    body.set(bytes, end)
    end += bytes.length
  }
  return body
}

/** An answer's outputs as they are written one after the other. */
interface Draft {
  /** JSON, between the brackets. */
  tensors: string
  readonly raw: Uint8Array[]
  /** As far as is known without a look at each character. */
  isAscii: boolean
}

function addOutput(
  draft: Draft,
  { signature, rows }: { signature: Signature; rows: AnswerRows },
  { name, isBinary, classes }: WantedOutput,
): void {
  if (draft.tensors !== '') draft.tensors += ','
  if (isBinary) {
    const tensor = classes > 0 ? likeliest(signature, rows, classes) : outputTensor(rows, name, signature)
    draft.tensors += rawText(tensor, draft.raw)
  } else if (classes > 0) {
    const tensor = likeliest(signature, rows, classes)
    draft.tensors += `${head(tensor)},"data":${JSON.stringify(tensor.values)}}`
    draft.isAscii = false
  } else if (name === 'label') {
    const { text, isAscii } = labelsJson(rows, signature)
    draft.tensors += `{"name":"label","shape":[${rows.rows}],"datatype":"${labelDatatype(signature)}","data":${text}}`
    draft.isAscii &&= isAscii
  } else draft.tensors += numbersText(name, rows)
}

interface Names {
  readonly endpoint: string
  readonly of: string
  /** JSON from the opening brace on. */
  readonly model: string
  readonly version: string
  readonly areAscii: boolean
}

/** Of the answer before: most answers are of the same version behind the same endpoint. */
let last: Names | undefined

function namesOf({ endpoint, version: of }: AnswerFacts): Names {
  if (last?.of === of && last.endpoint === endpoint) return last
  const model = `{"model_name":${JSON.stringify(endpoint)},"model_version":${JSON.stringify(shortVersion(of))}`
  last = { endpoint, of, model, version: JSON.stringify(of), areAscii: isAscii(model + of) }
  return last
}

const head = ({ name, shape, datatype }: AnswerTensor): string =>
  `{"name":"${name}","shape":[${shape.join(',')}],"datatype":"${datatype}"`

/** What the model said itself. */
function numbersText(name: string, { predictions: { values, width }, offset, rows }: AnswerRows): string {
  const end = (offset + rows) * width
  let data = ''
  for (let at = offset * width; at < end; at++) {
    const value = values[at]!
    // JSON has no NaN and no infinities.
    const text = Number.isFinite(value) ? String(value) : 'null'
    data += data === '' ? text : `,${text}`
  }
  return `{"name":"${name}","shape":[${rows},${width}],"datatype":"FP32","data":[${data}]}`
}

function rawText(tensor: AnswerTensor, raw: Uint8Array[]): string {
  const bytes = bytesOfValues(tensor.datatype, tensor.values)
  raw.push(bytes)
  return `${head(tensor)},"parameters":{"binary_data_size":${bytes.length}}}`
}

/** `probability:index:class` of the `count` likeliest classes of each row, the likeliest first and of equals the first. */
export function likeliest(
  { classes }: Signature,
  { predictions, offset, rows }: AnswerRows,
  count: number,
): AnswerTensor {
  const { values, width } = predictions
  const shown = Math.min(count, width)
  const texts: string[] = []
  for (let row = offset; row < offset + rows; row++) {
    const order = Array.from({ length: width }, (_, index) => index)
    order.sort((a, b) => values[row * width + b]! - values[row * width + a]! || a - b)
    for (const index of order.slice(0, shown)) texts.push(`${values[row * width + index]}:${index}:${classes[index]}`)
  }
  return { name: 'probabilities', datatype: 'BYTES', shape: [rows, shown], values: texts }
}
