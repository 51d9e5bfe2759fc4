// Blobs in a directory: `ab/cdef…` by sha256, written beside and linked into place, so a reader never sees half a file.
import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import {
  access,
  link,
  mkdir,
  open,
  opendir,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  type FileHandle,
} from 'node:fs/promises'
import { join } from 'node:path'
import {
  renewedEveryMs,
  type BlobPart,
  type BlobRef,
  type BlobSource,
  type BlobStore,
  type ListedBlob,
} from './blobs.ts'
import { DomainError } from './errors.ts'

/** A temporary file this old belongs to a process that died; it is removed at the next first `put`. */
const staleTemporaryMs = 24 * 3_600_000
const readChunkBytes = 1024 * 1024
/** How many files one process remembers as verified, by inode, size and change time. */
const verifiedMax = 50_000

const digestPattern = /^[0-9a-f]{64}$/v

/** @throws DomainError blob_digest: only a sha256 ever becomes a path or a key. */
export function assertDigest(digest: string): void {
  if (digestPattern.test(digest)) return
  throw new DomainError(
    'invalid',
    'blob_digest',
    `"${digest.slice(0, 80)}" is no blob: write the 64 lower-case hexadecimal digits of its sha256`,
  )
}

export const blobNotFound = (digest: string): DomainError =>
  new DomainError('not_found', 'blob_not_found', `there is no blob ${digest}: it was never stored here or was deleted`)

export const blobCorrupt = (digest: string, where: string): DomainError =>
  new DomainError(
    'unavailable',
    'blob_corrupt',
    `blob ${digest} in ${where} no longer has the bytes it was stored with: restore it from a backup or store it again`,
  )

/**
 * Opens (and makes when needed) a blob store in `directory`. Several processes may share one.
 * @throws DomainError disk_full from `put` and `putFile`, with nothing left behind.
 */
export function openDirectoryBlobs(directory: string): BlobStore {
  const verified = new Map<string, string>()
  const temporary = join(directory, 'tmp')
  let isSwept = false
  const pathOf = (digest: string): string => {
    assertDigest(digest)
    return join(directory, digest.slice(0, 2), digest.slice(2))
  }
  const put = async (source: BlobSource): Promise<BlobRef> => {
    if (source instanceof Uint8Array) {
      const digest = createHash('sha256').update(source).digest('hex')
      if (await renewed(pathOf(digest), source.byteLength)) return { digest, bytes: source.byteLength }
    }
    return withDiskFull(directory, async () => {
      await mkdir(temporary, { recursive: true }) // Each time: a cache may be removed while it is in use.
      if (!isSwept) await removeStale(temporary)
      isSwept = true
      const path = join(temporary, randomBytes(16).toString('hex'))
      try {
        const ref = await writeSynced(path, source)
        await publish(path, pathOf(ref.digest), ref.bytes)
        return ref
      } finally {
        await rm(path, { force: true })
      }
    })
  }
  const localPath = async (digest: string): Promise<string> => {
    const path = pathOf(digest)
    const identity = await identityOf(path, digest)
    if (verified.get(digest) === identity) return path
    for await (const _ of streamFile(path, digest)); // Reading to the end is the check.
    if (verified.size >= verifiedMax) verified.clear()
    verified.set(digest, identity)
    return path
  }
  return {
    put,
    putFile: (path) => put(createReadStream(path, { highWaterMark: readChunkBytes })),
    get: async (digest) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of streamFile(pathOf(digest), digest)) chunks.push(chunk)
      return Buffer.concat(chunks)
    },
    stream: (digest, part) => (part ? streamPart(pathOf(digest), digest, part) : streamFile(pathOf(digest), digest)),
    localPath,
    has: async (digest) => isStored(pathOf(digest)),
    renew: (digest) => renewed(pathOf(digest)),
    delete: async (digest) => rm(pathOf(digest), { force: true }),
    deleteBefore: (digest, beforeMs) => deleteBefore(pathOf(digest), { temporary, beforeMs }),
    list: () => listFiles(directory),
  }
}

