// A sample of raw inputs and outputs as NDJSON segments on disk, bounded in rows a second and in bytes; made into Parquet elsewhere.
import { appendFile, mkdir, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../../platform/log.ts'
import { messageOf } from '../../../platform/errors.ts'
import {
  rawRowBytesMax,
  rawRowsPendingMax,
  rawRowsPerSecondMax,
  rawSegmentAgeMaxMs,
  rawSegmentBytesMax,
  rawSpoolBytesMax,
} from '../../contract/gateway-limits.ts'
import { inputsText, type RawInputs } from './raw-inputs.ts'
import { createWaitingTexts, type TakenTexts } from './waiting-texts.ts'

/** A finished segment; what is being written ends in `.part`. */
export const rawSegmentEnding = '.rows.ndjson'

/** What is kept of a row besides its inputs. */
export interface RawFacts {
  readonly id: string
  readonly endpoint: string
  /** Null: refused before a version was chosen. */
  readonly version: string | null
  readonly role: string | null
  /** Of the HTTP answer. */
  readonly status: number
  /** Of an error. Its message may hold values, and is not kept. */
  readonly code: string | null
  /** Probability with which the split chose the version; null: the split did not choose. */
  readonly assignedWith: number | null
  readonly eventTimeMs: number
  readonly atMs: number
  /** Empty when there was no answer. */
  readonly output: readonly number[]
}

/** One line of a segment. `inputs` is JSON text: columns differ between endpoints, and from version to version. */
export interface RawRow extends RawFacts {
  readonly inputs: string | null
}

export interface RawLog {
  /** `inputs` undefined: there were none that could be read. */
  add(facts: RawFacts, inputs: RawInputs | undefined): void
  /** Writes what is there to the open segment. Errors of the disk are logged and the rows counted as dropped. */
  flush(): Promise<void>
  /** Finishes the open segment. */
  close(): Promise<void>
  /** Rows that the limits left out since the start. */
  readonly rowsDropped: number
}

export function createRawLog(deps: { directory: string; worker: string; nowMs: () => number; log: Log }): RawLog {
  const kept = createWaitingTexts()
  let rowsDropped = 0
  let segment = 0
  let open: { readonly path: string; readonly startMs: number; bytes: number } | undefined
  let secondStartMs = deps.nowMs()
  let rowsThisSecond = 0

  const append = async ({ count, pieces }: TakenTexts): Promise<void> => {
    if (!open) {
      await mkdir(deps.directory, { recursive: true, mode: 0o700 })
      if ((await bytesIn(deps.directory)) > rawSpoolBytesMax) {
        rowsDropped += count
        return
      }
      const name = `${deps.worker}.${String(++segment).padStart(9, '0')}${rawSegmentEnding}`
      open = { path: join(deps.directory, name), startMs: deps.nowMs(), bytes: 0 }
    }
    const bytes = Buffer.concat(pieces)
    await appendFile(`${open.path}.part`, bytes, { mode: 0o600 })
    open.bytes += bytes.length
  }

  return {
    add(facts, inputs) {
      if (kept.count >= rawRowsPendingMax) {
        rowsDropped++
        return
      }
      if (rowsThisSecond >= rawRowsPerSecondMax) {
        const nowMs = deps.nowMs()
        if (nowMs - secondStartMs < 1000) {
          rowsDropped++
          return
        }
        secondStartMs = nowMs
        rowsThisSecond = 0
      }
      rowsThisSecond++
      const line = lineOf(facts, inputs)
      if (line.length <= rawRowBytesMax) kept.add(line)
      else rowsDropped++
    },
    async flush() {
      const rows = kept.take()
      try {
        if (rows.count > 0) await append(rows)
        if (open && (open.bytes > rawSegmentBytesMax || deps.nowMs() - open.startMs > rawSegmentAgeMaxMs))
          await this.close()
      } catch (error) {
        rowsDropped += rows.count
        deps.log.warn('raw rows could not be written', { rows: rows.count, error: messageOf(error) })
      } finally {
        rows.release()
      }
    },
    async close() {
      const finished = open
      open = undefined
      if (finished) await rename(`${finished.path}.part`, finished.path)
    },
    get rowsDropped() {
      return rowsDropped
    },
  }
}

function lineOf(facts: RawFacts, inputs: RawInputs | undefined): string {
  const { id, endpoint, version, role, status, code, assignedWith, eventTimeMs, atMs, output } = facts
  const kept = { id, endpoint, version, role, status, code, assignedWith, eventTimeMs, atMs, output }
  const line: RawRow = { ...kept, inputs: inputs ? inputsText(inputs) : null }
  return `${JSON.stringify(line)}\n`
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory)
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        (entry) => entry.size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
