// A sample of raw inputs and outputs as NDJSON segments on disk, bounded in rows a second and in bytes; made into Parquet elsewhere.
import { appendFile, mkdir, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../platform/log.ts'
import { messageOf } from '../../platform/errors.ts'
import { rawRowsPerSecondMax, rawSegmentAgeMaxMs, rawSegmentBytesMax, rawSpoolBytesMax } from '../gateway-limits.ts'
import type { PredictionRecord } from '../gateway-report.ts'
import type { RequestColumns } from '../request-rows.ts'

/** A finished segment; what is being written ends in `.part`. */
export const rawSegmentEnding = '.rows.ndjson'

/** One line of a segment. `inputs` is JSON text: columns differ between endpoints. */
export interface RawRow {
  readonly id: string
  readonly endpoint: string
  readonly version: string
  readonly role: string
  readonly eventTimeMs: number
  readonly atMs: number
  readonly output: readonly number[]
  readonly inputs: string
}

export interface RawLog {
  /** Keeps a reference; encoding waits until {@link flush}. */
  add(record: PredictionRecord, columns: RequestColumns, row: number): void
  /** Writes what is there to the open segment. Errors of the disk are logged and the rows counted as dropped. */
  flush(): Promise<void>
  /** Finishes the open segment. */
  close(): Promise<void>
  /** Rows that the limits left out since the start. */
  readonly rowsDropped: number
}

interface Kept {
  readonly record: PredictionRecord
  readonly columns: RequestColumns
  readonly row: number
}

export function createRawLog(deps: { directory: string; worker: string; nowMs: () => number; log: Log }): RawLog {
  let kept: Kept[] = []
  let rowsDropped = 0
  let segment = 0
  let open: { readonly path: string; readonly startMs: number; bytes: number } | undefined
  let secondStartMs = deps.nowMs()
  let rowsThisSecond = 0

  const append = async (rows: readonly Kept[]): Promise<void> => {
    if (!open) {
      await mkdir(deps.directory, { recursive: true, mode: 0o700 })
      if ((await bytesIn(deps.directory)) > rawSpoolBytesMax) {
        rowsDropped += rows.length
        return
      }
      const name = `${deps.worker}.${String(++segment).padStart(9, '0')}${rawSegmentEnding}`
      open = { path: join(deps.directory, name), startMs: deps.nowMs(), bytes: 0 }
    }
    const text = rows.map(lineOf).join('')
    await appendFile(`${open.path}.part`, text, { mode: 0o600 })
    open.bytes += text.length
  }

  return {
    add(record, columns, row) {
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
      kept.push({ record, columns, row })
    },
    async flush() {
      const rows = kept
      kept = []
      try {
        if (rows.length > 0) await append(rows)
        if (open && (open.bytes > rawSegmentBytesMax || deps.nowMs() - open.startMs > rawSegmentAgeMaxMs))
          await this.close()
      } catch (error) {
        rowsDropped += rows.length
        deps.log.warn('raw rows could not be written', { rows: rows.length, error: messageOf(error) })
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

function lineOf({ record, columns, row }: Kept): string {
  const inputs: Record<string, unknown> = {}
  for (const name in columns) inputs[name] = columns[name]![row]
  const { id, endpoint, version, role, eventTimeMs, atMs, output } = record
  const line: RawRow = { id, endpoint, version, role, eventTimeMs, atMs, output, inputs: JSON.stringify(inputs) }
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
