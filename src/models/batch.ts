// The memory of rows on their way into a model: a tensor per input of the graph, and each column's place in one of them.
import { DomainError } from '../platform/errors.ts'
import { tensorsOf, type ElementType, type Signature, type SignatureColumn, type SignatureType } from './signature.ts'

/** Most rows of one batch. The gateway caps what it runs at once far below. */
export const batchRowsMax = 131_072

export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
export type TensorMemory = NumberArray | BigInt64Array | string[]

/** Rows beside each other, `width` values each. From `Batch.rows` on it is unused; text holds no more than was written. */
export interface BatchTensor<Memory extends TensorMemory = TensorMemory> {
  readonly name: string
  readonly elementType: ElementType
  readonly width: number
  /** Grows with the batch: another array then. */
  values: Memory
}

interface Place<Memory extends TensorMemory> {
  readonly spec: SignatureColumn
  readonly tensor: BatchTensor<Memory>
  /** The value of row n is at n * tensor.width + offset. */
  readonly offset: number
}

/** Where a column's values are: numbers, int64 whole numbers, microseconds, or text. */
export type BatchColumn = NumberColumn | LongColumn | TimeColumn | TextColumn
export interface NumberColumn extends Place<NumberArray> {
  readonly kind: 'number'
  /** What the column's type and the tensor's elements both hold. */
  readonly low: number
  readonly high: number
  readonly isWhole: boolean
  /** NaN can be written. */
  readonly takesMissing: boolean
}
export interface LongColumn extends Place<BigInt64Array> {
  readonly kind: 'long'
  readonly low: bigint
  readonly high: bigint
}
export interface TimeColumn extends Place<BigInt64Array> {
  readonly kind: 'time'
}
export interface TextColumn extends Place<string[]> {
  readonly kind: 'string'
}

/** Rows of one signature, appended to and run; `clearBatch` it and use it again. */
export interface Batch {
  readonly signature: Signature
  readonly tensors: readonly BatchTensor[]
  /** In the order of the signature. */
  readonly columns: readonly BatchColumn[]
  readonly byName: ReadonlyMap<string, BatchColumn>
  rows: number
}

/** Largest float32; what is beyond would become an infinity. */
const float32Max = 3.4028234663852886e38
/** Largest double below 2^63. */
const int64Max = 9_223_372_036_854_774_784

interface NumberElement {
  readonly low: number
  readonly high: number
  readonly isFloat?: true
  readonly arrayOf: new (length: number) => NumberArray
}
const numberElements: Readonly<Partial<Record<ElementType, NumberElement>>> = {
  float32: { low: -float32Max, high: float32Max, isFloat: true, arrayOf: Float32Array },
  float64: { low: -Number.MAX_VALUE, high: Number.MAX_VALUE, isFloat: true, arrayOf: Float64Array },
  int8: { low: -128, high: 127, arrayOf: Int8Array },
  uint8: { low: 0, high: 255, arrayOf: Uint8Array },
  int16: { low: -32_768, high: 32_767, arrayOf: Int16Array },
  uint16: { low: 0, high: 65_535, arrayOf: Uint16Array },
  int32: { low: -(2 ** 31), high: 2 ** 31 - 1, arrayOf: Int32Array },
  uint32: { low: 0, high: 2 ** 32 - 1, arrayOf: Uint32Array },
  bool: { low: 0, high: 1, arrayOf: Uint8Array },
}

const typeRanges: Readonly<Partial<Record<SignatureType, { low: number; high: number }>>> = {
  boolean: { low: 0, high: 1 },
  integer: { low: -(2 ** 31), high: 2 ** 31 - 1 },
  long: { low: -(2 ** 63), high: int64Max },
}

