// Blobs in an S3-compatible store, with a verified local cache. Loaded when first used: a home on a directory never pays for the SDK.
import type * as Sdk from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { assertDigest, blobCorrupt, blobNotFound, openDirectoryBlobs } from './blobs-directory.ts'
import {
  renewedEveryMs,
  type BlobPart,
  type BlobRef,
  type BlobSource,
  type BlobStore,
  type ListedBlob,
} from './blobs.ts'
import { DomainError, messageOf } from './errors.ts'

/** Objects above this go up in parts of this size. */
const partBytes = 8 * 1024 * 1024
const partsAtOnce = 4
/** Above this we ask whether the object is there before sending it; below, sending is as quick as asking. */
const askFirstBytes = 1024 * 1024
const requestTries = 5
const connectionTimeoutMs = 5_000
const requestTimeoutMs = 60_000

export interface S3Location {
  readonly bucket: string
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string
  readonly region: string
  /** Absent: Amazon's own. */
  readonly endpoint: string | undefined
}

export interface S3Options {
  /** A directory for copies of what was read or written; shared by the processes of a home. */
  readonly cacheDirectory: string
  /** Absent: the SDK's default chain (environment, shared files, instance role). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
}

/**
 * Reads `s3://bucket/prefix?region=eu-west-1&endpoint=http://127.0.0.1:5000`; region is `us-east-1` by default.
 * @throws DomainError blob_store_url
 */
export function parseS3Url(text: string): S3Location {
  const wrong = (why: string): DomainError =>
    new DomainError(
      'invalid',
      'blob_store_url',
      `"${text}" is no blob store: ${why}; write s3://bucket/prefix?region=…&endpoint=…`,
    )
  if (!URL.canParse(text)) throw wrong('it is no URL')
  const url = new URL(text)
  if (url.protocol !== 's3:' || !url.hostname) throw wrong('it names no bucket')
  if (url.username || url.password) throw wrong('credentials do not belong into it (pass them apart)')
  const unknown = [...url.searchParams.keys()].find((key) => key !== 'region' && key !== 'endpoint')
  if (unknown) throw wrong(`"${unknown}" is no setting of it`)
  const endpoint = url.searchParams.get('endpoint') ?? undefined
  if (endpoint !== undefined && !/^https?:\/\//v.test(endpoint)) throw wrong('its endpoint is neither http nor https')
  return {
    bucket: url.hostname,
    prefix: url.pathname.replaceAll(/^\/+|\/+$/gv, ''),
    region: url.searchParams.get('region') ?? 'us-east-1',
    endpoint,
  }
}

/**
 * Opens a blob store in a bucket that exists. Parts of an upload that a crash cut off stay until the bucket's own rule removes them.
 * @throws DomainError blob_store_url at once; blob_store_unavailable from any method.
 */
export function openS3Blobs(url: string, options: S3Options): BlobStore & AsyncDisposable {
  const location = parseS3Url(url)
  const cache = openDirectoryBlobs(options.cacheDirectory)
  let opened: Promise<Remote> | undefined
  const remote = (): Promise<Remote> => (opened ??= openRemote(location, options))
  const put = async (source: BlobSource): Promise<BlobRef> => {
    // The digest names the object, so the bytes are spooled (and cached) before any is sent.
    const ref = await cache.put(source)
    await (await remote()).upload(ref, await cache.localPath(ref.digest))
    return ref
  }
  const cachedPath = async (digest: string): Promise<string | undefined> => {
    try {
      return await cache.localPath(digest)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      if (error.code === 'blob_corrupt') await cache.delete(digest)
      else if (error.code !== 'blob_not_found') throw error
      return undefined
    }
  }
  async function* stream(digest: string, part?: BlobPart): AsyncIterable<Uint8Array> {
    // A part of a copy that was not looked at yet would wait for all of it to be read, again for each part.
    const isHere = part ? await cache.has(digest) : await cachedPath(digest)
    if (isHere) yield* cache.stream(digest, part)
    else yield* (await remote()).download(digest, part)
  }
  return {
    put,
    putFile: (path) => put(createReadStream(path, { highWaterMark: askFirstBytes })),
    get: async (digest) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of stream(digest)) chunks.push(chunk)
      return Buffer.concat(chunks)
    },
    stream,
    localPath: async (digest) => {
      const path = await cachedPath(digest)
      if (path) return path
      await cache.put((await remote()).download(digest))
      return cache.localPath(digest)
    },
    has: async (digest) => {
      assertDigest(digest)
      return (await (await remote()).find(digest)) !== undefined
    },
    renew: async (digest) => (await remote()).renew(digest),
    delete: async (digest) => {
      await cache.delete(digest)
      await (await remote()).remove(digest)
    },
    async deleteBefore(digest, beforeMs) {
      const found = await (await remote()).find(digest)
      // Nothing stands between the question and the deletion but the time of one request; renewing leaves the better part of an hour.
      if (!found || found.atMs >= beforeMs) return false
      await cache.delete(digest)
      await (await remote()).remove(digest)
      return true
    },
    async *list() {
      yield* (await remote()).list()
    },
    async [Symbol.asyncDispose]() {
      if (opened) (await opened).close()
    },
  }
}

