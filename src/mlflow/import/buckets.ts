// Artifacts in buckets: copied when the bucket can be read with the settings of this home, and else left there.
import { openBucket, type Bucket } from '../../platform/blobs-bucket.ts'
import { DomainError } from '../../platform/errors.ts'
import type { RemoteFile, RemoteFiles } from './remote-files.ts'
import type { MlflowSource } from './source.ts'

export interface BucketSettings {
  readonly region: string
  readonly endpoint: string | undefined
}

interface BucketDeps {
  readonly source: MlflowSource
  readonly s3: BucketSettings
  /** Hears of places that cannot be read: a sentence each. */
  readonly note: (what: string) => void
}

const locations = [
  ['experiments', 'artifact_location'],
  ['runs', 'artifact_uri'],
  ['logged_models', 'artifact_location'],
] as const

/** Looks once into each bucket that the source names. */
export async function openBuckets(deps: BucketDeps): Promise<RemoteFiles> {
  const readable = new Map<string, Bucket>()
  for (const [name, uri] of await placesIn(deps.source)) {
    const bucket = await tryBucket(deps, name, uri)
    if (bucket) readable.set(name, bucket)
  }
  return {
    has: (uri) => readable.has(bucketNameOf(uri) ?? ''),
    below(uri) {
      const bucket = readable.get(bucketNameOf(uri) ?? '')
      if (!bucket) throw new Error(`${uri} is in no bucket that can be read`)
      const folder = folderOf(uri)
      return filesBelow(bucket, folder, folder.length)
    },
    leaveOut(uri, error) {
      if (!(error instanceof DomainError && error.code === 'blob_store_unavailable')) throw error
      deps.note(`Files at ${uri} did not all come: ${error.message}`)
    },
  }
}

const bucketNameOf = (uri: string): string | undefined => /^s3a?:\/\/(?<name>[^\/]+)/v.exec(uri)?.groups?.['name']

function folderOf(uri: string): string {
  const path = uri.replace(/^s3a?:\/\/[^\/]+\/*/v, '').replace(/\/+$/v, '')
  return path === '' ? '' : `${path}/`
}

/** Each bucket with a place in it; and of places of other kinds each kind. */
async function placesIn(source: MlflowSource): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const [table, column] of locations) {
    if (!(await source.columnsOf(table)).has(column)) continue
    const query = `select distinct ${column} as uri from ${table} where ${column} like '%://%'`
    for await (const rows of source.rows(query)) {
      for (const { uri } of rows) {
        const text = String(uri)
        const name = bucketNameOf(text) ?? text.slice(0, text.indexOf('://') + 3)
        if (!/^(?:file|mlflow-artifacts):\/\//v.test(text) && !found.has(name)) found.set(name, text)
      }
    }
  }
  return found
}

/** Undefined: it stays as it is. */
async function tryBucket({ s3, note }: BucketDeps, name: string, uri: string): Promise<Bucket | undefined> {
  if (name.endsWith('://')) {
    note(`Files at ${name}… stay there: places of this kind are not read`)
    return undefined
  }
  const bucket = openBucket({ bucket: name, prefix: '', ...s3 })
  try {
    await bucket.list(folderOf(uri), { limit: 1 })
    return bucket
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    note(`Files in the bucket ${name} stay there, and are read from there: ${error.message}`)
    return undefined
  }
}

const listedAtOnce = 1000

async function* filesBelow(bucket: Bucket, folder: string, rootLength: number): AsyncGenerator<RemoteFile> {
  for (let token: string | undefined; ;) {
    const { entries, next } = await bucket.list(folder, { token, limit: listedAtOnce })
    for (const { name, bytes } of entries) {
      const key = folder + name
      if (bytes === null) yield* filesBelow(bucket, `${key}/`, rootLength)
      else yield { path: key.slice(rootLength), bytes, read: () => bucket.stream(key) }
    }
    if (next === undefined) return
    token = next
  }
}
