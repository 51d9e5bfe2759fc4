// Objects of a bucket under their own keys, for data that others keep there: listed like folders, read in parts, written whole.
import type * as Sdk from '@aws-sdk/client-s3'
import type { BlobPart, BlobSource } from './blobs.ts'
import { openS3Client, statusOf, withStoreErrors, type S3Location, type S3Options } from './blobs-s3.ts'

export interface BucketObject {
  readonly bytes: number
  readonly atMs: number
  readonly version: string
}

export interface BucketPage {
  /** Last segment of the key; `bytes` is null for what is only the beginning of keys. */
  readonly entries: readonly { readonly name: string; readonly bytes: number | null }[]
  readonly next: string | undefined
}

export interface SignedRequest {
  readonly action: 'read' | 'write'
  readonly lifeMs: number
  /** The `Content-Disposition` of what is read. */
  readonly disposition?: string | undefined
}

/** Keys are as they are in the bucket, without the location's prefix. */
export interface Bucket {
  /** What lies directly below `directory`, which ends in a slash or is empty. */
  list(directory: string, page: { token?: string | undefined; limit: number }): Promise<BucketPage>
  /** Undefined: there is none. */
  find(key: string): Promise<BucketObject | undefined>
  stream(key: string, part?: BlobPart): AsyncIterable<Uint8Array>
  put(key: string, source: BlobSource): Promise<void>
  /** A URL that reads or writes this one object, for whoever has it, until its time is over; whether there is one is not looked at. */
  sign(key: string, request: SignedRequest): Promise<string>
  /** Every object whose key begins so; answers how many there were. */
  removeBelow(beginning: string): Promise<number>
}

/** S3 lists at most so many at a time. */
const listedMax = 1_000

/** Opens a client when it is first used. Methods throw DomainError blob_store_unavailable. */
export function openBucket(location: S3Location, credentials?: S3Options['credentials']): Bucket {
  let opened: Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> | undefined
  const open = () => (opened ??= openS3Client(location, credentials))
  const { bucket: Bucket } = location
  const asked = <T>(work: () => Promise<T>): Promise<T> => withStoreErrors(location, work)
  return {
    list: (directory, { token, limit }) =>
      asked(async () => {
        const { sdk, client } = await open()
        const command = new sdk.ListObjectsV2Command({
          Bucket,
          Prefix: directory,
          Delimiter: '/',
          MaxKeys: Math.min(limit, listedMax),
          ContinuationToken: token,
        })
        const page = await client.send(command)
        return { entries: entriesOf(page, directory), next: page.NextContinuationToken }
      }),
    find: (Key) =>
      asked(async () => {
        const { sdk, client } = await open()
        try {
          const head = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }))
          const version = (head.ETag ?? '').replaceAll('"', '')
          return { bytes: head.ContentLength ?? 0, atMs: head.LastModified?.getTime() ?? 0, version }
        } catch (error) {
          if (statusOf(error) === 404) return undefined
          throw error
        }
      }),
    async *stream(Key, part) {
      const { sdk, client } = await open()
      const Range = part && `bytes=${part.start}-${part.end}`
      const { Body } = await asked(() => client.send(new sdk.GetObjectCommand({ Bucket, Key, Range })))
      yield* Body as AsyncIterable<Uint8Array>
    },
    put: (Key, source) =>
      asked(async () => {
        const { client } = await open()
        const { Upload } = await import('@aws-sdk/lib-storage')
        const { Readable } = await import('node:stream')
        const Body = source instanceof Uint8Array ? source : Readable.from(source, { objectMode: false })
        await new Upload({ client, params: { Bucket, Key, Body } }).done()
      }),
    sign: (Key, request) => asked(async () => signedUrl(await open(), { Bucket, Key }, request)),
    removeBelow: (Prefix) =>
      asked(async () => {
        const { sdk, client } = await open()
        for (let removed = 0; ;) {
          const { Contents: found = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix }))
          if (found.length === 0) return removed
          const Delete = { Objects: found.map(({ Key }) => ({ Key })), Quiet: true }
          const { Errors: [failed] = [] } = await client.send(new sdk.DeleteObjectsCommand({ Bucket, Delete }))
          if (failed) throw new Error(`${failed.Key}: ${failed.Message}`)
          removed += found.length
        }
      }),
  }
}

async function signedUrl(
  { sdk, client }: { sdk: typeof Sdk; client: Sdk.S3Client },
  object: { Bucket: string; Key: string },
  { action, lifeMs, disposition }: SignedRequest,
): Promise<string> {
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
  const options = { expiresIn: Math.floor(lifeMs / 1000) }
  if (action === 'write') return getSignedUrl(client, new sdk.PutObjectCommand(object), options)
  return getSignedUrl(client, new sdk.GetObjectCommand({ ...object, ResponseContentDisposition: disposition }), options)
}

function entriesOf(page: Sdk.ListObjectsV2CommandOutput, directory: string): BucketPage['entries'] {
  const folders = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => ({
    name: Prefix.slice(directory.length, -1),
    bytes: null,
  }))
  const files = (page.Contents ?? []).map(({ Key = '', Size: bytes = 0 }) => ({
    name: Key.slice(directory.length),
    bytes,
  }))
  // Some stores keep an empty object for a folder.
  return [...folders, ...files].filter(({ name }) => name !== '')
}