interface Remote {
  /** Put-if-absent from a file. */
  upload(ref: BlobRef, path: string): Promise<void>
  download(digest: string, part?: BlobPart): AsyncIterable<Uint8Array>
  find(digest: string): Promise<ListedBlob | undefined>
  renew(digest: string): Promise<boolean>
  remove(digest: string): Promise<void>
  list(): AsyncIterable<ListedBlob>
  close(): void
}

/** The SDK and a client of it; loaded here, so that who has no bucket never pays for it. */
export async function openS3Client(
  location: S3Location,
  credentials: S3Options['credentials'],
): Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    region: location.region,
    followRegionRedirects: true,
    maxAttempts: requestTries,
    // Other stores than Amazon's refuse checksum trailers; we check every byte ourselves.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: connectionTimeoutMs, requestTimeout: requestTimeoutMs },
    ...(location.endpoint ? { endpoint: location.endpoint, forcePathStyle: true } : {}),
    ...(credentials ? { credentials } : {}),
  })
  return { sdk, client }
}

async function openRemote(location: S3Location, options: S3Options): Promise<Remote> {
  const { sdk, client } = await openS3Client(location, options.credentials)
  const context: Context = { sdk, client, location }
  return {
    find: (digest) => findObject(context, digest),
    renew: (digest) => renewObject(context, { digest }),
    async upload(ref, path) {
      if (ref.bytes > askFirstBytes && (await renewObject(context, ref))) return
      await withStoreErrors(location, () => send(context, ref, path))
    },
    download: (digest, part) => download(context, { digest, part }),
    remove: (digest) =>
      withStoreErrors(location, async () => {
        await client.send(new sdk.DeleteObjectCommand(objectOf(location, digest)))
      }),
    list: () => listObjects(context),
    close: () => client.destroy(),
  }
}

interface Context {
  readonly sdk: typeof Sdk
  readonly client: Sdk.S3Client
  readonly location: S3Location
}

function objectOf({ bucket, prefix }: S3Location, digest: string): { Bucket: string; Key: string } {
  assertDigest(digest)
  return { Bucket: bucket, Key: `${prefix ? `${prefix}/` : ''}${digest.slice(0, 2)}/${digest.slice(2)}` }
}

async function findObject({ sdk, client, location }: Context, digest: string): Promise<ListedBlob | undefined> {
  return withStoreErrors(location, async () => {
    try {
      const head = await client.send(new sdk.HeadObjectCommand(objectOf(location, digest)))
      return { digest, bytes: head.ContentLength ?? 0, atMs: head.LastModified?.getTime() ?? 0 }
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw error
    }
  })
}

/** What one request copies. */
const copiedBytesMax = 5 * 1024 ** 3

/** Whether the object is there, of that size, and cannot be taken for an old one: a copy onto itself is new. */
async function renewObject(context: Context, ref: { digest: string; bytes?: number }): Promise<boolean> {
  const { sdk, client, location } = context
  const found = await findObject(context, ref.digest)
  if (!found || (ref.bytes !== undefined && found.bytes !== ref.bytes)) return false
  if (Date.now() - found.atMs <= renewedEveryMs) return true
  if (found.bytes > copiedBytesMax) return false
  const target = objectOf(location, ref.digest)
  const copy = { ...target, CopySource: `${target.Bucket}/${target.Key}`, MetadataDirective: 'REPLACE' } as const
  await withStoreErrors(location, () => client.send(new sdk.CopyObjectCommand(copy)))
  return true
}

