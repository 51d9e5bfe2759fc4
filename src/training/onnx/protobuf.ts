// The protobuf wire format, written by hand: as much of it as an ONNX file needs.

/** One field of a message, already encoded. */
export type Field = readonly Uint8Array[]

const WIRE = { varint: 0, bytes: 2, fixed32: 5 } as const
/** Bytes of a negative number, or of any above 2^63. */
const LONGEST_VARINT = 10
const utf8 = new TextEncoder()

/** A 64-bit integer; negative numbers take ten bytes, as protobuf wants. */
export function integer(field: number, value: number | bigint): Field {
  return [varint((field << 3) | WIRE.varint), varint(value)]
}

export function float(field: number, value: number): Field {
  return [varint((field << 3) | WIRE.fixed32), littleEndian(Float32Array.of(value))]
}

export function bytes(field: number, value: Uint8Array): Field {
  return [varint((field << 3) | WIRE.bytes), varint(value.length), value]
}

export function text(field: number, value: string): Field {
  return bytes(field, utf8.encode(value))
}

/** A nested message. */
export function message(field: number, fields: readonly Field[]): Field {
  return bytes(field, concatenate(fields))
}

export function packedFloats(field: number, values: ArrayLike<number>): Field {
  return bytes(field, littleEndian(Float32Array.from(values)))
}

export function packedIntegers(field: number, values: ArrayLike<number | bigint>): Field {
  const packed = new Uint8Array(values.length * LONGEST_VARINT)
  let end = 0
  for (let index = 0; index < values.length; index++) end = writeVarint(packed, end, values[index]!)
  return bytes(field, packed.subarray(0, end))
}

export function concatenate(fields: readonly Field[]): Uint8Array {
  const parts = fields.flat()
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The bytes of a typed array as every platform that runs Node has them: little-endian. */
export function littleEndian(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function varint(value: number | bigint): Uint8Array {
  const digits = new Uint8Array(LONGEST_VARINT)
  return digits.subarray(0, writeVarint(digits, 0, value))
}

/** Writes seven bits a byte, the lowest first, and returns where it ended. */
function writeVarint(into: Uint8Array, at: number, value: number | bigint): number {
  // Most values are small; bigint arithmetic is for the others and for negative ones.
  if (typeof value === 'number' && value >= 0 && value < 2 ** 31) {
    let small = value
    for (; small > 0x7f; small >>>= 7) into[at++] = (small & 0x7f) | 0x80
    into[at++] = small
    return at
  }
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 0x7fn; rest >>= 7n) into[at++] = Number(rest & 0x7fn) | 0x80
  into[at++] = Number(rest)
  return at
}
