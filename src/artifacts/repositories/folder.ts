// A folder of this machine that the operator named as a place of artifacts: nothing outside of it is read or written, whatever links say.
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobPart, BlobSource } from '../../platform/blobs.ts'
import { withDiskFull } from '../../platform/blobs-directory.ts'
import {
  artifactIsDirectory,
  artifactMediaType,
  artifactNotFound,
  artifactPathInvalid,
  artifactPathTaken,
  joinArtifactPath,
  type ArtifactEntry,
} from '../artifact.ts'
import type { DirectoryPage } from '../artifacts.ts'
import type { OutsideRepository, StoredFile } from './repository.ts'

const chunkBytes = 1024 * 1024
const temporaryPrefix = '.artifact.uploading.'

/**
 * @param base absolute, the operator's: what is outside of it does not exist
 * @param root below the base; made when it is first written to
 */
export function openFolder(base: string, root: string): OutsideRepository {
  const at = (path: string): string => joinArtifactPath(root, path)
  return {
    list: (path, page) => listFolder(base, at(path), page),
    open: async (path) => ({ ...(await openFile(base, at(path))), path }),
    store: (path, source) => withDiskFull(base, () => storeFile(base, at(path), source)),
    async clear() {
      const real = await inside(base, root)
      if (real !== undefined) await rm(real, { recursive: true, force: true }) // Links in it go, and not what they lead to.
    },
  }
}

async function listFolder(
  base: string,
  path: string,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<DirectoryPage> {
  const directory = await inside(base, path)
  const names = directory === undefined ? [] : await namesIn(directory)
  const rest = names.filter((name) => after === undefined || name > after)
  const entries: ArtifactEntry[] = []
  for (const name of rest.slice(0, limit)) {
    const bytes = await sizeOf(base, joinArtifactPath(path, name))
    if (bytes !== undefined) entries.push({ name, bytes })
  }
  const last = rest[limit - 1]
  return rest.length > limit && last !== undefined ? { entries, next: last } : { entries }
}

/** The real place of a path; undefined when there is none. @throws DomainError artifact_path_invalid when it is outside of the base */
async function inside(base: string, path: string): Promise<string | undefined> {
  try {
    const [realBase, real] = [await realpath(base), await realpath(join(base, path))]
    if (real !== realBase && !real.startsWith(`${realBase}/`)) throw artifactPathInvalid(path)
    return real
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith(temporaryPrefix)).toSorted()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Null for a directory; undefined for what is neither, or a link that leads outside. */
async function sizeOf(base: string, path: string): Promise<number | null | undefined> {
  const real = await inside(base, path).catch(() => undefined)
  const found = real === undefined ? undefined : await stat(real).catch(() => undefined)
  if (found?.isDirectory()) return null
  return found?.isFile() ? found.size : undefined
}

async function openFile(base: string, path: string): Promise<StoredFile> {
  const real = await inside(base, path)
  if (real === undefined) throw artifactNotFound(path)
  const found = await stat(real, { bigint: true })
  if (found.isDirectory()) throw artifactIsDirectory(path)
  if (!found.isFile()) throw artifactNotFound(path)
  return {
    path,
    bytes: Number(found.size),
    mediaType: artifactMediaType(path),
    atMs: Number(found.mtimeMs),
    version: `${found.ino}-${found.size}-${found.mtimeNs}`,
    stream: (part) => streamFile(real, part),
  }
}

/** The place was looked at before: a link that came there since is not followed. */
async function* streamFile(real: string, part?: BlobPart): AsyncIterable<Uint8Array> {
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW)
  yield* file.createReadStream({ ...part, highWaterMark: chunkBytes }) as AsyncIterable<Uint8Array> // Closes the file.
}

/** Written beside its place and put there when it is whole. */
async function storeFile(base: string, path: string, source: BlobSource): Promise<void> {
  const parent = dirname(join(base, path))
  await mkdir(base, { recursive: true })
  await makeInside(base, path.split('/').slice(0, -1))
  const temporary = join(parent, `${temporaryPrefix}${randomBytes(8).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', 0o644)
    try {
      await writeAll(file, source)
      await file.sync()
    } finally {
      await file.close()
    }
    const taken = await stat(join(base, path)).catch(() => undefined)
    if (taken?.isDirectory()) throw artifactPathTaken(path)
    await rename(temporary, join(base, path))
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Step by step, so that no folder is made behind a link that leads outside. */
async function makeInside(base: string, segments: readonly string[]): Promise<void> {
  for (let at = 1; at <= segments.length; at++) {
    const path = segments.slice(0, at).join('/')
    const real = await inside(base, path)
    if (real === undefined) await mkdir(join(base, path), { recursive: true }) // Another may make it at the same time.
    else if (!(await stat(real)).isDirectory()) throw artifactPathTaken(path)
  }
}

async function writeAll(file: FileHandle, source: BlobSource): Promise<void> {
  for await (const chunk of source instanceof Uint8Array ? [source] : source) {
    for (let offset = 0; offset < chunk.byteLength;) offset += (await file.write(chunk, offset)).bytesWritten
  }
}

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
