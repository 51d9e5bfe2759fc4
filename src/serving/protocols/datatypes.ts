// Datatypes of the Open Inference Protocol: what a value of each may be, and how a tensor's raw bytes are read and written. Pure.
import { DomainError } from '../../platform/errors.ts'

export const datatypes = [
  'BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'BF16', 'FP32', 'FP64', 'BYTES',
] as const // prettier-ignore
export type Datatype = (typeof datatypes)[number]

/** The values of a tensor, flat and row-major. BYTES are text, BOOL of raw bytes 0 and 1; in plain arrays null is a missing value. */
export type TensorValues =
  | readonly unknown[]
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array

/** @throws DomainError tensor_invalid */
export function datatypeOf(input: string, value: unknown): Datatype {
  if (typeof value === 'string' && (datatypes as readonly string[]).includes(value)) return value as Datatype
  throw tensorInvalid(input, `has the datatype ${shown(value)}; there are ${datatypes.join(', ')}`)
}

export function tensorInvalid(name: string, problem: string): DomainError {
  const input = name.slice(0, 100)
  return new DomainError('invalid', 'tensor_invalid', `input "${input}" ${problem}`, { input })
}

export const shown = (value: unknown): string =>
  (typeof value === 'bigint' ? String(value) : JSON.stringify(value))?.slice(0, 60) ?? 'undefined'

type Check = (value: unknown) => boolean
const integer =
  (low: number, high: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
const long =
  (low: bigint, high: bigint): Check =>
  (value) =>
    (typeof value === 'number' && Number.isSafeInteger(value) && (low < 0n || value >= 0)) ||
    (typeof value === 'bigint' && value >= low && value <= high)
const isNumber: Check = (value) => typeof value === 'number'

/** Of a JSON value, beside null, which is a missing value. 16-bit floats have no agreed form in JSON: they come as raw bytes. */
export const jsonChecks: Readonly<Record<Datatype, Check | undefined>> = {
  BOOL: (value) => typeof value === 'boolean' || value === 0 || value === 1,
  INT8: integer(-128, 127),
  INT16: integer(-32_768, 32_767),
  INT32: integer(-2_147_483_648, 2_147_483_647),
  INT64: long(-(2n ** 63n), 2n ** 63n - 1n),
  UINT8: integer(0, 255),
  UINT16: integer(0, 65_535),
  UINT32: integer(0, 4_294_967_295),
  UINT64: long(0n, 2n ** 64n - 1n),
  FP16: undefined,
  BF16: undefined,
  FP32: isNumber,
  FP64: isNumber,
  BYTES: (value) => typeof value === 'string',
}

type NumberArray = Exclude<TensorValues, readonly unknown[]>
type NumberArrayConstructor = (new (buffer: ArrayBufferLike, byteOffset: number, length: number) => NumberArray) & {
  readonly BYTES_PER_ELEMENT: number
}

/** How the elements lie in memory; 16-bit floats as their bits. */
const arrays: Readonly<Record<Exclude<Datatype, 'BYTES'>, NumberArrayConstructor>> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  BF16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
}

/**
 * Little-endian, row-major; of BYTES each element is its length (uint32) and its bytes, which must be UTF-8.
 * Numbers are views of `bytes` where the alignment allows it: they are read before the body is let go.
 * @throws DomainError tensor_invalid
 */
export function valuesOfBytes(
  input: string,
  { datatype, count }: { datatype: Datatype; count: number },
  bytes: Uint8Array,
): TensorValues {
  if (datatype === 'BYTES') return textsOf(input, count, bytes)
  const ArrayOf = arrays[datatype]
  const size = ArrayOf.BYTES_PER_ELEMENT
  if (bytes.length !== count * size) {
    throw tensorInvalid(input, `has ${bytes.length} bytes, and ${count} values of ${datatype} are ${count * size}`)
  }
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  const values = new ArrayOf(buffer, byteOffset, count)
  if (datatype === 'FP16') return halvesOf(values as Uint16Array)
  return datatype === 'BF16' ? brainFloatsOf(values as Uint16Array) : values
}

/** IEEE 754 binary16. */
function halvesOf(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length)
  for (let at = 0; at < halves.length; at++) {
    const bits = halves[at]!
    const exponent = (bits >> 10) & 0x1f
    const fraction = bits & 0x3ff
    const sign = bits & 0x80_00 ? -1 : 1
    if (exponent === 0x1f) values[at] = fraction === 0 ? sign * Infinity : Number.NaN
    else if (exponent === 0) values[at] = sign * fraction * 2 ** -24
    else values[at] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  }
  return values
}

/** The upper half of a float32. */
function brainFloatsOf(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length)
  for (let at = 0; at < bits.length; at++) wide[at] = bits[at]! << 16
  return new Float32Array(wide.buffer)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textsOf(input: string, count: number, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const texts: string[] = []
  let at = 0
  while (at < bytes.length && texts.length < count) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Infinity
    if (end > bytes.length) throw tensorInvalid(input, `ends in the middle of element ${texts.length}`)
    texts.push(textOf(input, texts.length, bytes.subarray(at + 4, end)))
    at = end
  }
  if (texts.length === count && at === bytes.length) return texts
  throw tensorInvalid(
    input,
    `has ${texts.length}${at < bytes.length ? ' and more' : ''} elements, and its shape says ${count}`,
  )
}

function textOf(input: string, element: number, bytes: Uint8Array): string {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    throw tensorInvalid(
      input,
      `has bytes in element ${element} that are no UTF-8 text: encode them, as base64 for example`,
    )
  }
  return text
}

/** As {@link valuesOfBytes} reads them. @param values text, booleans, or a typed array */
export function bytesOfValues(datatype: Datatype, values: TensorValues): Uint8Array {
  if (ArrayBuffer.isView(values)) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return datatype === 'BYTES' ? bytesOfTexts(values as readonly string[]) : Uint8Array.from(values, Number)
}

function bytesOfTexts(texts: readonly string[]): Uint8Array {
  const parts = texts.flatMap((text) => {
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    return [length, bytes]
  })
  return Buffer.concat(parts)
}
