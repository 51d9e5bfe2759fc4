// A full disk, for real: a small tmpfs. Skipped, and said so, where one cannot be mounted.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDirectoryBlobs } from './blobs-directory.ts'
import { mountSmallDisk } from './testing-disk.ts'

test('a full disk is a clear error that leaves nothing, and with room again all goes on', async (context) => {
  await using disk = await mountSmallDisk(4)
  if (!disk) return context.skip('no tmpfs can be mounted here')
  const blobs = openDirectoryBlobs(disk.path)
  const kept = await blobs.put(new Uint8Array(1024 * 1024).fill(1))
  const large = new Uint8Array(8 * 1024 * 1024).fill(2)
  await expect(blobs.put(large)).rejects.toMatchObject({ kind: 'unavailable', code: 'disk_full' })
  expect(readdirSync(join(disk.path, 'tmp'))).toEqual([])
  const listed: string[] = []
  for await (const { digest } of blobs.list()) listed.push(digest)
  expect(listed).toEqual([kept.digest])
  expect(await blobs.put(new Uint8Array(1024 * 1024).fill(3))).toMatchObject({ bytes: 1024 * 1024 })
})
