// Rows of a batch as bytes: what goes to the compute process, and what an answer is remembered by.
import { reserveRows, type Batch } from '../../../models/batch.ts'

const lengthBytes = 4

/** All rows, tensor after tensor; numbers as they lie in memory, each text after its length. The same rows are the same bytes. */
export function packRows({ tensors, rows }: Batch): Buffer {
  let bytes = 0
  for (const { values, width } of tensors) {
    if (!Array.isArray(values)) bytes += rows * width * values.BYTES_PER_ELEMENT
    else for (let at = 0; at < rows * width; at++) bytes += lengthBytes + Buffer.byteLength(values[at]!)
  }
  const packed = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const { values, width } of tensors) {
    if (Array.isArray(values)) at = writeTexts(packed, at, { values, count: rows * width })
    else {
      const length = rows * width * values.BYTES_PER_ELEMENT
      packed.set(new Uint8Array(values.buffer, values.byteOffset, length), at)
      at += length
    }
  }
  return packed
}

function writeTexts(
  packed: Buffer,
  start: number,
  { values, count }: { values: readonly string[]; count: number },
): number {
  let at = start
  for (let place = 0; place < count; place++) {
    const length = packed.write(values[place]!, at + lengthBytes)
    packed.writeUInt32LE(length, at)
    at += lengthBytes + length
  }
  return at
}

/** Fills an empty batch of the same signature with rows from {@link packRows}. */
export function unpackRows(batch: Batch, bytes: Uint8Array, rows: number): void {
  reserveRows(batch, rows)
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (const { values, width } of batch.tensors) {
    const count = rows * width
    if (!Array.isArray(values)) {
      const length = count * values.BYTES_PER_ELEMENT
      new Uint8Array(values.buffer, values.byteOffset, length).set(packed.subarray(at, at + length))
      at += length
      continue
    }
    for (let place = 0; place < count; place++) {
      const length = packed.readUInt32LE(at)
      values[place] = packed.toString('utf8', at + lengthBytes, at + lengthBytes + length)
      at += lengthBytes + length
    }
  }
  batch.rows = rows
}
