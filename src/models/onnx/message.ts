// Writes the protobuf wire format: messages by field number, for the few that a graph is changed by.

const utf8 = new TextEncoder()

function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

type Content = number | bigint | string | Uint8Array | Message

/** Fields by number; a list repeats the field. */
export interface Message {
  readonly [field: number]: Content | readonly Content[]
}

/** The wire format of a message: numbers as varints, text, bytes and messages with their length before them. */
export function encode(message: Message): Uint8Array {
  const chunks: Uint8Array[] = []
  for (const [field, contents] of Object.entries(message) as [string, Content | readonly Content[]][]) {
    for (const content of (Array.isArray(contents) ? contents : [contents]) as readonly Content[]) {
      const key = BigInt(field) << 3n
      if (typeof content === 'number' || typeof content === 'bigint') {
        chunks.push(Uint8Array.from([...varint(key), ...varint(BigInt(content))]))
        continue
      }
      const bytes =
        typeof content === 'string' ? utf8.encode(content) : content instanceof Uint8Array ? content : encode(content)
      chunks.push(Uint8Array.from([...varint(key | 2n), ...varint(BigInt(bytes.length))]), bytes)
    }
  }
  return Buffer.concat(chunks)
}
