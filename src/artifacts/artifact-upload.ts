// Uploads in parts: each part is on disk when it is acknowledged, in any order, and outlives a restart; the file is named when all are there.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Actor } from '../governance/audit.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import type { BlobSource, BlobStore } from '../platform/blobs.ts'
import type { Clock } from '../platform/clock.ts'
import { transact, type Connection } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { artifactMediaType, type ArtifactFile } from './artifact.ts'
import { assertFree, nameFile } from './artifacts.ts'
import {
  deleteUpload,
  findUpload,
  insertUpload,
  readUploadsBefore,
  setUploadCompleted,
  type UploadRow,
} from './stores/artifact-upload-store.ts'
import type { ArtifactTables } from './tables.ts'

export interface UploadDeps {
  readonly db: Connection<ArtifactTables>
  readonly blobs: BlobStore
  /** Folder of this home for the parts of uploads. */
  readonly uploads: string
  readonly clock: Clock
}

export interface UploadPart {
  readonly number: number
  /** As `storePart` answered it. */
  readonly digest: string
}

export const uploadPartsMax = 10_000
/** Parts of an upload that is older are removed. */
export const uploadMsMax = 24 * 3_600_000
const prunedAtOnce = 100

const uploadNotFound = (id: string): DomainError =>
  new DomainError(
    'not_found',
    'artifact_upload_not_found',
    `there is no upload "${id.slice(0, 100)}": it was aborted, or is older than a day; begin again`,
  )

const partMissing = (number: number): DomainError =>
  new DomainError(
    'invalid',
    'artifact_part_missing',
    `part ${number} of the upload is not here with the ETag that was sent: send the part again and use the ETag of its answer`,
    { number },
  )

/** Answers the id. @throws DomainError artifact_path_invalid, artifact_path_taken */
export async function beginUpload({ db, clock }: UploadDeps, actor: Actor, path: string): Promise<string> {
  await assertFree(db, path)
  const id = actor.ids('upl')
  await insertUpload(db, { id, path, createdAtMs: clock() })
  return id
}

/** @throws DomainError artifact_upload_not_found */
async function uploadOf({ db, clock }: UploadDeps, id: string): Promise<UploadRow> {
  const upload = await findUpload(db, id)
  if (!upload || upload.createdAtMs + uploadMsMax <= clock()) throw uploadNotFound(id)
  return upload
}

/** Every upload has a store of its own: to end it is to remove a folder. Its id was made here. */
const partsOf = ({ uploads }: UploadDeps, { id }: Pick<UploadRow, 'id'>): BlobStore =>
  openDirectoryBlobs(join(uploads, id))

/** Answers the part's digest. Sent again, it is stored again. @throws DomainError artifact_upload_not_found, disk_full */
export async function storePart(deps: UploadDeps, id: string, source: BlobSource): Promise<string> {
  const upload = await uploadOf(deps, id)
  if (upload.completedAtMs !== null) throw uploadNotFound(id)
  return (await partsOf(deps, upload).put(source)).digest
}

/**
 * Puts the parts together by their numbers and names the file. Asked again, it is done already.
 * @throws DomainError artifact_upload_not_found, artifact_part_missing, artifact_path_taken, disk_full, blob_store_unavailable
 */
export async function completeUpload(
  deps: UploadDeps,
  { id, path, parts }: { id: string; path: string; parts: readonly UploadPart[] },
): Promise<void> {
  const { db, blobs, clock } = deps
  const upload = await uploadOf(deps, id)
  if (upload.path !== path) throw uploadNotFound(id)
  if (upload.completedAtMs !== null) return
  const ordered = parts.toSorted((a, b) => a.number - b.number)
  const store = partsOf(deps, upload)
  for (const { number, digest } of ordered) {
    if (!/^[0-9a-f]{64}$/v.test(digest) || !(await store.has(digest))) throw partMissing(number)
  }
  async function* whole(): AsyncIterable<Uint8Array> {
    for (const { digest } of ordered) yield* store.stream(digest)
  }
  const stored = await blobs.put(whole())
  const file: ArtifactFile = { path, ...stored, mediaType: artifactMediaType(path), atMs: clock() }
  await transact(db, async (trx) => {
    await nameFile(trx, file)
    await setUploadCompleted(trx, id, clock())
  })
  await removeParts(deps, id)
}

/** Idempotent. */
export async function abortUpload(deps: UploadDeps, { id, path }: { id: string; path: string }): Promise<void> {
  const upload = await findUpload(deps.db, id)
  if (!upload || upload.path !== path) return
  await deleteUpload(deps.db, id)
  await removeParts(deps, id)
}

const removeParts = ({ uploads }: UploadDeps, id: string): Promise<void> =>
  rm(join(uploads, id), { recursive: true, force: true })

/** Ends the uploads that are too old, and removes parts that no upload knows. Answers how many there were. */
export async function pruneUploads(deps: UploadDeps): Promise<number> {
  const { db, uploads, clock } = deps
  let pruned = 0
  for (;;) {
    const ids = await readUploadsBefore(db, clock() - uploadMsMax, prunedAtOnce)
    for (const id of ids) await deleteUpload(db, id)
    pruned += ids.length
    if (ids.length < prunedAtOnce) break
  }
  const folders = await readdir(uploads).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const id of folders) {
    const upload = await findUpload(db, id)
    if (!upload || upload.completedAtMs !== null) await removeParts(deps, id)
  }
  return pruned
}
