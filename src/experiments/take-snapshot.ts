// Taking a code snapshot: every file that git lists, by content, and the commit it differs from. Runs beside the code, not in the server.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join, matchesGlob, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { DomainError } from '../platform/errors.ts'
import type { Code } from './run.ts'
import {
  bytesOf,
  snapshotBytesMax,
  snapshotFilesMax,
  storedFiles,
  type SnapshotFile,
  type SnapshotManifest,
} from './snapshot.ts'

const namedFiles = 10
const gitOutputMax = 64 * 1024 * 1024
const gitTimeoutMs = 30_000
/** Holds secrets and rows, whatever git would say of it. */
const homeFolder = '.trueloop'
const ignored = new Set(['node_modules', homeFolder, '.git'])
const readAtOnce = 64
const sentAtOnce = 8

export interface Project {
  /** Whose files are the code. */
  readonly directory: string
  /** Absolute paths of folders that are never code, such as a home under a name of its own. */
  readonly leftOut?: readonly string[]
  /** Absolute paths and globs of files with rows, which are no code where no git says what is. */
  readonly rows?: readonly string[]
}

export interface Snapshot {
  readonly code: Code & { readonly snapshot: string }
  /** The same files give the same bytes. */
  readonly manifest: Uint8Array<ArrayBuffer>
  readonly files: readonly SnapshotFile[]
  /** Of all files together. */
  readonly bytes: number
}

/** Where a snapshot is stored. */
export interface SnapshotStore {
  /** Those of the digests that are not there yet. */
  missing(digests: readonly string[]): Promise<readonly string[]>
  put(bytes: Uint8Array<ArrayBuffer>): Promise<unknown>
}

/**
 * What `git ls-files` lists of the folder (tracked, and untracked but not ignored); outside of a repository, and in a folder that its
 * repository ignores, all files but those in `node_modules`, `.trueloop` and `.git` and the rows. Stores nothing.
 * @throws DomainError snapshot_too_large (beyond 50 MB, or 20,000 files), snapshot_unstable (a file changed while it was read),
 *   snapshot_unreadable, git_failed
 */
export async function takeSnapshot(project: Project): Promise<Snapshot> {
  const { directory, leftOut = [] } = project
  const repository = await readRepository(project)
  const isCode = (path: string): boolean => !leftOut.some((folder) => isWithin(folder, join(directory, path)))
  const paths = (repository ? repository.paths : await listFolder(project, '')).filter(isCode)
  if (paths.length > snapshotFilesMax) throw tooManyFiles(paths.length, repository !== undefined)
  const found = await inLanes(readAtOnce, paths, (path) => inspect(directory, path))
  const bytes = bytesOf(found)
  if (bytes > snapshotBytesMax) throw tooLarge(found, repository !== undefined)
  const read = await inLanes(readAtOnce, found, async (file) => [await describe(directory, file)])
  const files = read.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const manifest = Buffer.from(JSON.stringify({ version: 1, files } satisfies SnapshotManifest))
  const code = { commit: repository?.commit ?? null, isDirty: repository?.isDirty ?? false, snapshot: sha256(manifest) }
  return { code, manifest, files, bytes }
}

/**
 * Stores what is not there yet, the manifest last: where that is, all of it is.
 * @throws DomainError snapshot_unstable (a file changed since the snapshot was taken)
 */
