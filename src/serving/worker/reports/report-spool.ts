// Reports on disk until the control plane has taken them: written by a worker, sent by the primary, in the order of their numbers.
import { mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTo } from '../../../platform/file-reads.ts'

const ending = '.report.json'
const unfinishedEnding = '.part'
const sequenceDigits = 12

/** `<worker>.<sequence>.report.json`: the name alone says the order. A worker's name is made by us, of letters, digits and `_`. */
export const reportFileName = (worker: string, sequence: number): string =>
  `${worker}.${String(sequence).padStart(sequenceDigits, '0')}${ending}`

export interface SpooledReport {
  readonly path: string
}

/** Whole or not at all: a reader only sees the finished file, which is there when this resolves, with no turn in between. @throws Error when the disk refuses */
export async function spoolReport(directory: string, name: string, json: readonly Uint8Array[]): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, name)
  const unfinished = path + unfinishedEnding
  await writeFile(unfinished, json, { mode: 0o600 })
  renameSync(unfinished, path)
}

/** As {@link spoolReport}, for a process that is about to end. */
export function spoolReportNow(directory: string, name: string, json: readonly Uint8Array[]): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, name)
  const unfinished = path + unfinishedEnding
  writeFileSync(unfinished, Buffer.concat(json), { mode: 0o600 })
  renameSync(unfinished, path)
}

/** Removes what killed workers were writing. While no worker runs; done when it returns, so that none can have begun. */
export function clearUnfinished(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(directory)) {
    if (name.endsWith(ending + unfinishedEnding)) rmSync(join(directory, name), { force: true })
  }
}

/** Oldest first within each worker. One look at the folder, however many they are. */
export async function listSpool(directory: string): Promise<SpooledReport[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw error
  })
  const reports = names.filter((entry) => entry.endsWith(ending)).toSorted()
  return reports.map((name) => ({ path: join(directory, name) }))
}

/** A look at each of them. */
export async function bytesOfSpool(reports: readonly SpooledReport[]): Promise<number> {
  let bytes = 0
  for (const { path } of reports) {
    bytes += await stat(path).then(
      (entry) => entry.size,
      () => 0, // Sent and removed meanwhile.
    )
  }
  return bytes
}

/** Reads a report; what it answers lies in memory that the next call uses again. */
export type ReadReport = (report: SpooledReport) => Promise<Buffer>

export function createReportReader(): ReadReport {
  let memory = Buffer.alloc(0)
  return async ({ path }) => {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size > memory.length) memory = Buffer.allocUnsafeSlow(2 * size)
      return await readTo(memory, file, size)
    } finally {
      await file.close()
    }
  }
}

export const removeReport = (report: SpooledReport): Promise<void> => rm(report.path, { force: true })
