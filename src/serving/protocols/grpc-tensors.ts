// Tensors of ModelInfer: typed contents or raw bytes in, typed contents or raw bytes out, straight from and to the tensor core. Pure.
import { WireType, type BinaryReader, type BinaryWriter } from '@bufbuild/protobuf/wire'
import { bytesOfValues, tensorInvalid, valuesOfBytes, type Datatype, type TensorValues } from './datatypes.ts'
import { readFields } from './grpc-wire.ts'
import type { AnswerTensor } from './open-inference-answer.ts'
import { sizeOf } from './tensors.ts'

/** The field of InferTensorContents that holds the values of a datatype; 16-bit floats have none. */
const contentsFields: Readonly<Record<Datatype, number | undefined>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
  FP16: undefined,
  BF16: undefined,
}

const fieldNames = [
  '',
  'bool_contents',
  'int_contents',
  'int64_contents',
  'uint_contents',
  'uint64_contents',
  'fp32_contents',
  'fp64_contents',
  'bytes_contents',
]

/** Datatypes whose values come in a wider field. */
const narrowRanges: Partial<Record<Datatype, readonly [number, number]>> = {
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  UINT8: [0, 255],
  UINT16: [0, 65_535],
}

export interface TensorHead {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
}

/** @throws DomainError tensor_invalid */
export const valuesOfRaw = ({ name, datatype, shape }: TensorHead, raw: Uint8Array): TensorValues =>
  valuesOfBytes(name, { datatype, count: sizeOf(shape) }, raw)

type Numbers = Uint8Array | Int32Array | Uint32Array | Float32Array | Float64Array
type Longs = BigInt64Array | BigUint64Array

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Values of an InferTensorContents.
 * @param reader of all its bytes
 * @throws DomainError tensor_invalid; RangeError and the like where the bytes are no such message
 */
export function valuesOfContents(head: TensorHead, reader: BinaryReader): TensorValues {
  const { name, datatype, shape } = head
  const wanted = contentsFields[datatype]
  if (wanted === undefined) throw tensorInvalid(name, `has the datatype ${datatype}: send it in raw_input_contents`)
  const count = sizeOf(shape)
  // A value takes a byte at least: a shape cannot make us reserve more than was sent.
  if (count > reader.len)
    throw tensorInvalid(name, `has at most ${reader.len} values in ${fieldNames[wanted]}, and its shape says ${count}`)
  const target = targetOf(wanted, count)
  let at = 0
  readFields(reader, reader.len, (field, wireType) => {
    if (field !== wanted) {
      if (field >= 1 && field <= 8)
        throw tensorInvalid(name, `has ${fieldNames[field]}; values of ${datatype} belong in ${fieldNames[wanted]}`)
      return false
    }
    const isPacked = wireType === WireType.LengthDelimited && wanted !== 8
    if (!isPacked) at = readValue(head, { target, at, field: wanted }, reader)
    else {
      const end = reader.uint32() + reader.pos
      if (end > reader.len) throw new RangeError('packed values are longer than their message')
      while (reader.pos < end) at = readValue(head, { target, at, field: wanted }, reader)
      if (reader.pos !== end) throw new RangeError('a value is longer than its field')
    }
    return true
  })
  if (at !== count) throw tensorInvalid(name, `has ${at} values, and its shape says ${count}`)
  return target
}

function targetOf(field: number, count: number): Numbers | Longs | string[] {
  if (field === 1) return new Uint8Array(count)
  if (field === 2) return new Int32Array(count)
  if (field === 3) return new BigInt64Array(count)
  if (field === 4) return new Uint32Array(count)
  if (field === 5) return new BigUint64Array(count)
  if (field === 6) return new Float32Array(count)
  return field === 7 ? new Float64Array(count) : []
}

interface Place {
  readonly target: Numbers | Longs | string[]
  readonly at: number
  readonly field: number
}

/** Answers the next place. */
function readValue(head: TensorHead, { target, at, field }: Place, reader: BinaryReader): number {
  if (at >= sizeOf(head.shape))
    throw tensorInvalid(head.name, `has more values than its shape says, which is ${sizeOf(head.shape)}`)
  switch (field) {
    case 3:
      ;(target as BigInt64Array)[at] = reader.int64() as bigint
      break
    case 5:
      ;(target as BigUint64Array)[at] = reader.uint64() as bigint
      break
    case 8:
      ;(target as string[])[at] = textOf(head.name, at, reader.bytes())
      break
    default:
      ;(target as Numbers)[at] = numberOf(head, { at, field }, reader)
  }
  return at + 1
}

function numberOf(head: TensorHead, { at, field }: Pick<Place, 'at' | 'field'>, reader: BinaryReader): number {
  if (field === 6) return reader.float()
  if (field === 7) return reader.double()
  if (field === 1) return reader.bool() ? 1 : 0
  const value = field === 2 ? reader.int32() : reader.uint32()
  const range = narrowRanges[head.datatype]
  if (!range || (value >= range[0] && value <= range[1])) return value
  throw tensorInvalid(head.name, `is ${value} in value ${at}, which is no ${head.datatype}`)
}

function textOf(name: string, element: number, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw tensorInvalid(
      name,
      `has bytes in element ${element} that are no UTF-8 text: encode them, as base64 for example`,
    )
  }
}

/** The tensor's bytes for raw_output_contents. */
export const rawOf = ({ datatype, values }: AnswerTensor): Uint8Array => bytesOfValues(datatype, values)

/** Writes the tensor's values as the contents of an output. */
export function writeContents(writer: BinaryWriter, { datatype, values }: AnswerTensor): void {
  const field = contentsFields[datatype]
  if (field === undefined || values.length === 0) return
  if (field === 8) {
    for (const text of values as readonly string[]) writer.tag(8, WireType.LengthDelimited).string(text)
    return
  }
  writer.tag(field, WireType.LengthDelimited).fork()
  for (let at = 0; at < values.length; at++) writeValue(writer, field, values[at]!)
  writer.join()
}

function writeValue(writer: BinaryWriter, field: number, value: unknown): void {
  if (field === 1) writer.bool(Boolean(value))
  else if (field === 2) writer.int32(value as number)
  else if (field === 3) writer.int64(value as bigint)
  else if (field === 4) writer.uint32(value as number)
  else if (field === 5) writer.uint64(value as bigint)
  else if (field === 6) writer.float(value as number)
  else writer.double(value as number)
}
