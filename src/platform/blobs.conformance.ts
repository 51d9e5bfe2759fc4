// What every blob store must do, as tests: the directory and S3 both run them.
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { BlobRef, BlobStore } from './blobs.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function* chunksOf(...values: Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* values
}

/** What is listed, without its age. */
async function listed(blobs: BlobStore): Promise<BlobRef[]> {
  return (await collect(blobs.list())).map(({ digest, bytes }) => ({ digest, bytes }))
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of source) all.push(value)
  return all
}

/** A fresh, empty store, and a way to damage what it keeps behind its back. */
export interface BlobStoreFixture extends AsyncDisposable {
  readonly blobs: BlobStore
  overwrite(digest: string, bytes: Uint8Array): Promise<void>
}

/** Declares the tests. `largeBytes` should pass the size at which the store writes in parts. */
export function testBlobStore(open: () => Promise<BlobStoreFixture>, largeBytes: number): void {
  testStoring(open, largeBytes)
  testReading(open)
  testAge(open)
}

function testAge(open: () => Promise<BlobStoreFixture>): void {
  test('an object is listed with its age, and goes only when it is old', async () => {
    await using fixture = await open()
    const { digest } = await fixture.blobs.put(text('aged'))
    const [first] = await collect(fixture.blobs.list())
    expect(Math.abs(Date.now() - (first?.atMs ?? 0))).toBeLessThan(60_000)
    expect(await fixture.blobs.deleteBefore(digest, Date.now() - 60_000)).toBe(false)
    expect(await fixture.blobs.has(digest)).toBe(true)
    expect(await fixture.blobs.renew(digest)).toBe(true)
    expect(await fixture.blobs.deleteBefore(digest, Date.now() + 60_000)).toBe(true)
    expect(await fixture.blobs.has(digest)).toBe(false)
    expect(await fixture.blobs.renew(digest)).toBe(false)
    expect(await fixture.blobs.deleteBefore(digest, Date.now() + 60_000)).toBe(false)
    await fixture.blobs.put(text('aged'))
    expect(await listed(fixture.blobs)).toEqual([{ digest, bytes: 4 }])
  })
}

function testStoring(open: () => Promise<BlobStoreFixture>, largeBytes: number): void {
  test('bytes come back under their sha256, whole and in chunks', async () => {
    await using fixture = await open()
    const bytes = text('the bytes')
    const ref = await fixture.blobs.put(bytes)
    expect(ref).toEqual({ digest: sha256(bytes), bytes: 9 })
    expect(Buffer.from(await fixture.blobs.get(ref.digest)).toString()).toBe('the bytes')
    expect(Buffer.concat(await collect(fixture.blobs.stream(ref.digest))).toString()).toBe('the bytes')
  })

  test('the empty object is an object', async () => {
    await using fixture = await open()
    const ref = await fixture.blobs.put(new Uint8Array())
    expect(ref.bytes).toBe(0)
    expect(await fixture.blobs.get(ref.digest)).toHaveLength(0)
    expect(await fixture.blobs.put(chunksOf())).toEqual(ref)
  })

  test('the same bytes are stored once, whichever way and however often they come', async () => {
    await using fixture = await open()
    const directory = await mkdtemp(join(tmpdir(), 'trueloop-blob-'))
    await writeFile(join(directory, 'file'), 'twice')
    const refs = await Promise.all([
      fixture.blobs.put(text('twice')),
      fixture.blobs.put(chunksOf(text('tw'), text('ice'))),
      fixture.blobs.putFile(join(directory, 'file')),
      fixture.blobs.put(text('twice')),
    ])
    await rm(directory, { recursive: true })
    expect(new Set(refs.map((ref) => ref.digest)).size).toBe(1)
    expect(await listed(fixture.blobs)).toEqual([refs[0]])
  })

  test('a large object streams in and out unchanged', async () => {
    await using fixture = await open()
    const chunk = new Uint8Array(1024 * 1024)
    async function* large(): AsyncIterable<Uint8Array> {
      for (let sent = 0; sent < largeBytes; sent += chunk.byteLength) yield chunk.fill(sent / chunk.byteLength).slice()
    }
    const ref = await fixture.blobs.put(large())
    let bytes = 0
    for await (const part of fixture.blobs.stream(ref.digest)) bytes += part.byteLength
    expect(bytes).toBe(ref.bytes)
    expect(bytes).toBeGreaterThanOrEqual(largeBytes)
  })

  test('a source that fails half-way leaves nothing', async () => {
    await using fixture = await open()
    async function* broken(): AsyncIterable<Uint8Array> {
      yield text('half')
      throw new Error('the source broke')
    }
    await expect(fixture.blobs.put(broken())).rejects.toThrow('the source broke')
    expect(await listed(fixture.blobs)).toEqual([])
  })
}

