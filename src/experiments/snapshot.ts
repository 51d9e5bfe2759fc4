// The code as it is now: every file that git lists, by content, and the commit it differs from. Runs beside the code, not in the server.
import { execFile } from 'node:child_process'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { BlobRef, BlobStore } from '../platform/blobs.ts'
import { DomainError } from '../platform/errors.ts'
import type { Code } from './run.ts'

export const snapshotBytesMax = 50 * 1024 * 1024
export const snapshotFilesMax = 20_000
const namedFiles = 10
const gitOutputMax = 64 * 1024 * 1024
const gitTimeoutMs = 30_000
const ignoredFolders = new Set(['node_modules', '.trueloop', '.git'])

/** `link` holds the target's text, and is never followed. */
export const SnapshotManifest = z.strictObject({
  version: z.literal(1),
  /** Sorted by path: relative to the folder, with `/`. */
  files: z.array(
    z.strictObject({
      path: z.string(),
      digest: z.string(),
      bytes: z.int().nonnegative(),
      mode: z.enum(['file', 'executable', 'link']),
    }),
  ),
})
export type SnapshotManifest = Readonly<z.infer<typeof SnapshotManifest>>

export interface Snapshot {
  readonly code: Code
  /** Of the manifest; the same files give the same digest. */
  readonly manifest: BlobRef
  readonly files: number
  /** Of all files together. */
  readonly bytes: number
}

interface FoundFile {
  readonly path: string
  readonly bytes: number
  readonly mode: 'file' | 'executable' | 'link'
}

/**
 * Stores what `git ls-files` lists of `directory` (tracked, and untracked but not ignored); outside of a repository all files but those in
 * `node_modules`, `.trueloop` and `.git`.
 * @throws DomainError snapshot_too_large (beyond 50 MB, or 20,000 files), snapshot_unstable (a file changed while it was read), git_failed
 */
