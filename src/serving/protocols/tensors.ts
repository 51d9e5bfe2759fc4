// The tensor core that all protocols share: named tensors in become columns of rows, a run's predictions become named tensors. Pure.
import { DomainError } from '../../platform/errors.ts'
import type { ColumnInput } from '../../models/rows.ts'
import type { Signature, SignatureColumn } from '../../models/signature.ts'
import { rowsPerRequestMax } from '../gateway-limits.ts'
import type { AnswerRows, RequestColumns } from '../request-rows.ts'
import { labelDatatype, labelValues } from './class-labels.ts'
import { tensorInvalid, shown, type Datatype, type TensorValues } from './datatypes.ts'

/** Most tensors of one request: as many as a signature may have inputs. */
export const inputsMax = 4096

export interface InputTensor {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly values: TensorValues
}

export interface OutputTensor extends InputTensor {
  /** Plain arrays hold text (BYTES) or true and false (BOOL). */
  readonly values: Float32Array | BigInt64Array | readonly string[] | readonly boolean[]
}

export interface RequestRows {
  readonly columns: RequestColumns
  readonly rows: number
}

/** @throws DomainError tensor_invalid, rows_too_many */
export function shapeOf(name: string, shape: unknown): number[] {
  const isShape =
    Array.isArray(shape) && shape.length >= 1 && shape.every((size) => Number.isSafeInteger(size) && size >= 0)
  if (!isShape) throw tensorInvalid(name, `has the shape ${shown(shape)}; a shape is a list of whole numbers from 0`)
  const sizes = shape as number[]
  const rows = sizes[0]!
  if (rows <= rowsPerRequestMax) return sizes
  const message = `a request may have ${rowsPerRequestMax} rows, this one has ${rows}: send several requests`
  throw new DomainError('too_large', 'rows_too_many', message)
}

/** Values of all dimensions. A product beyond 2^53 is far beyond any body, and never equals a count of values. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/**
 * A tensor [rows] or [rows, 1] is the column of its name. One tensor [rows, columns] alone is all columns in the signature's order, whatever
 * its name; whether the values fit the model is for models/rows.ts to say.
 * @throws DomainError tensor_invalid
 */
export function rowsOfTensors(tensors: readonly InputTensor[], signature: Signature): RequestRows {
  const [first] = tensors
  if (tensors.length === 1 && first && isMatrix(first.shape) && signature.inputs.length > 1)
    return rowsOfMatrix(first, signature)
  // Without a prototype: an input may be named "constructor".
  const columns = Object.create(null) as Record<string, ColumnInput>
  const types = typesOf(signature)
  let rows = -1
  for (const { name, shape, values } of tensors) {
    if (columns[name]) throw tensorInvalid(name, 'stands twice in the request')
    if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
      throw tensorInvalid(name, `has the shape ${shown(shape)}; a column has [rows] or [rows, 1]`)
    }
    const count = shape[0]!
    if (rows !== -1 && rows !== count)
      throw tensorInvalid(name, `has ${count} rows, and the inputs before it have ${rows}`)
    rows = count
    columns[name] = columnOf(values, types.get(name))
  }
  return { columns, rows: Math.max(rows, 0) }
}

const isMatrix = (shape: readonly number[]): boolean => shape.length === 2 && shape[1] !== 1

function rowsOfMatrix({ name, shape, values }: InputTensor, { inputs }: Signature): RequestRows {
  const [rows, width] = shape as [number, number]
  if (width !== inputs.length) {
    throw tensorInvalid(name, `has ${width} columns, and the model takes ${inputs.length}`)
  }
  const columns = Object.create(null) as Record<string, ColumnInput>
  for (const [place, { name: column, type }] of inputs.entries()) {
    const own = emptyLike(values, rows) as unknown[]
    for (let row = 0; row < rows; row++) own[row] = values[row * width + place]
    columns[column] = columnOf(own as unknown as TensorValues, type)
  }
  return { columns, rows }
}

function emptyLike(values: TensorValues, rows: number): TensorValues {
  if (Array.isArray(values)) return Array.from({ length: rows })
  return new (values.constructor as new (length: number) => Float32Array)(rows)
}

const typesBySignature = new WeakMap<Signature, ReadonlyMap<string, SignatureColumn['type']>>()

function typesOf(signature: Signature): ReadonlyMap<string, SignatureColumn['type']> {
  let found = typesBySignature.get(signature)
  if (!found) typesBySignature.set(signature, (found = new Map(signature.inputs.map(({ name, type }) => [name, type]))))
  return found
}

/** A time as a number means milliseconds in every protocol; in a batch's own memory it would be microseconds. */
function columnOf(values: TensorValues, type: SignatureColumn['type'] | undefined): ColumnInput {
  if (type !== 'datetime') return values as ColumnInput
  if (ArrayBuffer.isView(values)) return Array.from(values as Float64Array, Number)
  return values.map((value) => (typeof value === 'bigint' ? Number(value) : value))
}

const classifierOutputs = ['probabilities', 'label'] as const
const regressionOutputs = ['prediction'] as const
export type OutputName = (typeof classifierOutputs)[number] | (typeof regressionOutputs)[number]

export const outputsOf = (signature: Signature): readonly OutputName[] =>
  signature.task === 'regression' ? regressionOutputs : classifierOutputs

/** @throws DomainError output_unknown: asked for before anything runs, so that a wrong name costs nothing. */
export function assertOutputs(signature: Signature, names: readonly string[] | undefined): void {
  const known: readonly string[] = outputsOf(signature)
  const unknown = names?.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const message = `the model has no output "${unknown.slice(0, 100)}"; it has ${known.map((name) => `"${name}"`).join(', ')}`
  throw new DomainError('invalid', 'output_unknown', message)
}

/** @param name one of {@link outputsOf} of the signature */
export function outputTensor(answer: AnswerRows, name: string, signature: Signature): OutputTensor {
  const { predictions, offset, rows } = answer
  if (name === 'label') {
    return { name, datatype: labelDatatype(signature), shape: [rows], values: labelValues(answer, signature) }
  }
  const { width } = predictions
  const values = predictions.values.subarray(offset * width, (offset + rows) * width)
  return { name, datatype: 'FP32', shape: [rows, width], values }
}

const datatypeOfType: Readonly<Record<SignatureColumn['type'], Datatype>> = {
  boolean: 'BOOL',
  integer: 'INT32',
  long: 'INT64',
  float: 'FP32',
  double: 'FP64',
  string: 'BYTES',
  datetime: 'BYTES',
}

/** What is told of an input or an output; -1 is any number of rows. */
export interface TensorMetadata {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
}

export function tensorsOfSignature(signature: Signature): { inputs: TensorMetadata[]; outputs: TensorMetadata[] } {
  return {
    inputs: signature.inputs.map(({ name, type }) => ({ name, datatype: datatypeOfType[type], shape: [-1, 1] })),
    outputs: outputsOf(signature).map((name) => ({
      name,
      datatype: name === 'label' ? labelDatatype(signature) : 'FP32',
      shape: name === 'label' ? [-1] : [-1, name === 'prediction' ? 1 : signature.classes.length],
    })),
  }
}
