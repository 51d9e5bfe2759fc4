// For tests: a disk that is soon full. Needs the right to mount.
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk extends AsyncDisposable {
  readonly path: string
}

/** Undefined where it cannot be mounted: skip the test, and say why. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'trueloop-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    await rm(path, { recursive: true })
    return undefined
  }
  const dispose = async (): Promise<void> => {
    execFileSync('umount', [path])
    await rm(path, { recursive: true })
  }
  return { path, [Symbol.asyncDispose]: dispose }
}
