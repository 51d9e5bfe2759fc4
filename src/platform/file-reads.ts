// Files read to memory that is there already: large buffers come dear when each is a new one.
import type { FileHandle } from 'node:fs/promises'

/** The first `size` bytes of a file, at the beginning of `memory`; fewer where the file ends before. */
export async function readTo(memory: Buffer, file: FileHandle, size: number): Promise<Buffer> {
  let bytes = 0
  while (bytes < size) {
    const { bytesRead } = await file.read(memory, bytes, size - bytes, bytes)
    if (bytesRead === 0) break
    bytes += bytesRead
  }
  return memory.subarray(0, bytes)
}
