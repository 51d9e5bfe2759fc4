// Refuses JSON that nests deeper than anybody means it to: DuckDB's reader overflows its stack on such a file and takes the process along.
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { DomainError } from '../../platform/errors.ts'

/** Levels of arrays and objects. */
export const jsonDepthMax = 100

const quote = 0x22
const backslash = 0x5c
const opens = (byte: number): boolean => byte === 0x5b || byte === 0x7b
const closes = (byte: number): boolean => byte === 0x5d || byte === 0x7d

/**
 * Reads the file once, as a stream.
 * @throws DomainError json_too_deep
 */
export async function checkJsonDepth(path: string, name: string): Promise<void> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 })
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  let state: ScanState = { depth: 0, inString: false, escaped: false, line: 1 }
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    state = scan(chunk, state)
    if (state.depth <= jsonDepthMax) continue
    const message = `"${name}" nests more than ${jsonDepthMax} levels of JSON at line ${state.line}: flatten it before reading`
    throw new DomainError('invalid', 'json_too_deep', message, { file: name, line: state.line })
  }
}

interface ScanState {
  readonly depth: number
  readonly inString: boolean
  readonly escaped: boolean
  readonly line: number
}

/** Stops early when too deep. */
function scan(chunk: Buffer, from: ScanState): ScanState {
  let { depth, inString, escaped, line } = from
  for (let i = 0; i < chunk.length; i++) {
    const byte = chunk[i]!
    if (inString) {
      if (escaped) escaped = false
      else if (byte === backslash) escaped = true
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (opens(byte)) {
      if (++depth > jsonDepthMax) break
    } else if (closes(byte)) depth--
    else if (byte === 0x0a) line++
  }
  return { depth, inString, escaped, line }
}
