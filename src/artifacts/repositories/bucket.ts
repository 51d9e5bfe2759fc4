// Artifacts in a bucket that MLflow's clients write to themselves: the server lists and reads what is there, writes when it is asked to, and
// signs links for clients without credentials of their own.
import { openBucket, type Bucket, type BucketObject } from '../../platform/blobs-bucket.ts'
import type { S3Location } from '../../platform/blobs-s3.ts'
import { artifactIsDirectory, artifactMediaType, artifactNotFound, joinArtifactPath } from '../artifact.ts'
import type { OutsideRepository, PlaceLinks } from './repository.ts'

/** Nobody can take a link back; a request that has begun goes on beyond it. */
const linkLifeMsMax = 15 * 60_000

/** @param location its prefix is the root */
export function openBucketFolder(location: S3Location, bucket: Bucket = openBucket(location)): OutsideRepository {
  const keyOf = (path: string): string => joinArtifactPath(location.prefix, path)
  const directoryOf = (path: string): string => (keyOf(path) === '' ? '' : `${keyOf(path)}/`)
  const find = async (path: string): Promise<BucketObject> => {
    const found = path === '' ? undefined : await bucket.find(keyOf(path))
    if (found) return found
    const { entries } = await bucket.list(directoryOf(path), { limit: 1 })
    throw entries.length > 0 ? artifactIsDirectory(path) : artifactNotFound(path)
  }
  return {
    async list(path, { after, limit }) {
      const { entries, next } = await bucket.list(directoryOf(path), { token: after, limit })
      return next === undefined ? { entries } : { entries, next }
    },
    open: async (path) => ({
      ...(await find(path)),
      path,
      mediaType: artifactMediaType(path),
      stream: (part) => bucket.stream(keyOf(path), part),
    }),
    store: (path, source) => bucket.put(keyOf(path), source),
    links: linksOf(bucket, { keyOf, find }),
    async clear() {
      await bucket.removeBelow(directoryOf(''))
    },
  }
}

function linksOf(
  bucket: Bucket,
  { keyOf, find }: { keyOf: (path: string) => string; find: (path: string) => Promise<BucketObject> },
): PlaceLinks {
  const within = (lifeMs: number): number => Math.min(lifeMs, linkLifeMsMax)
  return {
    async read(path, { lifeMs, disposition }) {
      const { bytes } = await find(path)
      const url = await bucket.sign(keyOf(path), { action: 'read', lifeMs: within(lifeMs), disposition })
      return { url, headers: {}, bytes }
    },
    async write(path, { lifeMs }) {
      const url = await bucket.sign(keyOf(path), { action: 'write', lifeMs: within(lifeMs) })
      return { url, headers: { 'Content-Type': artifactMediaType(path) } }
    },
  }
}
