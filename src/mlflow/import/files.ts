// Where an MLflow server kept the artifacts of a thing, and where they are from now on.
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { artifactMediaType } from '../../artifacts/artifact.ts'
import { getFile, nameFile } from '../../artifacts/artifacts.ts'
import type { ArtifactTables } from '../../artifacts/tables.ts'
import type { BlobRef, BlobStore } from '../../platform/blobs.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Connection } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import type { RemoteFile, RemoteFiles } from './remote-files.ts'
import { SetDigest } from './verify/digest.ts'
import type { Report } from './verify/report.ts'

/** Where the files of a source are. */
export interface SourceArtifacts {
  /** The folder that its server stored artifacts into. */
  readonly folder: string
  /** What is read from elsewhere. */
  readonly remote: RemoteFiles
}

/** The uri from now on, and the folder whose files go there; without one nothing is copied. */
export interface Place {
  readonly uri: string
  /** What `remote` knows by its uri, or a folder of this machine. */
  readonly folder: string | undefined
  readonly remote?: RemoteFiles
}

/**
 * `mlflow-artifacts:/1/ab/artifacts` stays, its files from the folder that the server stored into; a folder of that machine becomes
 * `mlflow-artifacts:/<own>`, and so does what is read from elsewhere; anything else stays where it is.
 */
export function placeOf(uri: string, { artifacts, own }: { artifacts: SourceArtifacts; own: string }): Place {
  const { folder: root, remote } = artifacts
  const isKept = /^mlflow-artifacts:\/(?!\/)/v.test(uri)
  if (remote.has(uri)) return { uri: isKept ? uri : `mlflow-artifacts:/${own}`, folder: uri, remote }
  if (isKept) {
    const folder = join(root, uri.slice('mlflow-artifacts:/'.length))
    // What leads out of it is no name of an artifact.
    return { uri, folder: `${folder}${sep}`.startsWith(`${root}${sep}`) ? folder : undefined }
  }
  const folder = uri.startsWith('file:')
    ? fileURLToPath(uri)
    : isAbsolute(uri) || uri.startsWith('./')
      ? resolve(uri)
      : undefined
  return folder === undefined ? { uri, folder } : { uri: `mlflow-artifacts:/${own}`, folder }
}

export interface FilesDeps {
  readonly db: Connection<ArtifactTables>
  readonly blobs: BlobStore
  readonly clock: Clock
}

export interface FileCounts {
  files: number
  bytes: number
}

/** Every file below the folder, under its path below the place; the same files again change nothing. Adds to the report what both sides have. */
export async function copyFiles(deps: FilesDeps, place: Place, report: Report): Promise<FileCounts> {
  const counts = { files: 0, bytes: 0 }
  const root = place.uri.slice('mlflow-artifacts:/'.length)
  await eachFile(place, async (file) => {
    const path = `${root}/${file.path}`
    const read = await copyFile(deps, path, file)
    report.add(
      { kind: 'files', whose: `the file ${path}` },
      { theirs: digestOf(path, read), ours: digestOf(path, await fileHere(deps.db, path)) },
    )
    counts.bytes += read.bytes
    counts.files += 1
  })
  return counts
}

function digestOf(path: string, file: BlobRef | undefined): SetDigest {
  const digest = new SetDigest()
  if (file) digest.add(`${path} ${file.digest} ${file.bytes}`)
  return digest
}

/** A place that cannot be read is left out where it may be; what the work itself fails with is thrown. */
async function eachFile(place: Place, work: (file: SourceFile) => Promise<void>): Promise<void> {
  const { folder = '', remote } = place
  const failures = new Set<unknown>()
  try {
    for await (const file of watched(filesOf(place), failures)) {
      await work({ ...file, read: () => watched(file.read(), failures) })
    }
  } catch (error) {
    if (!remote || !failures.has(error)) throw error
    remote.leaveOut(folder, error)
  }
}

async function* watched<T>(source: AsyncIterable<T>, failures: Set<unknown>): AsyncGenerator<T> {
  try {
    yield* source
  } catch (error) {
    failures.add(error)
    throw error
  }
}

/** Answers what was read of its source. @throws DomainError import_incomplete: it is not as long as its source said */
async function copyFile({ db, blobs, clock }: FilesDeps, path: string, file: SourceFile): Promise<BlobRef> {
  // What was brought before a cut is not fetched again.
  const before = file.isFar && file.bytes !== undefined ? await fileHere(db, path) : undefined
  if (before && before.bytes === file.bytes) return before
  const stored = await blobs.put(file.read())
  if (file.bytes !== undefined && stored.bytes !== file.bytes) {
    const message = `the file ${path} came with ${stored.bytes} bytes of ${file.bytes}: was it written to meanwhile? Start the import again`
    throw new DomainError('conflict', 'import_incomplete', message)
  }
  await nameFile(db, { path, ...stored, mediaType: artifactMediaType(path), atMs: clock() })
  return stored
}

/** Undefined: it is not here. */
async function fileHere(db: FilesDeps['db'], path: string): Promise<BlobRef | undefined> {
  try {
    return await getFile(db, path)
  } catch (error) {
    if (error instanceof DomainError && error.code === 'artifact_not_found') return undefined
    throw error
  }
}

type SourceFile = RemoteFile & { readonly isFar: boolean }

async function* filesOf({ folder, remote }: Place): AsyncGenerator<SourceFile> {
  if (folder === undefined) return
  if (remote) {
    for await (const file of remote.below(folder)) yield { ...file, isFar: true }
    return
  }
  for await (const path of filesBelow(folder, '')) {
    const at = join(folder, path)
    yield { path, bytes: (await stat(at)).size, isFar: false, read: () => createReadStream(at) }
  }
}

/** What `copyFiles` would copy. */
export async function countFiles(place: Place): Promise<FileCounts> {
  const counts = { files: 0, bytes: 0 }
  await eachFile(place, async ({ bytes = 0 }) => {
    counts.files += 1
    counts.bytes += bytes
  })
  return counts
}

/** Links are not followed: what they lead to need not be an artifact. */
async function* filesBelow(folder: string, path: string): AsyncGenerator<string> {
  if (!(await stat(join(folder, path)).catch(() => undefined))?.isDirectory()) return
  const entries = await readdir(join(folder, path), { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const below = path === '' ? entry.name : `${path}/${entry.name}`
    if (entry.isDirectory()) yield* filesBelow(folder, below)
    else if (entry.isFile()) yield below
  }
}
