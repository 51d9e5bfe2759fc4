// What reading a folder works with.
import { DomainError } from '../../../platform/errors.ts'
import type { Staging } from '../staging.ts'

export interface FolderDeps {
  /** Without links: where it really is. */
  readonly root: string
  /** The folder of a server's artifacts; may be missing. */
  readonly artifacts: string
  readonly staging: Pick<Staging, 'all' | 'insert' | 'isFinished' | 'finish'>
  /** What did not come, or not whole: a sentence. */
  readonly note: (what: string) => void
}

/** An experiment's folder, when its row is there. */
export interface ExperimentFolder {
  readonly path: string
  readonly id: bigint | number
}

/** One damaged thing is told by its name, and stops nothing else. */
export async function attempt(deps: FolderDeps, what: string, read: () => Promise<void>): Promise<void> {
  try {
    await read()
  } catch (error) {
    const isOfFile = error instanceof Error && 'syscall' in error
    if (!(error instanceof DomainError || isOfFile)) throw error
    deps.note(`${what} did not come: ${error.message}`)
  }
}

export const pairRows = <T extends object>(
  pairs: ReadonlyMap<string, string>,
  rowOf: (key: string, value: string) => T,
): T[] => [...pairs].map(([key, value]) => rowOf(key, value))
