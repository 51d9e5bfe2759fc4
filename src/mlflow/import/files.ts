// Where an MLflow server kept the artifacts of a thing, and where they are from now on.
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { artifactMediaType } from '../../artifacts/artifact.ts'
import { nameFile } from '../../artifacts/artifacts.ts'
import type { ArtifactTables } from '../../artifacts/tables.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Connection } from '../../platform/database.ts'

/** The uri from now on, and the folder whose files go there; without one nothing is copied. */
export interface Place {
  readonly uri: string
  readonly folder: string | undefined
}

/**
 * `mlflow-artifacts:/1/ab/artifacts` stays, its files from the folder that the server stored into; a folder of that machine becomes
 * `mlflow-artifacts:/<own>`; anything else (a bucket) stays where it is.
 */
export function placeOf(uri: string, { artifacts, own }: { artifacts: string; own: string }): Place {
  if (/^mlflow-artifacts:\/(?!\/)/v.test(uri)) {
    const folder = join(artifacts, uri.slice('mlflow-artifacts:/'.length))
    // What leads out of it is no name of an artifact.
    return { uri, folder: `${folder}${sep}`.startsWith(`${artifacts}${sep}`) ? folder : undefined }
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

/** Every file below the folder, under its path below the place; the same files again change nothing. */
export async function copyFiles({ db, blobs, clock }: FilesDeps, { uri, folder }: Place): Promise<FileCounts> {
  const counts = { files: 0, bytes: 0 }
  if (folder === undefined) return counts
  const root = uri.slice('mlflow-artifacts:/'.length)
  for await (const path of filesBelow(folder, '')) {
    const stored = await blobs.put(createReadStream(join(folder, path)))
    const file = {
      path: `${root}/${path}`,
      digest: stored.digest,
      bytes: stored.bytes,
      mediaType: artifactMediaType(path),
    }
    await nameFile(db, { ...file, atMs: clock() })
    counts.files += 1
    counts.bytes += stored.bytes
  }
  return counts
}

/** What `copyFiles` would copy. */
export async function countFiles({ folder }: Place): Promise<FileCounts> {
  const counts = { files: 0, bytes: 0 }
  if (folder === undefined) return counts
  for await (const path of filesBelow(folder, '')) {
    counts.files += 1
    counts.bytes += (await stat(join(folder, path))).size
  }
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