async function isStored(path: string): Promise<boolean> {
  try {
    await access(path, constants.F_OK)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Whether the object is there, of that size, and cannot be taken for an old one. */
async function renewed(path: string, bytes?: number): Promise<boolean> {
  try {
    const found = await stat(path)
    if (bytes !== undefined && found.size !== bytes) return false
    const now = new Date()
    if (now.getTime() - found.mtimeMs > renewedEveryMs) await utimes(path, now, now)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Taken aside first: who renews it from then on does not find it, and who did before has made it young, so it goes back. */
async function deleteBefore(
  path: string,
  { temporary, beforeMs }: { temporary: string; beforeMs: number },
): Promise<boolean> {
  const aside = join(temporary, randomBytes(16).toString('hex'))
  try {
    if ((await stat(path)).mtimeMs >= beforeMs) return false
    await mkdir(temporary, { recursive: true })
    await rename(path, aside)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  if ((await stat(aside)).mtimeMs >= beforeMs) {
    await link(aside, path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // It was stored anew meanwhile.
    })
    await rm(aside)
    return false
  }
  await rm(aside)
  return true
}

async function identityOf(path: string, digest: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return `${ino}/${size}/${mtimeNs}/${ctimeNs}`
  } catch (error) {
    throw isMissing(error) ? blobNotFound(digest) : error
  }
}

async function removeStale(temporary: string): Promise<void> {
  const now = Date.now()
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name)
    const found = await stat(path).catch(() => undefined) // Another process may finish with it between the two calls.
    if (found && now - found.mtimeMs > staleTemporaryMs) await rm(path, { force: true })
  }
}

async function writeSynced(path: string, source: BlobSource): Promise<BlobRef> {
  const hash = createHash('sha256')
  let bytes = 0
  const file: FileHandle = await open(path, 'wx', 0o444)
  try {
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      hash.update(chunk)
      bytes += chunk.byteLength
      for (let offset = 0; offset < chunk.byteLength;) offset += (await file.write(chunk, offset)).bytesWritten
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { digest: hash.digest('hex'), bytes }
}

/** Put-if-absent. A file of another size under this name is damage, which the good bytes repair. */
async function publish(from: string, to: string, bytes: number): Promise<void> {
  const parent = join(to, '..')
  const made = await mkdir(parent, { recursive: true })
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (await renewed(to, bytes)) return
    await rename(from, to)
  }
  await syncDirectory(parent)
  if (made) await syncDirectory(join(parent, '..'))
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function* streamFile(path: string, digest: string): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of readChunks(path, digest)) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== digest) throw blobCorrupt(digest, path)
}

async function* streamPart(path: string, digest: string, part: BlobPart): AsyncIterable<Uint8Array> {
  let bytes = 0
  for await (const chunk of readChunks(path, digest, part)) {
    bytes += chunk.byteLength
    yield chunk
  }
  if (bytes !== part.end - part.start + 1) throw blobCorrupt(digest, path)
}

/** By hand: a read stream takes a buffer of a chunk's size for a file of five bytes too. */
async function* readChunks(path: string, digest: string, part?: BlobPart): AsyncIterable<Uint8Array> {
  const file = await openStored(path, digest)
  try {
    const end = part ? part.end + 1 : (await file.stat()).size
    for (let at = part?.start ?? 0; at < end;) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(readChunkBytes, end - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** @throws DomainError blob_not_found */
async function openStored(path: string, digest: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw isMissing(error) ? blobNotFound(digest) : error
  }
}

async function* listFiles(directory: string): AsyncIterable<ListedBlob> {
  const folders = await readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  for (const folder of folders.filter((name) => /^[0-9a-f]{2}$/v.test(name)).toSorted()) {
    for await (const entry of await opendir(join(directory, folder))) {
      const digest = folder + entry.name
      if (!digestPattern.test(digest)) continue
      const found = await stat(join(directory, folder, entry.name)).catch((error: unknown) => {
        if (isMissing(error)) return undefined // Deleted while we listed.
        throw error
      })
      if (found) yield { digest, bytes: found.size, atMs: found.mtimeMs }
    }
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

const fullCodes = new Set(['ENOSPC', 'EDQUOT'])

/** @throws DomainError disk_full in place of the system's error. */
export async function withDiskFull<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (!code || !fullCodes.has(code)) throw error
    throw new DomainError(
      'unavailable',
      'disk_full',
      `the disk of ${directory} is full: free some space or move the home to a larger disk; nothing was stored`,
    )
  }
}
