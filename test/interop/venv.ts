// One Python environment for all interop tests: `.venv` at the root, made when first needed and added to afterwards.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const venv = join(root, '.venv')
const lock = join(root, '.venv.lock')
const installed = join(venv, 'installed-by-tests.json')
const lockPollMs = 500
/** A lock this old was left by a test run that was killed. */
const staleLockMs = 15 * 60_000
const outputBytesMax = 64 * 1024 * 1024

export interface Venv {
  readonly python: string
  /** The path of a script that a package brought, such as `moto_server`. */
  bin(name: string): string
}

/** Installs what is not there yet, such as `moto[server]==5.2.5`; safe to call from several test files at once. */
export async function ensureVenv(packages: readonly string[]): Promise<Venv> {
  await acquire()
  try {
    if (!existsSync(join(venv, 'bin', 'pip'))) await run('python3', ['-m', 'venv', venv])
    const known = existsSync(installed) ? (JSON.parse(await readFile(installed, 'utf8')) as string[]) : []
    const missing = packages.filter((name) => !known.includes(name))
    if (missing.length > 0) {
      await run(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...missing], {
        maxBuffer: outputBytesMax,
      })
      await writeFile(installed, JSON.stringify([...known, ...missing], null, 2))
    }
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
  return { python: join(venv, 'bin', 'python'), bin: (name) => join(venv, 'bin', name) }
}

async function acquire(): Promise<void> {
  for (;;) {
    try {
      return await mkdir(lock).then(() => undefined)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const found = await stat(lock).catch(() => undefined)
      if (found && Date.now() - found.mtimeMs > staleLockMs) await rm(lock, { recursive: true, force: true })
      else await wait(lockPollMs)
    }
  }
}
