// A full disk, for real: a small tmpfs. Skipped, and said so, where one cannot be mounted.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openDirectoryBlobs } from './blobs-directory.ts'

const mount = mkdtempSync(join(tmpdir(), 'trueloop-tmpfs-'))

function tryMount(): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String(error)
  }
}

const refusal = tryMount()
afterAll(() => {
  if (refusal === undefined) execFileSync('umount', [mount])
  rmSync(mount, { recursive: true })
})

test('a full disk is a clear error that leaves nothing, and with room again all goes on', (context) => {
  if (refusal !== undefined) context.skip(`no tmpfs can be mounted here: ${refusal}`)
  return (async () => {
    const blobs = openDirectoryBlobs(mount)
    const kept = await blobs.put(new Uint8Array(1024 * 1024).fill(1))
    const large = new Uint8Array(8 * 1024 * 1024).fill(2)
    await expect(blobs.put(large)).rejects.toMatchObject({ kind: 'unavailable', code: 'disk_full' })
    expect(readdirSync(join(mount, 'tmp'))).toEqual([])
    const listed: string[] = []
    for await (const { digest } of blobs.list()) listed.push(digest)
    expect(listed).toEqual([kept.digest])
    expect(await blobs.put(new Uint8Array(1024 * 1024).fill(3))).toMatchObject({ bytes: 1024 * 1024 })
  })()
})
