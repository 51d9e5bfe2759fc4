// A small disk of its own, to be filled up. Needs the right to mount.
import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Writes until nothing more fits; disposing of what it answers makes room again. */
  fill(): AsyncDisposable
}

/** Undefined where it cannot be mounted. */
export async function openSmallDisk(megabytes: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'trueloop-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    await rm(path, { recursive: true })
    return undefined
  }
  return {
    path,
    fill: () => fill(join(path, 'filler')),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [path])
      await rm(path, { recursive: true })
    },
  }
}

function fill(file: string): AsyncDisposable {
  const descriptor = openSync(file, 'w')
  try {
    for (const bytes of [65_536, 4_096, 512]) {
      const block = Buffer.alloc(bytes, 1)
      try {
        for (;;) if (writeSync(descriptor, block) < bytes) break
        fsyncSync(descriptor)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(descriptor)
  }
  return { [Symbol.asyncDispose]: () => rm(file) }
}
