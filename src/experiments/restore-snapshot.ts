// A stored code snapshot, read again: what is in it, whether all of it is there, and its files in a folder of their own.
import { createHash } from 'node:crypto'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobStore } from '../platform/blobs.ts'
import { DomainError } from '../platform/errors.ts'
import { parseSnapshot, snapshotInvalid, storedFiles, type SnapshotManifest } from './snapshot.ts'

/** Of the most files with paths of a usual length. */
const manifestBytesMax = 16 * 1024 * 1024
const askedAtOnce = 64

/** @throws DomainError snapshot_invalid, blob_not_found, blob_corrupt */
export async function readSnapshot(blobs: Pick<BlobStore, 'stream'>, digest: string): Promise<SnapshotManifest> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of blobs.stream(digest)) {
    bytes += chunk.byteLength
    // Anybody's blob may be named as a manifest; none of them may fill the memory.
    if (bytes > manifestBytesMax) throw snapshotInvalid(`its manifest has more than ${manifestBytesMax} bytes`)
    chunks.push(chunk)
  }
  return parseSnapshot(Buffer.concat(chunks))
}

/** All of a snapshot is stored. @throws DomainError snapshot_incomplete, snapshot_invalid, blob_not_found, blob_corrupt */
export async function assertSnapshotStored(blobs: Pick<BlobStore, 'has' | 'stream'>, digest: string): Promise<void> {
  const files = storedFiles((await readSnapshot(blobs, digest)).files)
  for (let at = 0; at < files.length; at += askedAtOnce) {
    const some = files.slice(at, at + askedAtOnce)
    const stored = await Promise.all(some.map((file) => blobs.has(file.digest)))
    const missing = some[stored.indexOf(false)]
    if (!missing) continue
    const message = `"${missing.path}" of the code snapshot is not stored (${missing.digest}): upload it with POST /api/blobs first`
    throw new DomainError('not_found', 'snapshot_incomplete', message)
  }
}

export interface Restore {
  readonly manifest: SnapshotManifest
  /** Made with its parents; must be empty if it is there. */
  readonly folder: string
  /** The bytes of a blob; they are verified here. */
  readonly read: (digest: string) => Promise<Uint8Array>
}

/**
 * Writes every file as it was. Links are made last and as such, so nothing is ever written through one.
 * @throws DomainError folder_not_empty, blob_corrupt, and what `read` throws
 */
export async function restoreSnapshot({ manifest, folder, read }: Restore): Promise<void> {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) {
    throw new DomainError('conflict', 'folder_not_empty', `${folder} is not empty: name a folder that is, or a new one`)
  }
  const links = manifest.files.filter(({ mode }) => mode === 'link')
  for (const file of [...manifest.files.filter(({ mode }) => mode !== 'link'), ...links]) {
    const content = file.bytes === 0 ? new Uint8Array() : await read(file.digest)
    if (createHash('sha256').update(content).digest('hex') !== file.digest) throw corrupt(file.path, file.digest)
    const path = join(folder, file.path)
    await mkdir(dirname(path), { recursive: true })
    if (file.mode === 'link') await symlink(Buffer.from(content), path)
    else await writeFile(path, content, { flag: 'wx', mode: file.mode === 'executable' ? 0o755 : 0o644 })
  }
}

const corrupt = (path: string, digest: string): DomainError =>
  new DomainError(
    'unavailable',
    'blob_corrupt',
    `"${path}" no longer has the bytes ${digest} that it was stored with: restore that blob from a backup`,
  )