export async function sendSnapshot(store: SnapshotStore, directory: string, snapshot: Snapshot): Promise<void> {
  const { code, files, manifest } = snapshot
  const stored = storedFiles(files)
  const missing = new Set(await store.missing([...new Set([code.snapshot, ...stored.map(({ digest }) => digest)])]))
  const unsent = new Map(stored.filter(({ digest }) => missing.has(digest)).map((file) => [file.digest, file]))
  await inLanes(sentAtOnce, [...unsent.values()], async (file) => {
    const content = await contentOf(directory, file)
    if (sha256(content) !== file.digest) throw unstable(file.path)
    await store.put(content)
    return []
  })
  if (missing.has(code.snapshot)) await store.put(manifest)
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const isWithin = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}${sep}`)

type FoundFile = Omit<SnapshotFile, 'digest'>

async function describe(directory: string, file: FoundFile): Promise<SnapshotFile> {
  const content = await contentOf(directory, file)
  if (content.byteLength !== file.bytes) throw unstable(file.path)
  return { path: file.path, digest: sha256(content), bytes: file.bytes, mode: file.mode }
}

function contentOf(directory: string, { path, mode }: FoundFile): Promise<Uint8Array<ArrayBuffer>> {
  const full = join(directory, path)
  const read = mode === 'link' ? readlink(full).then((target) => Buffer.from(target)) : readFile(full)
  return read.catch((error: unknown) => {
    if (isGone(error)) throw unstable(path)
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    const message = `"${path}" is part of the code and cannot be read (${code}): make it readable, or list it in .gitignore`
    throw new DomainError('forbidden', 'snapshot_unreadable', message)
  })
}

const unstable = (path: string): DomainError =>
  new DomainError(
    'conflict',
    'snapshot_unstable',
    `"${path}" changed while the code was read: run it again when nothing writes to the folder`,
  )

/** At most so many at once, each lane with its share; what they give, in no order. */
async function inLanes<T, R>(lanes: number, items: readonly T[], work: (item: T) => Promise<R[]>): Promise<R[]> {
  const lane = async (first: number): Promise<R[]> => {
    const given: R[] = []
    for (let i = first; i < items.length; i += lanes) given.push(...(await work(items[i]!)))
    return given
  }
  return (await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, (_, first) => lane(first)))).flat()
}

async function inspect(directory: string, path: string): Promise<FoundFile[]> {
  try {
    const { size: bytes, mode, ...found } = await statOf(join(directory, path))
    if (found.isLink) return [{ path, bytes, mode: 'link' }]
    // A submodule is listed as a folder: its commit is part of ours.
    return found.isFile ? [{ path, bytes, mode: (mode & 0o100) === 0 ? 'file' : 'executable' }] : []
  } catch (error) {
    if (isGone(error)) return [] // Deleted, and git still lists it.
    throw error
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

async function statOf(path: string): Promise<{ size: number; mode: number; isFile: boolean; isLink: boolean }> {
  const found = await lstat(path)
  const isLink = found.isSymbolicLink()
  const size = isLink ? Buffer.byteLength(await readlink(path)) : found.size
  return { size, mode: found.mode, isFile: found.isFile(), isLink }
}

async function listFolder(project: Project, folder: string): Promise<string[]> {
  const { directory, leftOut = [], rows = [] } = project
  const paths: string[] = []
  for (const entry of await readdir(join(directory, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    const full = join(directory, path)
    if (ignored.has(entry.name) || leftOut.includes(full)) continue
    if (entry.isDirectory()) paths.push(...(await listFolder(project, path)))
    else if (!rows.some((glob) => matchesGlob(full, glob))) paths.push(path)
    if (paths.length > snapshotFilesMax) throw tooManyFiles(paths.length, false)
  }
  return paths
}

interface Repository {
  readonly commit: string | null
  readonly isDirty: boolean
  readonly paths: readonly string[]
}

/** Undefined outside of a repository, where there is no git, and in a folder of which the repository has nothing. */
async function readRepository({ directory, leftOut = [] }: Project): Promise<Repository | undefined> {
  const inside = await git(directory, ['rev-parse', '--is-inside-work-tree']).catch((error: unknown) => {
    if (isNoRepository(error)) return undefined
    throw gitFailed(error)
  })
  if (inside?.trim() !== 'true') return undefined
  try {
    const listed = await git(directory, ['ls-files', '-co', '--exclude-standard', '-z'])
    const inside = leftOut.filter((folder) => isWithin(directory, folder)).map((folder) => relative(directory, folder))
    const notCode = [`:(exclude,glob)**/${homeFolder}/**`, ...inside.map((folder) => `:(exclude,literal)${folder}`)]
    const changes = ['status', '--porcelain', '-z', '--untracked-files=normal', '--', '.', ...notCode]
    const status = await git(directory, changes)
    const commit = await git(directory, ['rev-parse', '--verify', '--quiet', 'HEAD']).catch(() => '') // No commit yet.
    const paths = [...new Set(listed.split('\0'))].filter(
      (path) => path !== '' && !path.split('/').includes(homeFolder),
    )
    if (paths.length === 0) return undefined
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

const next = (isRepository: boolean): string =>
  `${isRepository ? '' : 'run "git init" and '}list data and outputs in .gitignore`

const tooManyFiles = (count: number, isRepository: boolean): DomainError =>
  new DomainError(
    'too_large',
    'snapshot_too_large',
    `the code has more than ${snapshotFilesMax} files: ${next(isRepository)}`,
    { count },
  )

function tooLarge(found: readonly FoundFile[], isRepository: boolean): DomainError {
  const bytes = bytesOf(found)
  const largest = found.toSorted((a, b) => b.bytes - a.bytes).slice(0, namedFiles)
  const megabytes = (size: number): string => `${(size / 1024 / 1024).toFixed(1)} MB`
  const named = largest.map((file) => `${file.path} (${megabytes(file.bytes)})`).join(', ')
  return new DomainError(
    'too_large',
    'snapshot_too_large',
    `the code is ${megabytes(bytes)}, and a snapshot holds ${megabytes(snapshotBytesMax)}: ${next(isRepository)}; the largest are ${named}`,
    { bytes, largest: largest.map(({ path, bytes: size }) => ({ path, bytes: size })) },
  )
}
