// SQLite's log on its way to the disk: synced in another thread, so that the next transactions run meanwhile; at once on a disk that takes less
// time than the other thread would. Commits that come while one sync is under way share the next.
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs'
import { DomainError, messageOf } from './errors.ts'

export interface LogSync {
  /**
   * Resolves when all that was committed before the call is on the disk.
   * @throws DomainError disk_sync_failed, at once and for ever after a sync failed: what the disk holds is not known then
   */
  synced(): Promise<void>
  /** @throws DomainError disk_sync_failed when a sync has failed */
  assertSound(): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Both ways to sync a file. */
export interface SyncedDisk {
  readonly start: (file: number, done: (error: Error | null) => void) => void
  /** Returns when it is done. */
  readonly wait: (file: number) => void
  /** Monotonic. */
  readonly nowMs: () => number
}

const ownDisk: SyncedDisk = { start: fdatasync, wait: fdatasyncSync, nowMs: () => performance.now() }

/** To hand a sync over and to be told takes some 0.2 ms, and most of it is this thread's own time. */
const shortMs = 0.5

/** @param path the log's, which is there from the first commit on */
export function createLogSync(path: string, disk: SyncedDisk = ownDisk): LogSync {
  let file: number | undefined
  /** Of the last sync, from when it was asked for. */
  let tookMs = Number.POSITIVE_INFINITY
  let failure: DomainError | undefined
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined

  const sync = async (): Promise<void> => {
    try {
      const opened = (file ??= openSync(path, 'r+'))
      const startMs = disk.nowMs()
      if (tookMs < shortMs) disk.wait(opened)
      else {
        await new Promise<void>((resolve, reject) => {
          disk.start(opened, (error) => (error ? reject(error) : resolve()))
        })
      }
      tookMs = disk.nowMs() - startMs
    } catch (error) {
      failure = new DomainError(
        'unavailable',
        'disk_sync_failed',
        `the disk of ${path} did not take what was written (${messageOf(error)}): look after the disk, then start again`,
      )
      throw failure
    }
  }
  const begin = (): Promise<void> => {
    const begun = sync().finally(() => {
      current = next
      next = undefined
    })
    return begun
  }
  const assertSound = (): void => {
    if (failure) throw failure
  }

  return {
    assertSound,
    async synced() {
      assertSound()
      if (!current) return (current = begin())
      // What is under way may have begun before the last commit wrote.
      next ??= current.then(begin)
      return next
    },
    async close() {
      await Promise.allSettled([current, next])
      if (file !== undefined) closeSync(file)
      file = undefined
    },
  }
}
