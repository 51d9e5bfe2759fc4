// The blob store that the settings name.
import { join } from 'node:path'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { openS3Blobs } from '../platform/blobs-s3.ts'
import type { BlobStore } from '../platform/blobs.ts'
import type { Config } from './config.ts'

/** A directory, or a bucket with a verified cache in the home. @throws DomainError blob_store_url */
export function openBlobs({ blobs, home }: Pick<Config, 'blobs' | 'home'>): BlobStore {
  return blobs.startsWith('s3://')
    ? openS3Blobs(blobs, { cacheDirectory: join(home, 'blob-cache') })
    : openDirectoryBlobs(blobs)
}
