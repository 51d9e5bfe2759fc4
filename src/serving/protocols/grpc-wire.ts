// Messages of gRPC's protocols, read and written field by field: what all of them need. Pure.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { DomainError } from '../../platform/errors.ts'

/** A gRPC message begins with a byte that says whether it is compressed, and its length. */
export const framePrefixBytes = 5
/** A writer that has grown beyond this is let go. */
const writerBytesKept = 256 * 1024

export const malformed = (message: string): DomainError =>
  new DomainError('invalid', 'request_invalid', `the bytes are no ${message}: they end too early or are not protobuf`)

/**
 * Reads with `work`; what the reader itself throws is about bytes that are no such message.
 * @param name of the message, for the error
 * @throws DomainError request_invalid, and what `work` throws
 */
export function reading<Read>(name: string, bytes: Uint8Array, work: (reader: BinaryReader) => Read): Read {
  try {
    return work(new BinaryReader(bytes))
  } catch (error) {
    if (error instanceof DomainError) throw error
    // RangeError, TypeError (no UTF-8) or a plain Error; anything else is a bug of ours.
    if (error instanceof RangeError || error instanceof TypeError || (error as Error).name === 'Error')
      throw malformed(name)
    throw error
  }
}

/** Reads one field, or answers false, for it to be skipped. */
export type FieldReader = (field: number, wireType: WireType) => boolean

/** Reads the fields up to `end`. @throws Error when a field goes beyond it */
export function readFields(reader: BinaryReader, end: number, read: FieldReader): void {
  while (reader.pos < end) {
    const [field, wireType] = reader.tag()
    if (!read(field, wireType)) reader.skip(wireType, field)
  }
  if (reader.pos !== end) throw new RangeError('a field is longer than its message')
}

/** Where the nested message that begins here ends. @throws RangeError beyond `outerEnd` */
export function nestedEnd(reader: BinaryReader, outerEnd: number): number {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > outerEnd) throw new RangeError('a message is longer than the one around it')
  return end
}

/** Text that must be UTF-8. */
export const readText = (reader: BinaryReader): string => reader.string(true)

/** The text fields of a small message by number, and its flags; anything else in it is skipped. */
export interface SmallMessage {
  readonly texts: Readonly<Record<number, string>>
  readonly flags: Readonly<Record<number, boolean>>
}

/** @throws DomainError request_invalid */
export function readSmall(name: string, bytes: Uint8Array): SmallMessage {
  const texts: Record<number, string> = {}
  const flags: Record<number, boolean> = {}
  reading(name, bytes, (reader) =>
    readFields(reader, reader.len, (field, wireType) => {
      if (wireType === WireType.LengthDelimited && field <= 3) {
        texts[field] = Buffer.from(reader.bytes()).toString('utf8')
        return true
      }
      if (wireType !== WireType.Varint) return false
      flags[field] = reader.bool()
      return true
    }),
  )
  return { texts, flags }
}

let shared = new BinaryWriter()

/** One message with its prefix, ready to be sent. `write` may not call it again. */
export function frameOf(write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = shared
  let frame: Uint8Array
  try {
    writer.raw(emptyPrefix)
    write(writer)
    frame = writer.finish()
  } catch (error) {
    shared = new BinaryWriter()
    throw error
  }
  if (frame.length > writerBytesKept) shared = new BinaryWriter()
  new DataView(frame.buffer, frame.byteOffset).setUint32(1, frame.length - framePrefixBytes)
  return frame
}

const emptyPrefix = new Uint8Array(framePrefixBytes)

/** What protobuf leaves out: empty text, zero and false are their fields' defaults. */
export function writeText(writer: BinaryWriter, field: number, text: string): void {
  if (text !== '') writer.tag(field, WireType.LengthDelimited).string(text)
}

export function writeFlag(writer: BinaryWriter, field: number, flag: boolean): void {
  if (flag) writer.tag(field, WireType.Varint).bool(true)
}

/** A whole number from 0 that is not exact beyond 2^53. */
export function writeCount(writer: BinaryWriter, field: number, count: number): void {
  if (count > 0) writer.tag(field, WireType.Varint).uint64(BigInt(Math.round(count)))
}

export function writeNested(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork()
  write(writer)
  writer.join()
}

/** Packed int64, such as a shape; -1 stands for any size. */
export function writeSizes(writer: BinaryWriter, field: number, sizes: readonly number[]): void {
  if (sizes.length === 0) return
  writer.tag(field, WireType.LengthDelimited).fork()
  for (const size of sizes) {
    if (size >= 0 && size < 0x8000_0000) writer.uint32(size)
    else writer.int64(BigInt(size))
  }
  writer.join()
}
