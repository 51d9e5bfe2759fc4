// Reading a folder that others wrote: no link is followed, and nothing is read whole that is larger than it should be.
import { constants, createReadStream } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError } from '../../../platform/errors.ts'

/** Of a text that is one value: a param, a tag, an alias. */
const textBytesMax = 1024 * 1024
/** Of a metric's line: a time, a value, a step, a run, and the name and digest of a dataset. */
const lineLengthMax = 16_384

/** What is wrong with something there. */
export const damage = (path: string, why: string): DomainError =>
  new DomainError('invalid', 'import_source', `${path} ${why}`)

export interface Listing {
  readonly folders: readonly string[]
  readonly files: readonly string[]
  /** Links, and what is neither file nor folder. */
  readonly others: readonly string[]
}

/** Names, sorted; none when there is no such folder. @throws DomainError import_source when it is something else */
export async function listingOf(folder: string): Promise<Listing> {
  const found = await lstat(folder).catch(absent)
  if (found && !found.isDirectory()) throw damage(folder, 'is no folder')
  const all = found ? await readdir(folder, { withFileTypes: true }) : []
  // Finder leaves such files in every folder that it shows.
  const entries = all.filter(({ name }) => name !== '.DS_Store').toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const names = (some: typeof entries): string[] => some.map(({ name }) => name)
  return {
    folders: names(entries.filter((entry) => entry.isDirectory())),
    files: names(entries.filter((entry) => entry.isFile())),
    others: names(entries.filter((entry) => !entry.isDirectory() && !entry.isFile())),
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** As in a folder of MLflow's, where nothing is a link. @throws DomainError import_source */
export async function foldersOf(folder: string): Promise<readonly string[]> {
  const { folders, others } = await listingOf(folder)
  for (const name of others) throw notFollowed(join(folder, name))
  return folders
}

export const notFollowed = (path: string): DomainError =>
  damage(path, 'is a link or no file: links are not followed, put what it leads to in its place')

/** Paths below the folder, with slashes. @throws DomainError import_source when there is a link */
export async function* filesBelow(folder: string, below = ''): AsyncGenerator<string> {
  const { folders, files, others } = await listingOf(join(folder, below))
  const path = (name: string): string => (below === '' ? name : `${below}/${name}`)
  for (const name of others) throw notFollowed(join(folder, path(name)))
  for (const name of files) yield path(name)
  for (const name of folders) yield* filesBelow(folder, path(name))
}

// Windows has no such flag; there the look before has to do.
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)

async function assertFile(path: string): Promise<void> {
  const found = await lstat(path).catch(absent)
  if (!found) throw damage(path, 'is not there')
  if (!found.isFile()) throw notFollowed(path)
}

/** @throws DomainError import_source when it is no file of text or larger than `bytesMax` */
export async function readText(path: string, bytesMax = textBytesMax): Promise<string> {
  await assertFile(path)
  await using file = await open(path, readOnly)
  const { size } = await file.stat()
  if (size > bytesMax) throw damage(path, `has ${size} bytes, more than the ${bytesMax} that are read`)
  const bytes = Buffer.alloc(size)
  const { bytesRead } = await file.read(bytes, 0, size, 0)
  return decoded(path, bytes.subarray(0, bytesRead))
}

function decoded(path: string, bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  throw damage(path, 'is no text')
}

/** A folder in which each file is a key, slashes and all, and what it holds its value. */
export async function readPairs(folder: string): Promise<Map<string, string>> {
  const pairs = new Map<string, string>()
  for await (const key of filesBelow(folder)) pairs.set(key, await readText(join(folder, key)))
  return pairs
}

/** A chunk of lines at a time, however large the file is. */
export async function* linesOf(path: string): AsyncGenerator<string[]> {
  await assertFile(path)
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', flags: readOnly as unknown as string })) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > lineLengthMax || lines.some(({ length }) => length > lineLengthMax))
      throw damage(path, `has a line of more than ${lineLengthMax} characters`)
    yield lines
  }
  if (rest !== '') yield [rest]
}