export async function takeSnapshot(blobs: BlobStore, directory: string): Promise<Snapshot> {
  const repository = await readRepository(directory)
  const paths = repository ? repository.paths : await listFolder(directory, '')
  if (paths.length > snapshotFilesMax) throw tooManyFiles(paths.length)
  const found = (await Promise.all(chunked(paths, (path) => inspect(directory, path)))).flat()
  const bytes = found.reduce((sum, file) => sum + file.bytes, 0)
  if (bytes > snapshotBytesMax) throw tooLarge(found, bytes)
  const files: SnapshotManifest['files'] = []
  for (const file of found.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    files.push(await store(blobs, directory, file))
  const manifest = await blobs.put(Buffer.from(JSON.stringify({ version: 1, files } satisfies SnapshotManifest)))
  const code = { commit: repository?.commit ?? null, isDirty: repository?.isDirty ?? false, snapshot: manifest.digest }
  return { code, manifest, files: files.length, bytes }
}

async function store(blobs: BlobStore, directory: string, file: FoundFile): Promise<SnapshotManifest['files'][number]> {
  const path = join(directory, file.path)
  const content = file.mode === 'link' ? Buffer.from(await readlink(path)) : await readFile(path)
  if (content.byteLength !== file.bytes) {
    const message = `"${file.path}" changed while the code was read: run it again when nothing writes to the folder`
    throw new DomainError('conflict', 'snapshot_unstable', message)
  }
  const { digest, bytes } = await blobs.put(content)
  return { path: file.path, digest, bytes, mode: file.mode }
}

const inspectedAtOnce = 64

/** As many lanes as may run at once, each with its share. */
function chunked<R>(paths: readonly string[], work: (path: string) => Promise<R[]>): Promise<R[]>[] {
  return Array.from({ length: Math.min(inspectedAtOnce, paths.length) }, async (_, lane) => {
    const found: R[] = []
    for (let i = lane; i < paths.length; i += inspectedAtOnce) found.push(...(await work(paths[i]!)))
    return found
  })
}

async function inspect(directory: string, path: string): Promise<FoundFile[]> {
  try {
    const { size: bytes, mode, ...found } = await statOf(join(directory, path))
    if (found.isLink) return [{ path, bytes, mode: 'link' }]
    // A submodule is listed as a folder: its commit is part of ours.
    return found.isFile ? [{ path, bytes, mode: (mode & 0o100) === 0 ? 'file' : 'executable' }] : []
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return [] // Deleted, and git still lists it.
    throw error
  }
}

async function statOf(path: string): Promise<{ size: number; mode: number; isFile: boolean; isLink: boolean }> {
  const found = await lstat(path)
  const isLink = found.isSymbolicLink()
  const size = isLink ? Buffer.byteLength(await readlink(path)) : found.size
  return { size, mode: found.mode, isFile: found.isFile(), isLink }
}

async function listFolder(directory: string, folder: string): Promise<string[]> {
  const paths: string[] = []
  for (const entry of await readdir(join(directory, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (!entry.isDirectory()) paths.push(path)
    else if (!ignoredFolders.has(entry.name)) paths.push(...(await listFolder(directory, path)))
    if (paths.length > snapshotFilesMax) throw tooManyFiles(paths.length)
  }
  return paths
}

interface Repository {
  readonly commit: string | null
  readonly isDirty: boolean
  readonly paths: readonly string[]
}

/** Undefined outside of a repository, and where there is no git. */
async function readRepository(directory: string): Promise<Repository | undefined> {
  const inside = await git(directory, ['rev-parse', '--is-inside-work-tree']).catch((error: unknown) => {
    if (isNoRepository(error)) return undefined
    throw gitFailed(error)
  })
  if (inside?.trim() !== 'true') return undefined
  try {
    const listed = await git(directory, ['ls-files', '-co', '--exclude-standard', '-z'])
    const status = await git(directory, ['status', '--porcelain', '-z', '--untracked-files=normal', '--', '.'])
    const commit = await git(directory, ['rev-parse', '--verify', '--quiet', 'HEAD']).catch(() => '') // No commit yet.
    const paths = [...new Set(listed.split('\0'))].filter((path) => path !== '')
    return { commit: commit.trim() || null, isDirty: status !== '', paths }
  } catch (error) {
    throw gitFailed(error)
  }
}

const execute = promisify(execFile)

/** Without a shell; hooks, pagers, watchers and optional locks of the user's settings stay out of it. */
async function git(directory: string, args: readonly string[]): Promise<string> {
  const safe = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.quotepath=off', '-C', directory]
  const { stdout } = await execute('git', [...safe, ...args], { maxBuffer: gitOutputMax, timeout: gitTimeoutMs })
  return stdout
}

function isNoRepository(error: unknown): boolean {
  const { code, stderr } = error as { code?: unknown; stderr?: unknown }
  return code === 'ENOENT' || (code === 128 && String(stderr).includes('not a git repository'))
}

const gitFailed = (error: unknown): DomainError =>
  new DomainError(
    'unavailable',
    'git_failed',
    `git could not list the code: ${String((error as { stderr?: unknown }).stderr ?? error).trim()}; make "git status" work in this folder`,
  )

const tooManyFiles = (count: number): DomainError =>
  new DomainError(
    'too_large',
    'snapshot_too_large',
    `the code has more than ${snapshotFilesMax} files: list data and outputs in .gitignore`,
    { count },
  )

function tooLarge(found: readonly FoundFile[], bytes: number): DomainError {
  const largest = found.toSorted((a, b) => b.bytes - a.bytes).slice(0, namedFiles)
  const megabytes = (size: number): string => `${(size / 1024 / 1024).toFixed(1)} MB`
  const named = largest.map((file) => `${file.path} (${megabytes(file.bytes)})`).join(', ')
  return new DomainError(
    'too_large',
    'snapshot_too_large',
    `the code is ${megabytes(bytes)}, and a snapshot holds ${megabytes(snapshotBytesMax)}: list data and outputs in .gitignore; the largest are ${named}`,
    { bytes, largest: largest.map(({ path, bytes: size }) => ({ path, bytes: size })) },
  )
}
