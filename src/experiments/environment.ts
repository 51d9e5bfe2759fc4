// What a run runs on: Node, the machine, and every package that the lock file names.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError } from '../platform/errors.ts'
import type { Environment } from './run.ts'

interface LockFile {
  readonly packages?: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>
}

/**
 * @param directory the project's folder; without a package-lock.json there, `lockDigest` is null and `packages` empty.
 * @param threads that the work may use.
 * @throws DomainError lock_unreadable
 */
export async function readEnvironment(directory: string, threads: number): Promise<Environment> {
  const lock = await readLock(join(directory, 'package-lock.json'))
  const packages = Object.entries(parseLock(lock)).flatMap(([path, found]) => {
    const known = found.integrity ?? found.version
    return path === '' || known === undefined ? [] : [[path, known] as const] // '' is the project itself.
  })
  const { node: _node, ...libraries } = process.versions
  return {
    nodeVersion: process.version,
    platform: `${process.platform}-${process.arch}`,
    lockDigest: lock ? createHash('sha256').update(lock).digest('hex') : null,
    packages: Object.fromEntries(packages),
    threads,
    libraries: Object.fromEntries(
      Object.entries(libraries).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
  }
}

async function readLock(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseLock(lock: Buffer | undefined): NonNullable<LockFile['packages']> {
  if (!lock) return {}
  try {
    return (JSON.parse(lock.toString()) as LockFile).packages ?? {}
  } catch (error) {
    const message = `package-lock.json is no JSON (${String(error)}): restore it, or remove it and run npm install`
    throw new DomainError('invalid', 'lock_unreadable', message)
  }
}
