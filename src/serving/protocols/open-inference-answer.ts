// Open Inference Protocol (V2 over HTTP), answers: JSON, with the tensors in it or as raw bytes after it, or the likeliest classes as text.
import { DomainError } from '../../platform/errors.ts'
import type { Signature } from '../../models/signature.ts'
import type { AnswerRows } from './request-rows.ts'
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
  const raw: Uint8Array[] = []
  let tensors = ''
  const add = (name: string, isBinary: boolean, classes: number): void => {
    if (tensors !== '') tensors += ','
    if (!isBinary && classes === 0 && name !== 'label') tensors += numbersText(name, rows)
    else {
      const tensor = classes > 0 ? likeliest(signature, rows, classes) : outputTensor(rows, name, signature)
      tensors += isBinary ? rawText(tensor, raw) : jsonText(tensor)
    }
  }
  if (wanted.outputs) for (const { name, isBinary, classes } of wanted.outputs) add(name, isBinary, classes)
  else for (const name of outputsOf(signature)) add(name, wanted.isBinary, 0)
  const { predictionId, callerId } = facts
  const { model, version } = namesOf(facts)
  const id = callerId === undefined ? `"${predictionId}"` : JSON.stringify(callerId)
  const text = `${model},"id":${id},"parameters":{"prediction_id":"${predictionId}","version":${version}},"outputs":[${tensors}]}`
  if (raw.length === 0) return { body: text }
  const json = Buffer.from(text)
  return {
    body: Buffer.concat([json, ...raw]),
    contentType: 'application/octet-stream',
    headers: ['inference-header-content-length', String(json.length)],
  }
}

interface Names {
  readonly endpoint: string
  readonly of: string
  /** JSON from the opening brace on. */
  readonly model: string
  readonly version: string
}

/** Of the answer before: most answers are of the same version behind the same endpoint. */
let last: Names | undefined

function namesOf({ endpoint, version: of }: AnswerFacts): Names {
  if (last?.of === of && last.endpoint === endpoint) return last
  const model = `{"model_name":${JSON.stringify(endpoint)},"model_version":${JSON.stringify(shortVersion(of))}`
  last = { endpoint, of, model, version: JSON.stringify(of) }
  return last
}

const head = ({ name, shape, datatype }: AnswerTensor): string =>
  `{"name":"${name}","shape":[${shape.join(',')}],"datatype":"${datatype}"`

function jsonText(tensor: AnswerTensor): string {
  const { values } = tensor
  let data = ''
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as string | number | bigint | boolean
    const text = typeof value === 'string' ? JSON.stringify(value) : isBroken(value) ? 'null' : String(value)
    data += at === 0 ? text : `,${text}`
  }
  return `${head(tensor)},"data":[${data}]}`
}

/** Of what the model said itself, which most answers are made of: without an array of its own. */
function numbersText(name: string, { predictions: { values, width }, offset, rows }: AnswerRows): string {
  const end = (offset + rows) * width
  let data = ''
  for (let at = offset * width; at < end; at++) {
    const value = values[at]!
    const text = Number.isFinite(value) ? String(value) : 'null'
    data += data === '' ? text : `,${text}`
  }
  return `{"name":"${name}","shape":[${rows},${width}],"datatype":"FP32","data":[${data}]}`
}

/** JSON has no NaN and no infinities. */
const isBroken = (value: number | bigint | boolean): boolean => typeof value === 'number' && !Number.isFinite(value)

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
