// The directory store: the conformance suite, and what only files have.
import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDirectoryBlobs } from './blobs-directory.ts'
import { testBlobStore } from './blobs.conformance.ts'

async function openFixture() {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-blobs-'))
  return {
    directory,
    blobs: openDirectoryBlobs(join(directory, 'blobs')),
    async overwrite(digest: string, bytes: Uint8Array) {
      const path = join(directory, 'blobs', digest.slice(0, 2), digest.slice(2))
      await chmod(path, 0o644)
      await writeFile(path, bytes)
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

testBlobStore(openFixture, 20 * 1024 * 1024)

test('a stored file is read-only and no temporary file is left', async () => {
  await using fixture = await openFixture()
  const { digest } = await fixture.blobs.put(new Uint8Array([1, 2, 3]))
  expect((await stat(await fixture.blobs.localPath(digest))).mode & 0o777).toBe(0o444)
  expect(await readdir(join(fixture.directory, 'blobs', 'tmp'))).toEqual([])
})

test('a file cut short is repaired by storing its bytes again', async () => {
  await using fixture = await openFixture()
  const bytes = new Uint8Array(1000).fill(7)
  const { digest } = await fixture.blobs.put(bytes)
  await fixture.overwrite(digest, bytes.subarray(0, 10))
  await fixture.blobs.put(bytes)
  expect(
    createHash('sha256')
      .update(await fixture.blobs.get(digest))
      .digest('hex'),
  ).toBe(digest)
})

test('what a dead process left half-written is removed when it is a day old, and nothing younger', async () => {
  await using fixture = await openFixture()
  await fixture.blobs.put(new Uint8Array([1]))
  const temporary = join(fixture.directory, 'blobs', 'tmp')
  await writeFile(join(temporary, 'old'), 'x')
  await writeFile(join(temporary, 'young'), 'x')
  await utimes(join(temporary, 'old'), new Date(0), new Date(0))
  await openDirectoryBlobs(join(fixture.directory, 'blobs')).put(new Uint8Array([2]))
  expect(await readdir(temporary)).toEqual(['young'])
})

test('an old object that is stored again or renewed is not taken for an old one', async () => {
  await using fixture = await openFixture()
  const bytes = new Uint8Array([1, 2, 3])
  const { digest } = await fixture.blobs.put(bytes)
  const path = await fixture.blobs.localPath(digest)
  const hourMs = 3_600_000
  async function* streamed(): AsyncIterable<Uint8Array> {
    yield bytes
  }
  const again = [() => fixture.blobs.put(bytes), () => fixture.blobs.put(streamed()), () => fixture.blobs.renew(digest)]
  for (const renew of again) {
    await utimes(path, new Date(0), new Date(0))
    await renew()
    expect(await fixture.blobs.deleteBefore(digest, Date.now() - hourMs)).toBe(false)
  }
  await utimes(path, new Date(0), new Date(0))
  expect(await fixture.blobs.deleteBefore(digest, Date.now() - hourMs)).toBe(true)
  expect(await readdir(join(fixture.directory, 'blobs', 'tmp'))).toEqual([])
})