/** Statuses by which a store says that the object is there (412), is being written (409), or that it knows no conditions (501, 400). */
const refusals = new Set([412, 409, 501, 400])

async function send(context: Context, ref: BlobRef, path: string): Promise<void> {
  const target = objectOf(context.location, ref.digest)
  try {
    await sendOnce(context, { ref, path, params: { ...target, IfNoneMatch: '*' } })
  } catch (error) {
    if (!refusals.has(statusOf(error) ?? 0)) throw error
    // The content names the object, so writing over it is harmless; but what is there with the right size need not be sent again.
    if (await renewObject(context, ref)) return
    await sendOnce(context, { ref, path, params: target })
  }
}

interface Sending {
  readonly ref: BlobRef
  readonly path: string
  readonly params: { Bucket: string; Key: string; IfNoneMatch?: string }
}

async function sendOnce({ sdk, client }: Context, { ref, path, params }: Sending): Promise<void> {
  if (ref.bytes <= partBytes) {
    const checksum = Buffer.from(ref.digest, 'hex').toString('base64')
    await client.send(new sdk.PutObjectCommand({ ...params, Body: await readFile(path), ChecksumSHA256: checksum }))
    return
  }
  const { Upload } = await import('@aws-sdk/lib-storage')
  const body = createReadStream(path, { highWaterMark: partBytes })
  await new Upload({
    client,
    params: { ...params, Body: body },
    partSize: partBytes,
    queueSize: partsAtOnce,
  }).done()
}

async function* download(
  { sdk, client, location }: Context,
  { digest, part }: { digest: string; part: BlobPart | undefined },
): AsyncIterable<Uint8Array> {
  const target = { ...objectOf(location, digest), ...(part ? { Range: `bytes=${part.start}-${part.end}` } : {}) }
  const body = await withStoreErrors(location, async () => {
    try {
      return (await client.send(new sdk.GetObjectCommand(target))).Body
    } catch (error) {
      throw statusOf(error) === 404 ? blobNotFound(digest) : error
    }
  })
  const hash = createHash('sha256')
  let bytes = 0
  const chunks = (body as AsyncIterable<Uint8Array> | undefined)?.[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await withStoreErrors(location, async () => chunks?.next())
      if (!next || next.done) break
      if (!part) hash.update(next.value)
      bytes += next.value.byteLength
      yield next.value
    }
  } finally {
    await chunks?.return?.() // Frees the connection when the reader stops early.
  }
  const isWhole = part ? bytes === part.end - part.start + 1 : hash.digest('hex') === digest
  if (!isWhole) throw blobCorrupt(digest, `bucket ${location.bucket}`)
}

async function* listObjects({ sdk, client, location }: Context): AsyncIterable<ListedBlob> {
  const prefix = location.prefix ? `${location.prefix}/` : ''
  let token: string | undefined
  do {
    const page = await withStoreErrors(location, () =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: location.bucket,
          Prefix: prefix,
          ...(token ? { ContinuationToken: token } : {}),
        }),
      ),
    )
    for (const { Key: key = '', Size: bytes = 0, LastModified: at } of page.Contents ?? []) {
      const match = /^(?<head>[0-9a-f]{2})\/(?<tail>[0-9a-f]{62})$/v.exec(key.slice(prefix.length))
      if (match) yield { digest: match[1]! + match[2]!, bytes, atMs: at?.getTime() ?? 0 }
    }
    token = page.NextContinuationToken
  } while (token)
}

/** Of the store's answer, in what the SDK threw. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}

/** @throws DomainError blob_store_unavailable for whatever the store or the network failed with. */
export async function withStoreErrors<T>({ bucket, endpoint }: S3Location, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DomainError) throw error
    const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : ''
    throw new DomainError(
      'unavailable',
      'blob_store_unavailable',
      `bucket "${bucket}"${endpoint ? ` at ${endpoint}` : ''} failed (${name}${messageOf(error)}): check that it exists, answers and that the credentials may use it`,
    )
  }
}