/** An empty batch with room for `capacity` rows; it grows up to {@link batchRowsMax}. */
export function createBatch(signature: Signature, capacity = 64): Batch {
  const specs = new Map(signature.inputs.map((spec) => [spec.name, spec]))
  const places = new Map<string, BatchColumn>()
  const tensors = tensorsOf(signature).map(({ name, elementType, columns }): BatchTensor => {
    const width = columns.length
    const tensor = { name, elementType, width, values: memoryOf(elementType, capacity * width) }
    columns.forEach((column, offset) => {
      const spec = specs.get(column)
      if (spec) places.set(column, columnOf(spec, tensor, offset))
    })
    return tensor
  })
  const columns = signature.inputs.map(({ name }) => {
    const found = places.get(name)
    if (!found) throw new Error(`no tensor of the signature has the column "${name}"`)
    return found
  })
  return { signature, tensors, columns, byName: places, rows: 0 }
}

function memoryOf(elementType: ElementType, length: number): TensorMemory {
  if (elementType === 'string') return []
  if (elementType === 'int64') return new BigInt64Array(length)
  return new numberElements[elementType]!.arrayOf(length)
}

function columnOf(spec: SignatureColumn, tensor: BatchTensor, offset: number): BatchColumn {
  const range = typeRanges[spec.type]
  if (tensor.elementType === 'string') {
    return { kind: 'string', spec, tensor: tensor as BatchTensor<string[]>, offset }
  }
  if (tensor.elementType === 'int64') {
    const place = { spec, tensor: tensor as BatchTensor<BigInt64Array>, offset }
    if (spec.type === 'datetime') return { kind: 'time', ...place }
    const isLong = spec.type === 'long' || !range
    return {
      kind: 'long',
      ...place,
      low: isLong ? -(2n ** 63n) : BigInt(range.low),
      high: isLong ? 2n ** 63n - 1n : BigInt(range.high),
    }
  }
  const element = numberElements[tensor.elementType]!
  return {
    kind: 'number',
    spec,
    tensor: tensor as BatchTensor<NumberArray>,
    offset,
    low: Math.max(element.low, range?.low ?? -Infinity),
    high: Math.min(element.high, range?.high ?? Infinity),
    isWhole: range !== undefined || !element.isFloat,
    takesMissing: element.isFloat === true,
  }
}

export function clearBatch(batch: Batch): void {
  batch.rows = 0
  // A text tensor looks at the whole array, so it holds no more than the rows.
  for (const { values } of batch.tensors) if (Array.isArray(values)) values.length = 0
}

/** Makes room for `rows` rows in all. @throws DomainError too_many_rows */
export function reserveRows(batch: Batch, rows: number): void {
  if (rows > batchRowsMax) {
    throw new DomainError(
      'too_large',
      'too_many_rows',
      `${rows} rows in one batch, at most ${batchRowsMax}: send them in parts`,
    )
  }
  for (const tensor of batch.tensors) {
    const { values, width, elementType } = tensor
    if (Array.isArray(values) || values.length >= rows * width) continue
    const capacity = Math.min(batchRowsMax, Math.max(rows, Math.floor(values.length / width) * 2))
    const larger = memoryOf(elementType, capacity * width) as Float32Array
    larger.set(values as Float32Array)
    tensor.values = larger
  }
}

/** Appends rows `from` (inclusive) to `to` (exclusive) of a batch of the same signature. @throws DomainError too_many_rows */
export function appendRows(batch: Batch, source: Batch, [from, to]: readonly [number, number]): void {
  const start = batch.rows
  reserveRows(batch, start + to - from)
  for (let place = 0; place < batch.tensors.length; place++) {
    const { values, width } = batch.tensors[place]!
    const others = source.tensors[place]!.values
    if (Array.isArray(values)) {
      const shift = (start - from) * width
      for (let at = from * width; at < to * width; at++) values[at + shift] = (others as string[])[at]!
    } else {
      const part = (others as Float32Array).subarray(from * width, to * width)
      ;(values as Float32Array).set(part, start * width)
    }
  }
  batch.rows = start + to - from
}

/** What stands in a row: a number (NaN: missing), a bigint of an int64 tensor, or text. */
export function cellAt({ tensor, offset }: BatchColumn, row: number): number | bigint | string {
  return tensor.values[row * tensor.width + offset]!
}
