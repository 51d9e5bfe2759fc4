// Splits a protobuf message into its fields, so that some can be changed and all others written again as they were.

export interface RawField {
  readonly number: number
  /** Of a length-delimited field its bytes; of others empty. */
  readonly payload: Uint8Array
  /** The field as it stands, key and length included. */
  readonly whole: Uint8Array
}

const decoder = new TextDecoder('utf-8', { fatal: true })
const none: Uint8Array = new Uint8Array(0)
/** Bytes after the key, by wire type; of the others the message itself tells. */
const fixedLength: Readonly<Record<number, number>> = { 1: 8, 5: 4 }

/** @throws Error when the bytes are no whole message */
export function splitMessage(message: Uint8Array): RawField[] {
  const fields: RawField[] = []
  const cursor = { at: 0 }
  while (cursor.at < message.length) {
    const start = cursor.at
    const key = readVarint(message, cursor)
    const wire = key % 8
    let payload: Uint8Array = none
    if (wire === 0) readVarint(message, cursor)
    else {
      const length = wire === 2 ? readVarint(message, cursor) : fixedLength[wire]
      if (length === undefined || cursor.at + length > message.length)
        throw new Error(`no protobuf field of wire type ${wire} fits at byte ${start}`)
      if (wire === 2) payload = message.subarray(cursor.at, cursor.at + length)
      cursor.at += length
    }
    fields.push({ number: Math.floor(key / 8), payload, whole: message.subarray(start, cursor.at) })
  }
  return fields
}

export const textOf = ({ payload }: RawField): string => decoder.decode(payload)

/** Exact up to 2^53; the numbers that are longer are passed over and not looked at. */
function readVarint(message: Uint8Array, cursor: { at: number }): number {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = message[cursor.at++]
    if (byte === undefined) throw new Error('the message is cut in the middle of a number')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
  }
}
