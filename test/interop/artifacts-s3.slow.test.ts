// Artifacts that MLflow's clients keep in a bucket themselves, against a real S3 server (moto): listed, read, read in parts, written.
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBucketFolder } from '../../src/artifacts/repositories/bucket.ts'
import { openBucket } from '../../src/platform/blobs-bucket.ts'
import { credentials, startS3, type S3Server } from './s3-server.ts'

let s3: S3Server

beforeAll(async () => {
  s3 = await startS3()
  await s3.createBucket('artifacts')
}, 600_000)

afterAll(() => s3[Symbol.asyncDispose]())

function place(prefix: string) {
  const location = { bucket: 'artifacts', prefix, region: 'us-east-1', endpoint: s3.endpoint }
  return openBucketFolder(location, openBucket(location, credentials))
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('what a client put there is listed like folders and read', async () => {
  for (const key of [
    'ml/run/artifacts/model/MLmodel',
    'ml/run/artifacts/model/b/c',
    'ml/run/artifacts/notes.txt',
    'ml/run/artifacts2',
  ])
    await s3.client.send(new PutObjectCommand({ Bucket: 'artifacts', Key: key, Body: `text of ${key}` }))
  const run = place('ml/run/artifacts')
  expect(await run.list('', { limit: 10 })).toEqual({
    entries: [
      { name: 'model', bytes: null },
      { name: 'notes.txt', bytes: 34 },
    ],
  })
  expect((await run.list('model', { limit: 10 })).entries.map(({ name }) => name)).toEqual(['b', 'MLmodel'])
  expect((await run.list('none', { limit: 10 })).entries).toEqual([])
  const file = await run.open('notes.txt')
  expect(file).toMatchObject({ bytes: 34, mediaType: 'text/plain', path: 'notes.txt' })
  expect(await readAll(file.stream())).toBe('text of ml/run/artifacts/notes.txt')
  expect(await readAll(file.stream({ start: 5, end: 6 }))).toBe('of')
  await expect(run.open('model')).rejects.toMatchObject({ code: 'artifact_is_directory' })
  await expect(run.open('none')).rejects.toMatchObject({ code: 'artifact_not_found' })
})

test('a long folder comes in pages, and a file of parts is written whole', async () => {
  const folder = place('pages')
  async function* large(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < 12; at++) yield new Uint8Array(1024 * 1024).fill(at)
  }
  for (let at = 0; at < 5; at++) await folder.store(`f${at}`, new Uint8Array([at]))
  await folder.store('large', large())
  expect((await folder.open('large')).bytes).toBe(12 * 1024 * 1024)
  const names: string[] = []
  let after: string | undefined
  do {
    const page = await folder.list('', { after, limit: 2 })
    names.push(...page.entries.map(({ name }) => name))
    after = page.next
  } while (after !== undefined)
  expect(names).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'large'])
})

test('a place is cleared, and one whose name begins alike is not', async () => {
  const [gone, kept] = [place('clear/run'), place('clear/run2')]
  for (const folder of [gone, kept]) for (const name of ['a', 'b/c']) await folder.store(name, new Uint8Array([1]))
  await gone.clear()
  await gone.clear()
  expect((await gone.list('', { limit: 10 })).entries).toEqual([])
  expect((await kept.list('', { limit: 10 })).entries).toHaveLength(2)
})

test('a link reads or writes one file, for so long and no other', async () => {
  const folder = place('links/run')
  const links = folder.links!
  const up = await links.write('d/ü b.txt', { lifeMs: 60_000 })
  expect(up.headers).toEqual({ 'Content-Type': 'text/plain' })
  expect((await fetch(up.url, { method: 'PUT', headers: up.headers, body: 'content' })).status).toBe(200)
  expect((await folder.open('d/ü b.txt')).bytes).toBe(7)
  const down = await links.read('d/ü b.txt', { lifeMs: 3_600_000, disposition: 'attachment; filename="b.txt"' })
  expect(down.bytes).toBe(7)
  const got = await fetch(down.url, { headers: { range: 'bytes=1-2' } })
  expect([got.status, await got.text(), got.headers.get('content-disposition')]).toEqual([
    206,
    'on',
    'attachment; filename="b.txt"',
  ])
  // The store holds a URL to its signature; what is signed is the method, the key and the time.
  const facts = (url: string): unknown[] => {
    const { pathname, searchParams } = new URL(url)
    return [decodeURIComponent(pathname), searchParams.get('X-Amz-Expires'), searchParams.get('X-Amz-SignedHeaders')]
  }
  expect(facts(up.url)).toEqual(['/artifacts/links/run/d/ü b.txt', '60', 'host'])
  expect(facts(down.url)).toEqual(['/artifacts/links/run/d/ü b.txt', '900', 'host'])
  expect(new URL(up.url).searchParams.get('X-Amz-Signature')).not.toBe(
    new URL((await links.write('d/other', { lifeMs: 60_000 })).url).searchParams.get('X-Amz-Signature'),
  )
  const asked = { lifeMs: 60_000, disposition: 'attachment' }
  await expect(links.read('none', asked)).rejects.toMatchObject({ code: 'artifact_not_found' })
  await expect(links.read('d', asked)).rejects.toMatchObject({ code: 'artifact_is_directory' })
})

test('a bucket that is not there is said to be', async () => {
  const location = { bucket: 'nobody', prefix: '', region: 'us-east-1', endpoint: s3.endpoint }
  const nowhere = openBucketFolder(location, openBucket(location, credentials))
  await expect(nowhere.list('', { limit: 1 })).rejects.toMatchObject({ code: 'blob_store_unavailable' })
})
