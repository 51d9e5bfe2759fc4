// Manifests, and other JSON of this stage, in the blob store.
import type { BlobRef, BlobStore } from '../platform/blobs.ts'
import { Manifest } from './manifest.ts'

/** Stores the manifest; the same manifest is the same blob. */
export const storeManifest = (blobs: BlobStore, manifest: Manifest): Promise<BlobRef> =>
  blobs.put(Buffer.from(JSON.stringify(Manifest.parse(manifest))))

/** @throws DomainError blob_not_found, blob_corrupt */
export async function loadManifest(blobs: BlobStore, blob: string): Promise<Manifest> {
  return Manifest.parse(JSON.parse(Buffer.from(await blobs.get(blob)).toString('utf8')))
}