function testReading(open: () => Promise<BlobStoreFixture>): void {
  test('what is not there is said to be missing, by name', async () => {
    await using fixture = await open()
    const digest = sha256(text('absent'))
    expect(await fixture.blobs.has(digest)).toBe(false)
    const missing = { code: 'blob_not_found', message: expect.stringContaining(digest) as string }
    await expect(fixture.blobs.get(digest)).rejects.toMatchObject(missing)
    await expect(collect(fixture.blobs.stream(digest))).rejects.toMatchObject(missing)
    await expect(fixture.blobs.localPath(digest)).rejects.toMatchObject(missing)
    await fixture.blobs.delete(digest)
  })

  test('a part comes alone, also when the object was never read before', async () => {
    await using fixture = await open()
    const { digest } = await fixture.blobs.put(text('0123456789'))
    const part = async (start: number, end: number): Promise<string> =>
      Buffer.concat(await collect(fixture.blobs.stream(digest, { start, end }))).toString()
    expect(await part(0, 0)).toBe('0')
    expect(await part(3, 6)).toBe('3456')
    expect(await part(0, 9)).toBe('0123456789')
    await expect(part(8, 12)).rejects.toMatchObject({ code: 'blob_corrupt' })
    await fixture.overwrite(digest, text('0123456789'))
    expect(await part(9, 9)).toBe('9')
    const missing = fixture.blobs.stream(sha256(text('absent')), { start: 0, end: 0 })
    await expect(collect(missing)).rejects.toMatchObject({ code: 'blob_not_found' })
  })

  test('only a sha256 names an object', async () => {
    await using fixture = await open()
    for (const digest of ['', '../../etc/passwd', 'A'.repeat(64), `${'a'.repeat(63)}/`, 'a'.repeat(65)]) {
      await expect((async () => fixture.blobs.get(digest))()).rejects.toMatchObject({ code: 'blob_digest' })
      await expect((async () => fixture.blobs.has(digest))()).rejects.toMatchObject({ code: 'blob_digest' })
      await expect((async () => fixture.blobs.localPath(digest))()).rejects.toMatchObject({ code: 'blob_digest' })
      await expect((async () => fixture.blobs.delete(digest))()).rejects.toMatchObject({ code: 'blob_digest' })
    }
  })

  test('damaged bytes are never handed out as good', async () => {
    await using fixture = await open()
    const { digest } = await fixture.blobs.put(text('good'))
    await fixture.overwrite(digest, text('evil'))
    await expect(fixture.blobs.get(digest)).rejects.toMatchObject({ code: 'blob_corrupt' })
    await expect(collect(fixture.blobs.stream(digest))).rejects.toMatchObject({ code: 'blob_corrupt' })
    await expect(fixture.blobs.localPath(digest)).rejects.toMatchObject({ code: 'blob_corrupt' })
  })

  test('a local path is a file with the bytes, and stays right after the object was deleted and stored again', async () => {
    await using fixture = await open()
    const { digest } = await fixture.blobs.put(text('local'))
    expect(await readFile(await fixture.blobs.localPath(digest), 'utf8')).toBe('local')
    expect(await readFile(await fixture.blobs.localPath(digest), 'utf8')).toBe('local')
    await fixture.blobs.delete(digest)
    expect(await fixture.blobs.has(digest)).toBe(false)
    await fixture.blobs.put(text('local'))
    expect(await readFile(await fixture.blobs.localPath(digest), 'utf8')).toBe('local')
  })

  test('the list names every object and its size once', async () => {
    await using fixture = await open()
    const refs: BlobRef[] = []
    for (let i = 0; i < 20; i++) refs.push(await fixture.blobs.put(text(`object ${i}`)))
    const byDigest = (a: BlobRef, b: BlobRef): number => (a.digest < b.digest ? -1 : 1)
    expect((await listed(fixture.blobs)).toSorted(byDigest)).toEqual(refs.toSorted(byDigest))
  })
}
