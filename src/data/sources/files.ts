// From what a source names to files on this machine with names that are safe to put into a statement.
import { glob, mkdir, open, realpath, stat, symlink } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { DomainError } from '../../platform/errors.ts'
import type { SourceFormat } from '../source.ts'

/** `path` is a link of ours in the scratch directory; `name` is what the user called it, for messages. */
export interface LocalFile {
  readonly path: string
  readonly name: string
}

const filesMax = 10_000
const globCharacters = /[*?\[\]\{\}]/v
const parquetMagic = 'PAR1'

/** Finds the format in a name such as `rows.csv.gz`. @throws DomainError source_format */
export function formatOfName(name: string): SourceFormat {
  const extension = /\.(\w+)(?:\.(?:gz|zst))?$/v.exec(name.toLowerCase())?.[1]
  if (extension === 'csv' || extension === 'tsv' || extension === 'txt') return 'csv'
  if (extension === 'ndjson' || extension === 'jsonl') return 'ndjson'
  if (extension === 'json' || extension === 'parquet') return extension
  throw invalid(
    'source_format',
    `the format of "${name}" is not known from its name: say format: csv, ndjson, json or parquet`,
    { file: name },
  )
}

/**
 * The files that paths and globs name, sorted, each once, linked into `scratchDirectory` so that no name from outside reaches a statement.
 * @param roots when given, files elsewhere (after links are followed) are refused.
 * @throws DomainError source_not_found, source_empty, source_too_many_files, source_forbidden
 */
export async function findFiles(
  paths: readonly string[],
  { scratchDirectory, roots }: { scratchDirectory: string; roots?: readonly string[] | undefined },
): Promise<LocalFile[]> {
  const found = new Set<string>()
  for (const path of paths) {
    const matches = await expand(path)
    for (const match of matches) found.add(match)
    if (found.size > filesMax)
      throw invalid('source_too_many_files', `"${path}" brings more than ${filesMax} files: narrow the glob`)
  }
  const names = [...found].toSorted()
  for (const name of names) await assertWithin(name, roots)
  return linkFiles(names, scratchDirectory)
}

/** Links files under names of ours; refuses empty ones. */
export async function linkFiles(names: readonly string[], scratchDirectory: string): Promise<LocalFile[]> {
  const folder = join(scratchDirectory, 'source')
  await mkdir(folder, { recursive: true })
  const links: LocalFile[] = []
  for (const [index, name] of names.entries()) {
    const { size } = await stat(name)
    if (size === 0) throw invalid('source_empty', `"${name}" is empty: check how it was written`, { file: name })
    const extensions = /(?:\.[a-z0-9]+){0,2}$/v.exec(basename(name).toLowerCase())?.[0] ?? ''
    const path = join(folder, `${String(index).padStart(6, '0')}${extensions}`)
    await symlink(resolve(name), path)
    links.push({ path, name })
  }
  return links
}

/** Both ends of a Parquet file say what it is; one that was cut short lacks the second. @throws DomainError parquet_invalid */
export async function checkParquet({ path, name }: LocalFile): Promise<void> {
  await using file = await open(path)
  const { size } = await file.stat()
  const ends = Buffer.alloc(8)
  if (size >= 12) {
    await file.read(ends, 0, 4, 0)
    await file.read(ends, 4, 4, size - 4)
  }
  const [head, tail] = [ends.toString('latin1', 0, 4), ends.toString('latin1', 4)]
  if (head === parquetMagic && tail === parquetMagic) return
  const what = head === parquetMagic ? 'was cut short: its end is missing' : 'is not a Parquet file'
  throw invalid('parquet_invalid', `"${name}" ${what}; fetch or write it again`, { file: name, bytes: size })
}

async function expand(path: string): Promise<string[]> {
  const direct = await stat(path).catch(() => undefined)
  if (direct?.isFile()) return [path]
  if (direct)
    throw invalid('source_not_found', `"${path}" is a folder: name files, or a glob such as ${join(path, '*.csv')}`, {
      path,
    })
  if (!globCharacters.test(path))
    throw invalid('source_not_found', `there is no file "${path}": check the path`, { path })
  const matches: string[] = []
  for await (const match of glob(path)) {
    if ((await stat(match)).isFile()) matches.push(match)
    if (matches.length > filesMax) break
  }
  if (matches.length === 0) throw invalid('source_not_found', `no file matches "${path}": check the pattern`, { path })
  return matches
}

async function assertWithin(name: string, roots: readonly string[] | undefined): Promise<void> {
  if (!roots) return
  const real = await realpath(name)
  for (const root of roots) {
    const realRoot = await realpath(root).catch(() => undefined)
    if (realRoot && (real === realRoot || real.startsWith(realRoot + sep))) return
  }
  throw new DomainError(
    'forbidden',
    'source_forbidden',
    `"${name}" is outside of the folders that may be read: ${roots.join(', ')}`,
  )
}

function invalid(code: string, message: string, detail?: Record<string, unknown>): DomainError {
  return new DomainError(code === 'source_not_found' ? 'not_found' : 'invalid', code, message, detail)
}
