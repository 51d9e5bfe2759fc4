// Content-addressed bytes: what is stored is known by its sha256, so nothing is stored twice and nothing can change.

/** A stored object: 64 lower-case hexadecimal digits of sha256, and its size. */
export interface BlobRef {
  readonly digest: string
  readonly bytes: number
}

export interface ListedBlob extends BlobRef {
  /** When it was stored, or renewed. */
  readonly atMs: number
}

/** Offsets in bytes, the last one's own included, as a Range header counts; both lie in the object. */
export interface BlobPart {
  readonly start: number
  readonly end: number
}

export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>

/** One contract for a directory and for S3; `testBlobStore` (blobs.conformance.ts) holds every implementation to it. */
export interface BlobStore {
  /** Stores the bytes unless they are there; idempotent, atomic: a reader never sees half an object. */
  put(source: BlobSource): Promise<BlobRef>
  /** As `put`, from a file that the caller keeps. */
  putFile(path: string): Promise<BlobRef>
  /** The whole object, verified. @throws DomainError blob_not_found, blob_corrupt */
  get(digest: string): Promise<Uint8Array>
  /**
   * The object in chunks; verified at the end, so use what came only after it ended. A part of it cannot be verified, except that all of it
   * comes. @throws DomainError blob_not_found, blob_corrupt
   */
  stream(digest: string, part?: BlobPart): AsyncIterable<Uint8Array>
  /** A local, read-only file with the verified bytes: the stored file itself, or a cached copy of a remote one. */
  localPath(digest: string): Promise<string>
  has(digest: string): Promise<boolean>
  /** Whether it is there; it then counts as stored now, for who is about to name it. What is there already is renewed by `put` too. */
  renew(digest: string): Promise<boolean>
  delete(digest: string): Promise<void>
  /** Deletes what was stored and last renewed before; answers whether it did. */
  deleteBefore(digest: string, beforeMs: number): Promise<boolean>
  list(): AsyncIterable<ListedBlob>
}

/** An object younger than this is not renewed: who collects what nobody names leaves much older ones alone. */
export const renewedEveryMs = 600_000
