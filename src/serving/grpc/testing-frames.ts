// For tests: HTTP/2 frame by frame (RFC 9113), for callers that write in an order that no library can be told to.

export interface Frame {
  readonly type: number
  readonly flags: number
  /** 0: of the connection. */
  readonly stream: number
  readonly payload: Buffer
}

export const frameTypes = { data: 0, headers: 1, settings: 4, ping: 6 } as const
export const frameFlags = { ack: 1, endStream: 1, endHeaders: 4 } as const
export const connectionPreface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

const headBytes = 9
const noBytes = Buffer.alloc(0)

export function frameBytes({
  type,
  flags = 0,
  stream = 0,
  payload = noBytes,
}: Pick<Frame, 'type'> & Partial<Frame>): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Frames that are whole with these bytes; the rest waits for more. */
export function frameReader(): (chunk: Buffer) => Frame[] {
  let bytes = noBytes
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    const frames: Frame[] = []
    while (bytes.length >= headBytes && bytes.length >= headBytes + bytes.readUIntBE(0, 3)) {
      const end = headBytes + bytes.readUIntBE(0, 3)
      const payload = Buffer.from(bytes.subarray(headBytes, end))
      frames.push({ type: bytes.readUInt8(3), flags: bytes.readUInt8(4), stream: bytes.readUInt32BE(5), payload })
      bytes = bytes.subarray(end)
    }
    return frames
  }
}

/** Header lines of less than 127 bytes, each as a literal that is in no table (RFC 7541, section 6.2.2). */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const line = ([name, value]: [string, string]): Buffer =>
    Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)])
  return Buffer.concat(Object.entries(headers).map(line))
}
