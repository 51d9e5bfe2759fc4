// What a worker is about to run and how much it has answered and reported, in a file that the primary reads when the worker is no more.
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

// The file: rows answered (a double), the version that runs (text, zero-ended), rows reported (a double).
const versionAt = 8
/** Of the version: a longer one is cut, which still tells two apart in practice. */
const versionBytes = 256
const reportedAt = versionAt + versionBytes
const markBytes = reportedAt + 8
/** So that writing costs nothing beside the answers. */
const countAfterMs = 5

export interface RunMark {
  /** Before each run and load: also writes down what was answered so far. A few bytes into the page cache: 1 to 2 microseconds. */
  set(version: string): void
  /** More was answered: where no run is marked it is written down a moment later. */
  noteAnswers(): void
  /** When nothing is about to run: also writes down what was answered so far. Costs nothing when nothing was marked. */
  clear(): void
  /** When a report is on the disk: of the answered rows, those that reports so far tell of. */
  setReported(rows: number): void
  close(): void
}

/** What a worker left. */
export interface LeftMark {
  /** The version that it was running; undefined: none. */
  readonly version: string | undefined
  /** Answers to be logged that no report tells of; those of its very last turn, or few milliseconds, may be missing here. */
  readonly rowsUnreported: number
}

/**
 * Never throws after it was opened: a disk that fails must not fail an answer, it only makes a hang harder to attribute.
 * @param rowsAnswered how many rows to be logged were answered so far
 */
export function openRunMark(path: string, rowsAnswered: () => number): RunMark {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = openSync(path, 'w', 0o600)
  writeSync(file, Buffer.alloc(markBytes), 0, markBytes, 0)
  const cleared = Buffer.alloc(versionAt + 1)
  const reported = Buffer.alloc(8)
  /** The count and the version's text, as they stand in the file: one write for both. */
  const buffers = new Map<string, Buffer>()
  let isSet = false
  let counting: NodeJS.Timeout | undefined
  let isOpen = true
  const write = (bytes: Buffer, at: number): void => {
    // Its number may be another file's by now.
    if (!isOpen) return
    try {
      writeSync(file, bytes, 0, bytes.length, at)
    } catch {
      // See above: the answer goes first.
    }
  }
  const writeCleared = (): void => {
    cleared.writeDoubleLE(rowsAnswered())
    write(cleared, 0)
  }
  return {
    set(version) {
      let bytes = buffers.get(version)
      if (!bytes) {
        const text = Buffer.from(`${version.slice(0, versionBytes - 1)}\0`)
        bytes = Buffer.concat([Buffer.alloc(versionAt), text])
        buffers.set(version, bytes)
      }
      bytes.writeDoubleLE(rowsAnswered())
      write(bytes, 0)
      isSet = true
    },
    noteAnswers() {
      if (isSet || !isOpen) return
      counting ??= setTimeout(() => {
        counting = undefined
        if (!isSet) writeCleared()
      }, countAfterMs).unref()
    },
    clear() {
      if (!isSet) return
      isSet = false
      writeCleared()
    },
    setReported(rows) {
      reported.writeDoubleLE(rows)
      write(reported, reportedAt)
    },
    close() {
      clearTimeout(counting)
      if (isOpen) closeSync(file)
      isOpen = false
    },
  }
}

/** Of a worker that never opened its mark: nothing. */
export function readRunMark(path: string): LeftMark {
  try {
    const bytes = readFileSync(path)
    if (bytes.length < markBytes) return nothing // It was killed while it opened it.
    const version = bytes.subarray(versionAt, bytes.indexOf(0, versionAt)).toString('utf8')
    const rowsUnreported = Math.max(0, bytes.readDoubleLE(0) - bytes.readDoubleLE(reportedAt))
    return { version: version === '' ? undefined : version, rowsUnreported }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing
    throw error
  }
}

const nothing: LeftMark = { version: undefined, rowsUnreported: 0 }
