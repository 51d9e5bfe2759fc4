// The tensor core that all protocols share: named tensors in become columns of rows, a run's predictions become named tensors. Pure.
import { DomainError } from '../../platform/errors.ts'
import type { ColumnInput } from '../../models/rows.ts'
import type { Signature, SignatureColumn } from '../../models/signature.ts'
import { rowsPerRequestMax } from '../contract/gateway-limits.ts'
import { columnOfMatrix, Columns, MatrixColumns, type AnswerRows, type RequestRows } from './request-rows.ts'
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
 * A tensor [rows] or [rows, 1] is the column of its name. A matrix that has the name of one of the graph's own inputs is that input's columns;
 * one tensor [rows, columns] alone is all columns in the signature's order, whatever its name. Whether the values fit the model is for
 * models/rows.ts to say.
 * @throws DomainError tensor_invalid
 */
export function rowsOfTensors(tensors: readonly InputTensor[], signature: Signature): RequestRows {
  const names = namesOf(signature)
  const whole = tensors.length === 1 ? wholeOf(tensors[0]!, names) : undefined
  if (whole) return { columns: whole, rows: whole.rows }
  const columns = new Columns()
  const { types, matrices, all } = names
  let rows = -1
  for (const tensor of tensors) {
    const { name, shape, values } = tensor
    const isAlone = tensors.length === 1 && isMatrix(shape) && all.length > 1
    const own = matrices.get(name) ?? (isAlone ? all : undefined)
    if (columns[own?.[0] ?? name]) throw tensorInvalid(name, 'stands twice in the request')
    if (!own && shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
      throw tensorInvalid(name, `has the shape ${shown(shape)}; a column has [rows] or [rows, 1]`)
    }
    const count = shape[0]!
    if (rows !== -1 && rows !== count)
      throw tensorInvalid(name, `has ${count} rows, and the inputs before it have ${rows}`)
    rows = count
    if (own) addMatrix(columns, tensor, { own, types })
    else columns[name] = columnOf(values, types.get(name))
  }
  return { columns, rows: Math.max(rows, 0) }
}

const isMatrix = (shape: readonly number[]): boolean => shape.length === 2 && shape[1] !== 1

/** Undefined: it is no matrix of columns, or not of these, or some of them are to be read another way. */
function wholeOf({ name, shape, values }: InputTensor, { matrices, all, times }: Names): MatrixColumns | undefined {
  if (shape.length !== 2 || times > 0 || !(Array.isArray(values) || values instanceof Float32Array)) return undefined
  const names = matrices.get(name) ?? (isMatrix(shape) ? all : undefined)
  if (!names || names.length !== shape[1]) return undefined
  return new MatrixColumns({ names, rows: shape[0]!, values })
}

function addMatrix(
  columns: Record<string, ColumnInput>,
  { name, shape, values }: InputTensor,
  { own, types }: { own: readonly string[]; types: Names['types'] },
): void {
  const rows = shape[0]!
  const width = shape[1] ?? 1
  if (width !== own.length || shape.length > 2) {
    throw tensorInvalid(name, `has ${width} columns, and the model takes ${own.length}`)
  }
  for (const [place, column] of own.entries()) {
    if (columns[column]) throw tensorInvalid(name, `has the column "${column}", which stands in the request already`)
    columns[column] = columnOf(
      columnOfMatrix(values as ColumnInput, { rows, width, place }) as TensorValues,
      types.get(column),
    )
  }
}

interface Names {
  readonly types: ReadonlyMap<string, SignatureColumn['type']>
  /** Columns of the graph's own inputs, where their names are not those of their columns. */
  readonly matrices: ReadonlyMap<string, readonly string[]>
  /** All columns in their order. */
  readonly all: readonly string[]
  /** How many of them are times. */
  readonly times: number
}

const namesBySignature = new WeakMap<Signature, Names>()

function namesOf(signature: Signature): Names {
  let found = namesBySignature.get(signature)
  if (!found) {
    const types = new Map(signature.inputs.map(({ name, type }) => [name, type]))
    const own = (signature.tensors ?? []).filter(({ name }) => !types.has(name))
    const matrices = new Map(own.map(({ name, columns }) => [name, columns]))
    const times = signature.inputs.filter(({ type }) => type === 'datetime').length
    found = { types, matrices, all: [...types.keys()], times }
    namesBySignature.set(signature, found)
  }
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
