// The S3 blob store against a real S3 server (moto): the conformance suite, and what only a network has.
import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testBlobStore } from '../../src/platform/blobs.conformance.ts'
import { openS3Blobs } from '../../src/platform/blobs-s3.ts'
import { credentials, startS3, type S3Server } from './s3-server.ts'

let s3: S3Server
let buckets = 0

beforeAll(async () => {
  s3 = await startS3()
}, 600_000)

afterAll(() => s3[Symbol.asyncDispose]())

async function openFixture() {
  const bucket = `trueloop-${++buckets}`
  await s3.createBucket(bucket)
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'trueloop-s3-cache-'))
  const url = `s3://${bucket}/some/prefix?endpoint=${s3.endpoint}&region=us-east-1`
  const blobs = openS3Blobs(url, { credentials, cacheDirectory })
  return {
    blobs,
    bucket,
    url,
    cacheDirectory,
    async overwrite(digest: string, bytes: Uint8Array) {
      await rm(cacheDirectory, { recursive: true })
      const key = `some/prefix/${digest.slice(0, 2)}/${digest.slice(2)}`
      await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }))
    },
    async [Symbol.asyncDispose]() {
      await blobs[Symbol.asyncDispose]()
      await rm(cacheDirectory, { recursive: true, force: true })
    },
  }
}

testBlobStore(openFixture, 20 * 1024 * 1024)

test('another machine with a cold cache reads what this one wrote, and a warm cache needs no network', async () => {
  await using fixture = await openFixture()
  const { digest } = await fixture.blobs.put(new Uint8Array(100).fill(9))
  const otherCache = await mkdtemp(join(tmpdir(), 'trueloop-s3-cache-'))
  await using other = openS3Blobs(fixture.url, { credentials, cacheDirectory: otherCache })
  expect(await other.get(digest)).toHaveLength(100)
  const path = await other.localPath(digest)
  const unreachable = fixture.url.replace(s3.endpoint, 'http://127.0.0.1:9')
  await using offline = openS3Blobs(unreachable, { credentials, cacheDirectory: otherCache })
  expect(await offline.localPath(digest)).toBe(path)
  await rm(otherCache, { recursive: true })
})

test('a large object goes up in parts, and none is left open', async () => {
  await using fixture = await openFixture()
  const bytes = new Uint8Array(17 * 1024 * 1024).fill(3)
  const { digest } = await fixture.blobs.put(bytes)
  await fixture.overwrite(digest, new Uint8Array(5)) // Damage of another size is repaired by storing it again.
  await fixture.blobs.put(bytes)
  await rm(fixture.cacheDirectory, { recursive: true })
  expect(await fixture.blobs.get(digest)).toHaveLength(bytes.byteLength)
  const open = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: fixture.bucket }))
  expect(open.Uploads ?? []).toEqual([])
})

test('a bucket that does not exist or a server that does not answer is a clear error', async () => {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'trueloop-s3-cache-'))
  await using missing = openS3Blobs(`s3://no-such-bucket?endpoint=${s3.endpoint}`, { credentials, cacheDirectory })
  await expect(missing.put(new Uint8Array([1]))).rejects.toMatchObject({
    code: 'blob_store_unavailable',
    message: expect.stringContaining('no-such-bucket') as string,
  })
  await using silent = openS3Blobs('s3://bucket?endpoint=http://127.0.0.1:9', { credentials, cacheDirectory })
  await expect(silent.put(new Uint8Array([1]))).rejects.toMatchObject({ code: 'blob_store_unavailable' })
  await rm(cacheDirectory, { recursive: true })
})
