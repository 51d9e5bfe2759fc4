// What a worker is about to run, in a file that the primary reads when the worker no longer answers.
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Of the file: a version longer than this is cut, which still tells two apart in practice. */
const markBytes = 256

export interface RunMark {
  /** Before each run and load. A few bytes into the page cache: 1 to 2 microseconds. */
  set(version: string): void
  /** After it. Costs nothing when nothing was marked. */
  clear(): void
  close(): void
}

/** Never throws after it was opened: a disk that fails must not fail an answer, it only makes a hang harder to attribute. */
export function openRunMark(path: string): RunMark {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = openSync(path, 'w', 0o600)
  writeSync(file, Buffer.alloc(markBytes), 0, markBytes, 0)
  const none = Buffer.alloc(1)
  const buffers = new Map<string, Buffer>()
  let isSet = false
  let isOpen = true
  const write = (bytes: Buffer): void => {
    try {
      writeSync(file, bytes, 0, bytes.length, 0)
    } catch {
      // See above: the answer goes first.
    }
  }
  return {
    set(version) {
      let bytes = buffers.get(version)
      if (!bytes) {
        bytes = Buffer.from(`${version.slice(0, markBytes - 1)}\0`)
        buffers.set(version, bytes)
      }
      write(bytes)
      isSet = true
    },
    clear() {
      if (isSet) write(none)
      isSet = false
    },
    close() {
      if (isOpen) closeSync(file)
      isOpen = false
    },
  }
}

/** The version that the worker was running; undefined: none, or the worker never opened its mark. */
export function readRunMark(path: string): string | undefined {
  try {
    const bytes = readFileSync(path)
    const text = bytes.subarray(0, Math.max(0, bytes.indexOf(0))).toString('utf8')
    return text === '' ? undefined : text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
