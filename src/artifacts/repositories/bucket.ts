// Artifacts in a bucket that MLflow's clients write to themselves: the server lists and reads what is there, and writes when it is asked to.
import { openBucket, type Bucket } from '../../platform/blobs-bucket.ts'
import type { S3Location } from '../../platform/blobs-s3.ts'
import { artifactIsDirectory, artifactMediaType, artifactNotFound, joinArtifactPath } from '../artifact.ts'
import type { OutsideRepository } from './repository.ts'

/** @param location its prefix is the root */
export function openBucketFolder(location: S3Location, bucket: Bucket = openBucket(location)): OutsideRepository {
  const keyOf = (path: string): string => joinArtifactPath(location.prefix, path)
  const directoryOf = (path: string): string => (keyOf(path) === '' ? '' : `${keyOf(path)}/`)
  return {
    async list(path, { after, limit }) {
      const { entries, next } = await bucket.list(directoryOf(path), { token: after, limit })
      return next === undefined ? { entries } : { entries, next }
    },
    async open(path) {
      const key = keyOf(path)
      const found = path === '' ? undefined : await bucket.find(key)
      if (found)
        return { ...found, path, mediaType: artifactMediaType(path), stream: (part) => bucket.stream(key, part) }
      const { entries } = await bucket.list(directoryOf(path), { limit: 1 })
      throw entries.length > 0 ? artifactIsDirectory(path) : artifactNotFound(path)
    },
    store: (path, source) => bucket.put(keyOf(path), source),
    async clear() {
      await bucket.removeBelow(directoryOf(''))
    },
  }
}
