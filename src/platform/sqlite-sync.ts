// SQLite's log on its way to the disk: synced in another thread, so that the next transactions run meanwhile. Commits that come while one
// sync is under way share the next.
import { closeSync, fdatasync, openSync } from 'node:fs'
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

type SyncFile = (file: number, done: (error: Error | null) => void) => void

/** @param path the log's, which is there from the first commit on */
export function createLogSync(path: string, syncFile: SyncFile = fdatasync): LogSync {
  let file: number | undefined
  let failure: DomainError | undefined
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined

  const sync = async (): Promise<void> => {
    try {
      const opened = (file ??= openSync(path, 'r+'))
      await new Promise<void>((resolve, reject) => {
        syncFile(opened, (error) => (error ? reject(error) : resolve()))
      })
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
