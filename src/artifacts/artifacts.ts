// The tree of artifacts: what is in a directory, what a file is, new files, and their end.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Actor, AuditTables } from '../governance/audit.ts'
import { recordAudit } from '../governance/audit.ts'
import type { BlobSource, BlobStore } from '../platform/blobs.ts'
import type { Clock } from '../platform/clock.ts'
import { transact, type Connection, type Db } from '../platform/database.ts'
import {
  artifactIsDirectory,
  artifactMediaType,
  artifactNotFound,
  artifactPathTaken,
  assertArtifactPath,
  joinArtifactPath,
  type ArtifactEntry,
  type ArtifactFile,
} from './artifact.ts'
import {
  deleteFiles,
  findFile,
  firstFileOf,
  hasFilesBelow,
  putFile,
  readFiles,
  type FileCursor,
} from './stores/artifact-store.ts'
import type { ArtifactTables } from './tables.ts'

export interface DirectoryPage {
  readonly entries: readonly ArtifactEntry[]
  /** What the next page begins after; undefined at the end. */
  readonly next?: string
}

const rowsMin = 16
const rowsMax = 1_000
const deletedAtOnce = 1_000

/**
 * What a directory holds directly, in the order of paths; a directory that is not there is empty. Subdirectories are stepped over, however
 * many files they hold.
 */
export async function listDirectory(
  db: Db<ArtifactTables>,
  directory: string,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<DirectoryPage> {
  const entries: ArtifactEntry[] = []
  const below = directory === '' ? '' : `${directory}/`
  let cursor: FileCursor | undefined = after === undefined ? undefined : cursorAfter(below, after)
  // Many rows at a time while they are files, few while they only tell of one more subdirectory.
  let rows = Math.min(rowsMax, limit + 1)
  for (;;) {
    const files: ArtifactFile[] = await readFiles(db, directory, { cursor, limit: rows })
    let skipped: string | undefined
    for (const file of files) {
      if (skipped !== undefined && file.path.startsWith(skipped)) continue
      const rest = file.path.slice(below.length)
      const slash = rest.indexOf('/')
      if (entries.length === limit) return { entries, next: tokenOf(entries.at(-1)!) }
      skipped = slash === -1 ? undefined : below + rest.slice(0, slash + 1)
      entries.push(slash === -1 ? { name: rest, bytes: file.bytes } : { name: rest.slice(0, slash), bytes: null })
    }
    const last = files.at(-1)
    if (!last || files.length < rows) return { entries }
    const isInside = skipped !== undefined
    cursor = isInside ? cursorAfter(below, tokenOf(entries.at(-1)!)) : { after: last.path }
    rows = isInside ? Math.max(rowsMin, rows >> 1) : Math.min(rowsMax, rows * 2)
  }
}

/** A directory's token ends in a slash, which no name does. */
const tokenOf = ({ name, bytes }: ArtifactEntry): string => (bytes === null ? `${name}/` : name)

/** `0` is the character after `/`: what comes next is behind all that the directory holds. */
const cursorAfter = (below: string, token: string): FileCursor =>
  token.endsWith('/') ? { from: `${below}${token.slice(0, -1)}0` } : { after: below + token }

/** @throws DomainError artifact_not_found, artifact_is_directory */
export async function getFile(db: Db<ArtifactTables>, path: string): Promise<ArtifactFile> {
  const file = await findFile(db, path)
  if (file) return file
  throw (await hasFilesBelow(db, path)) ? artifactIsDirectory(path) : artifactNotFound(path)
}

/** Names stored bytes; a name that is taken names the new ones from now on. @throws DomainError artifact_path_invalid, artifact_path_taken */
export async function nameFile(db: Db<ArtifactTables>, file: ArtifactFile): Promise<void> {
  assertArtifactPath(file.path)
  await assertFree(db, file.path)
  await putFile(db, file)
}

/** That a file may be there. Not in one transaction with the write: two that meet may leave a file beside a directory of its name, and both can be read. */
export async function assertFree(db: Db<ArtifactTables>, path: string): Promise<void> {
  const segments = path.split('/')
  const parents = segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'))
  const parent = await firstFileOf(db, parents)
  if (parent !== undefined) throw artifactPathTaken(parent)
  if (await hasFilesBelow(db, path)) throw artifactPathTaken(path)
}

/**
 * Stores what comes as it comes; until all of it has, nothing is named.
 * @throws DomainError artifact_path_invalid, artifact_path_taken, disk_full, blob_store_unavailable
 */
export async function storeFile(
  { db, blobs, clock }: { db: Db<ArtifactTables>; blobs: BlobStore; clock: Clock },
  { path, source }: { path: string; source: BlobSource },
): Promise<ArtifactFile> {
  assertArtifactPath(path)
  await assertFree(db, path) // Before the bytes come: a gigabyte later is late to hear of it.
  const stored = await blobs.put(source)
  const file = { path, ...stored, mediaType: artifactMediaType(path), atMs: clock() }
  await nameFile(db, file)
  return file
}

/** All files at and below the path, in steps; ended half-way, it goes on when it is asked again. Answers how many there were. */
export async function deleteTree(
  db: Connection<ArtifactTables & AuditTables>,
  actor: Actor,
  path: string,
): Promise<number> {
  let files = 0
  for (;;) {
    const deleted = await transact(db, async (trx) => {
      const step = await deleteFiles(trx, path, deletedAtOnce)
      if (step.files > 0)
        await recordAudit(trx, actor, { action: 'artifact.delete', subject: `artifact:${path}`, detail: step })
      return step
    })
    files += deleted.files
    if (deleted.files < deletedAtOnce) return files
    await nextTurn() // SQLite's statements take none by themselves.
  }
}

/** All files below a directory, their paths relative to it. */
export async function listFiles(
  db: Db<ArtifactTables>,
  directory: string,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<ArtifactFile[]> {
  const cursor = after === undefined ? undefined : { after: joinArtifactPath(directory, after) }
  const files = await readFiles(db, directory, { cursor, limit })
  const start = directory === '' ? 0 : directory.length + 1
  return files.map((file) => ({ ...file, path: file.path.slice(start) }))
}
