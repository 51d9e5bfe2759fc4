// Reads the protobuf wire format: fields of one message, without a schema and without copying. Anything cut or misshapen throws.

/** Where a field's bytes are, or its number: a varint's value or the raw bits of a fixed one. */
export interface Field {
  readonly number: number
  readonly wire: 0 | 1 | 2 | 5
  /** Of a varint; of the others 0. */
  readonly value: bigint
  /** Of a length-delimited field; of the others empty. */
  readonly bytes: Uint8Array
  /** The field as it stands in its message, with its number: [start, end). */
  readonly start: number
  readonly end: number
}

/** The bytes are no protobuf message; `checkGraph` turns it into a refusal. */
export class MalformedProtobuf extends Error {
  override readonly name = 'MalformedProtobuf'
}

const none = new Uint8Array(0)
const varintBytesMax = 10

/**
 * The fields in the order in which they stand, those of the numbers in `without` left out: the numbers of a forest stand in millions of
 * small fields, which are passed over without making an object of each.
 * @throws MalformedProtobuf
 */
export function* fieldsOf(message: Uint8Array, without?: ReadonlySet<number>): Generator<Field> {
  const cursor = { at: 0 }
  while (cursor.at < message.length) {
    const start = cursor.at
    const first = message[start]!
    if (without && first < 0x80 && without.has(first >> 3) && skipped(message, cursor)) continue
    const key = readVarint(message, cursor)
    const number = Number(key >> 3n)
    const wire = Number(key & 7n)
    if (number < 1 || number > 0x1f_ff_ff_ff) throw new MalformedProtobuf(`field number ${number} at byte ${cursor.at}`)
    if (wire === 0) {
      const value = readVarint(message, cursor)
      yield { number, wire, value, bytes: none, start, end: cursor.at }
      continue
    }
    if (wire !== 1 && wire !== 2 && wire !== 5) throw new MalformedProtobuf(`wire type ${wire} at byte ${cursor.at}`)
    const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(readVarint(message, cursor))
    const end = cursor.at + length
    if (end > message.length) throw new MalformedProtobuf(`a field of ${length} bytes ends behind the end of the file`)
    yield { number, wire, value: 0n, bytes: message.subarray(cursor.at, end), start, end }
    cursor.at = end
  }
}

/** Passes over a field with a key of one byte; false, and nothing done, where its length or wire type needs a closer look. */
function skipped(message: Uint8Array, cursor: { at: number }): boolean {
  const wire = message[cursor.at]! & 7
  let end = cursor.at + 1
  if (wire === 5) end += 4
  else if (wire === 1) end += 8
  else if (wire === 0) {
    while (message[end]! >= 0x80 && end - cursor.at < varintBytesMax) end++
    if (message[end]! >= 0x80) return false
    end++
  } else return false
  if (end > message.length) return false
  cursor.at = end
  return true
}

function readVarint(message: Uint8Array, cursor: { at: number }): bigint {
  // Most varints are small: numbers up to 2^28 need no bigint arithmetic.
  let small = 0
  let large = 0n
  for (let count = 0; count < varintBytesMax; count++) {
    const byte = message[cursor.at++]
    if (byte === undefined) throw new MalformedProtobuf('it is cut in the middle of a number')
    if (count < 4) small |= (byte & 0x7f) << (7 * count)
    else large |= BigInt(byte & 0x7f) << BigInt(7 * count)
    if (byte < 0x80) return BigInt.asUintN(64, large | BigInt(small))
  }
  throw new MalformedProtobuf(`a number of more than ${varintBytesMax} bytes at byte ${cursor.at}`)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** @throws MalformedProtobuf when it is no UTF-8 text. */
export function textOf(field: Field): string {
  if (field.wire !== 2) throw new MalformedProtobuf(`field ${field.number} should be text`)
  try {
    return decoder.decode(field.bytes)
  } catch {
    throw new MalformedProtobuf(`field ${field.number} is not UTF-8 text`)
  }
}

/** The message in a field. @throws MalformedProtobuf */
export function messageOf(field: Field): Uint8Array {
  if (field.wire !== 2) throw new MalformedProtobuf(`field ${field.number} should be a message`)
  return field.bytes
}

/** A signed 64-bit number. @throws MalformedProtobuf */
export function integerOf(field: Field): number {
  if (field.wire !== 0) throw new MalformedProtobuf(`field ${field.number} should be a number`)
  return Number(BigInt.asIntN(64, field.value))
}

/** Signed 64-bit numbers of a repeated field, which may stand one by one or packed. @throws MalformedProtobuf */
export function integersOf(field: Field): bigint[] {
  if (field.wire === 0) return [BigInt.asIntN(64, field.value)]
  const packed = messageOf(field)
  const cursor = { at: 0 }
  const values: bigint[] = []
  while (cursor.at < packed.length) values.push(BigInt.asIntN(64, readVarint(packed, cursor)))
  return values
}
