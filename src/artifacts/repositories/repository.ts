// What every place of artifacts can do: the tree of this home, a folder, a bucket.
import type { BlobPart, BlobSource } from '../../platform/blobs.ts'
import type { DirectoryPage } from '../artifacts.ts'

/** A file as it is served. */
export interface StoredFile {
  /** Below the root of its place. */
  readonly path: string
  readonly bytes: number
  readonly mediaType: string
  readonly atMs: number
  /** Changes when the bytes do. */
  readonly version: string
  stream(part?: BlobPart): AsyncIterable<Uint8Array>
}

/** Paths are below the root of the place, and were read by `readArtifactPath`. */
export interface ArtifactRepository {
  /** A directory that is not there, or is a file, is empty. */
  list(path: string, page: { after?: string | undefined; limit: number }): Promise<DirectoryPage>
  /** @throws DomainError artifact_not_found, artifact_is_directory */
  open(path: string): Promise<StoredFile>
  /** All or nothing. @throws DomainError artifact_path_taken, disk_full, blob_store_unavailable */
  store(path: string, source: BlobSource): Promise<void>
  /** Absent where bytes go through this server alone. */
  readonly links?: PlaceLinks
}

export interface PlaceLink {
  readonly url: string
  /** To be sent with the request. */
  readonly headers: Readonly<Record<string, string>>
}

/** Links that a place signs itself, each to one file, for whoever has it; clients and the place then leave this server out. */
export interface PlaceLinks {
  /** `disposition` is the answer's `Content-Disposition`. @throws DomainError artifact_not_found, artifact_is_directory, blob_store_unavailable */
  read(path: string, link: { lifeMs: number; disposition: string }): Promise<PlaceLink & { readonly bytes: number }>
  /** @throws DomainError blob_store_unavailable */
  write(path: string, link: { lifeMs: number }): Promise<PlaceLink>
}

/** A place that is not the tree: what is in it is named by nothing but its path. */
export interface OutsideRepository extends ArtifactRepository {
  /** All of it, for good. Idempotent. */
  clear(): Promise<void>
}
