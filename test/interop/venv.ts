// Python environments for tests: `.venv` at the root, made when first needed and added to afterwards, and `.venv-<name>` for what must not share one.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const lockPollMs = 500
/** A lock this old was left by a test run that was killed. */
const staleLockMs = 15 * 60_000
const outputBytesMax = 64 * 1024 * 1024

export interface Venv {
  readonly python: string
  /** The path of a script that a package brought, such as `moto_server`. */
  bin(name: string): string
}

/**
 * Installs what is not there yet, such as `moto[server]==5.2.5`; safe to call from several test files at once. Without a name it is the
 * environment that all tests share.
 */
export async function ensureVenv(packages: readonly string[], name?: string): Promise<Venv> {
  const venv = join(root, name === undefined ? '.venv' : `.venv-${name}`)
  const installed = join(venv, 'installed-by-tests.json')
  const lock = `${venv}.lock`
  await acquire(lock)
  try {
    if (!existsSync(join(venv, 'bin', 'pip'))) await run('python3', ['-m', 'venv', venv])
    const known = existsSync(installed) ? (JSON.parse(await readFile(installed, 'utf8')) as string[]) : []
    const missing = packages.filter((each) => !known.includes(each))
    if (missing.length > 0) {
      await run(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...missing], {
        maxBuffer: outputBytesMax,
      })
      await writeFile(installed, JSON.stringify([...known, ...missing], null, 2))
    }
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
  return { python: join(venv, 'bin', 'python'), bin: (script) => join(venv, 'bin', script) }
}

async function acquire(lock: string): Promise<void> {
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
