// For tests of this stage: a scratch folder with tables and a blob store in it, all gone afterwards.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { openTables, type Tables } from '../platform/tables.ts'
import type { IngestDeps } from './ingest.ts'

export interface DataWorkshop extends AsyncDisposable {
  readonly folder: string
  readonly blobs: BlobStore
  /** Runs work as a step process would: with tables and a scratch folder of its own. */
  step<T>(work: (deps: IngestDeps) => Promise<T>, more?: Partial<IngestDeps>): Promise<T>
}

export async function openDataWorkshop(): Promise<DataWorkshop> {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-data-'))
  const blobs = openDirectoryBlobs(join(folder, 'blobs'))
  let steps = 0
  return {
    folder,
    blobs,
    async step(work, more = {}) {
      const scratchDirectory = join(folder, `step-${steps++}`)
      await mkdir(scratchDirectory)
      await using tables: Tables = await openTables({
        memoryLimitBytes: 1_000_000_000,
        tempDirectory: scratchDirectory,
        threads: 2,
      })
      const signal = new AbortController().signal
      return await work({ tables, blobs, scratchDirectory, signal, progress: () => undefined, ...more })
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
