// The attributes of a node: by their names, and the numbers of those that hold millions of them.
import { fieldsOf, MalformedProtobuf, messageOf, textOf } from './protobuf.ts'
import type { GraphNode } from './reader.ts'

/** Fields of an attribute that hold plain numbers or texts: f, i, s, floats, ints, strings. */
const contents: ReadonlySet<number> = new Set([2, 3, 7, 8])

/** Messages of the attributes by name. @throws MalformedProtobuf */
export function attributesOf({ message }: GraphNode): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const field of fieldsOf(message)) {
    if (field.number !== 5) continue
    const attribute = messageOf(field)
    for (const part of fieldsOf(attribute, contents)) {
      if (part.number !== 1) continue
      found.set(textOf(part), attribute)
      break
    }
  }
  return found
}

/** A position in a message. */
interface Cursor {
  at: number
}

const wireOf = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const
const floatsField = 7
const wholesField = 8
const textsField = 9

/** A varint; of more than 53 bits only the wrapped value of 64 is right, which no count or index has. */
function varint(message: Uint8Array, cursor: Cursor): number {
  let value = 0
  let scale = 1
  for (let count = 0; count < 10; count++) {
    const byte = message[cursor.at++]
    if (byte === undefined) throw new MalformedProtobuf('it is cut in the middle of a number')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 128
  }
  throw new MalformedProtobuf(`a number of more than 10 bytes at byte ${cursor.at}`)
}

/** Calls `take` at the start of each field's content, which moves the cursor to its end. */
function eachField(message: Uint8Array, take: (field: number, wire: number, cursor: Cursor) => void): void {
  const cursor = { at: 0 }
  while (cursor.at < message.length) {
    const key = varint(message, cursor)
    take(Math.floor(key / 8), key % 8, cursor)
    if (cursor.at > message.length) throw new MalformedProtobuf('a field ends behind the end of its message')
  }
}

function skip(message: Uint8Array, wire: number, cursor: Cursor): void {
  if (wire === wireOf.varint) varint(message, cursor)
  else if (wire === wireOf.fixed32) cursor.at += 4
  else if (wire === wireOf.fixed64) cursor.at += 8
  else if (wire === wireOf.bytes) {
    const bytes = varint(message, cursor)
    cursor.at += bytes
  } else throw new MalformedProtobuf(`wire type ${wire} at byte ${cursor.at}`)
}

/** The `floats` of an attribute, one by one or packed. @throws MalformedProtobuf */
export function floatsOf(attribute: Uint8Array): Float32Array {
  const view = new DataView(attribute.buffer, attribute.byteOffset, attribute.byteLength)
  // Each takes four bytes at least.
  const floats = new Float32Array(Math.ceil(attribute.length / 4))
  let count = 0
  eachField(attribute, (field, wire, cursor) => {
    if (field !== floatsField) return skip(attribute, wire, cursor)
    const bytes = wire === wireOf.bytes ? varint(attribute, cursor) : 4
    const end = cursor.at + bytes
    if (end > attribute.length) throw new MalformedProtobuf('a number ends behind the end of its message')
    for (; cursor.at + 4 <= end; cursor.at += 4) floats[count++] = view.getFloat32(cursor.at, true)
    cursor.at = end
  })
  return floats.slice(0, count)
}

/** The `ints` of an attribute, each from 0 to 2^31 - 1. @throws MalformedProtobuf: another one */
export function wholesOf(attribute: Uint8Array): Int32Array {
  let wholes = new Int32Array(1024)
  let count = 0
  const add = (cursor: Cursor): void => {
    const value = varint(attribute, cursor)
    if (value > 0x7f_ff_ff_ff) throw new MalformedProtobuf('a number is not among those that are used here')
    if (count === wholes.length) {
      const more = new Int32Array(count * 2)
      more.set(wholes)
      wholes = more
    }
    wholes[count++] = value
  }
  eachField(attribute, (field, wire, cursor) => {
    if (field !== wholesField) return skip(attribute, wire, cursor)
    if (wire !== wireOf.bytes) return add(cursor)
    const bytes = varint(attribute, cursor)
    const end = cursor.at + bytes
    while (cursor.at < end) add(cursor)
  })
  return wholes.slice(0, count)
}

const knownMax = 8

function isThere(message: Uint8Array, start: number, bytes: Uint8Array): boolean {
  for (let at = bytes.length - 1; at >= 0; at--) if (message[start + at] !== bytes[at]) return false
  return true
}

/** The `strings` of an attribute. @throws MalformedProtobuf */
export function textsOf(attribute: Uint8Array): string[] {
  const buffer = Buffer.from(attribute.buffer, attribute.byteOffset, attribute.byteLength)
  const texts: string[] = []
  // A few that stand there a million times are made once.
  const known: { bytes: Buffer; text: string }[] = []
  eachField(attribute, (field, wire, cursor) => {
    if (field !== textsField || wire !== wireOf.bytes) return skip(attribute, wire, cursor)
    const length = varint(attribute, cursor)
    const [start, end] = [cursor.at, cursor.at + length]
    cursor.at = end
    let found = known.find(({ bytes }) => bytes.length === length && isThere(attribute, start, bytes))
    if (!found) {
      found = { bytes: buffer.subarray(start, end), text: buffer.toString('latin1', start, end) }
      if (known.length < knownMax) known.push(found)
    }
    texts.push(found.text)
  })
  return texts
}

/** The one text, or undefined. @throws MalformedProtobuf */
export function oneTextOf(attribute: Uint8Array): string | undefined {
  for (const field of fieldsOf(attribute, contents)) if (field.number === 4) return textOf(field)
  return undefined
}

/** The one whole number, or undefined. @throws MalformedProtobuf */
export function oneWholeOf(attribute: Uint8Array): number | undefined {
  for (const field of fieldsOf(attribute)) if (field.number === 3) return Number(BigInt.asIntN(64, field.value))
  return undefined
}
