// The two servers that are held to each other: stock `mlflow server` and Trueloop's control plane, each in a folder of its own on a free port.
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import { controlPlane } from '../../../src/app/entries.ts'
import { findRuntime } from '../../../src/app/home.ts'
import { on, openDatabase } from '../../../src/platform/database.ts'
import { freePort } from '../../free-port.ts'
import type { Postgres } from '../../postgres.ts'
import { newestVenv } from './environments.ts'
import type { Venv } from '../venv.ts'

/** A server of MLflow's API, stock or ours. */
export interface MlflowServer extends AsyncDisposable {
  readonly name: 'stock' | 'trueloop'
  readonly url: string
  readonly pid: number
  /** Its folder, gone at the end. */
  readonly directory: string
  /** Of its metadata, as the server itself names it. */
  readonly store: string
  /** What it said last. */
  log(): string
}

export interface ServerOptions {
  /** A database of its own is made there; default: SQLite. */
  readonly postgres?: Pick<Postgres, 'url'> | undefined
  readonly environment?: Readonly<Record<string, string>>
  /** The program, where it is another than the sources; Trueloop only. */
  readonly entry?: string | undefined
  /** Before it starts, with the environment that it will have; Trueloop only. */
  readonly prepare?: (environment: Readonly<Record<string, string>>) => Promise<void>
}

export interface StockOptions extends ServerOptions {
  readonly venv?: Venv
  /** One worker, and none of the processes for its background jobs: enough to see what it answers. Default: as its users have it. */
  readonly isSmall?: boolean
  readonly args?: readonly string[]
}

const startLimitMs = 180_000
const pollMs = 50
const logCharacters = 20_000
const serverEntry = join(import.meta.dirname, '..', '..', '..', 'src', 'app', 'server.ts')

/** Of this environment only what any program needs: no test may depend on who runs it. */
export function plainEnvironment(): Record<string, string> {
  const { PATH, HOME, TMPDIR, LANG } = process.env
  const known = Object.entries({ PATH, HOME, TMPDIR, LANG }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return { ...Object.fromEntries(known), MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' }
}

/** Stock as its users start it: SQLite in the current folder, artifacts through the server. */
export async function startStock(options: StockOptions = {}): Promise<MlflowServer> {
  const { postgres, environment = {}, isSmall = false, args = [] } = options
  const venv = options.venv ?? (await newestVenv())
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-stock-mlflow-'))
  const database = postgres && (await createDatabase(postgres))
  const port = await freePort()
  const store =
    database?.url.replace('postgres:', 'postgresql+psycopg2:') ?? `sqlite:///${join(directory, 'mlflow.db')}`
  const small = { args: ['--workers', '1'], environment: { MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' } }
  const { args: fewer, environment: without } = isSmall ? small : { args: [], environment: {} }
  const child = spawn(
    venv.bin('mlflow'),
    ['server', '--port', String(port), '--backend-store-uri', store, ...fewer, ...args],
    {
      cwd: directory,
      env: { ...plainEnvironment(), ...without, ...environment },
      detached: true, // A group of its own: its workers end with it.
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const url = `http://127.0.0.1:${port}`
  return await ready({ name: 'stock', child, directory, database, store, findUrl: () => url, healthPath: '/health' })
}

/** The control plane alone: no gateway, no supervisor. */
export async function startTrueloop({
  postgres,
  environment,
  prepare,
  entry,
}: ServerOptions = {}): Promise<MlflowServer> {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-mlflow-'))
  const database = postgres && (await createDatabase(postgres))
  const env = {
    ...plainEnvironment(),
    TRUELOOP_HOME: directory,
    TRUELOOP_PORT: '0',
    ...(database ? { TRUELOOP_DATABASE: database.url } : {}),
    ...controlPlane.environment,
    ...environment,
  }
  await prepare?.(env)
  const child = spawn(process.execPath, [...controlPlane.flags, entry ?? serverEntry], {
    cwd: directory,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const findUrl = (): string | undefined => findRuntime(directory, 'server')?.url
  const store = database?.url ?? directory
  return await ready({ name: 'trueloop', child, directory, database, store, findUrl, healthPath: '/api/health' })
}

interface Starting {
  readonly name: MlflowServer['name']
  readonly child: ChildProcess
  readonly directory: string
  readonly database: OwnDatabase | undefined
  readonly store: string
  readonly findUrl: () => string | undefined
  readonly healthPath: string
}

async function ready(starting: Starting): Promise<MlflowServer> {
  const { name, child, directory, database, store, findUrl, healthPath } = starting
  let said = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-logCharacters)))
  const end = async (): Promise<void> => {
    await endGroup(child)
    await database?.drop()
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  const limit = performance.now() + startLimitMs
  for (;;) {
    const url = findUrl()
    if (url !== undefined && (await isHealthy(url + healthPath)))
      return { name, url, pid: child.pid!, directory, store, log: () => said, [Symbol.asyncDispose]: end }
    if (performance.now() > limit || child.exitCode !== null) {
      await end()
      throw new Error(`the ${name} server did not become ready:\n${said}`)
    }
    await wait(pollMs)
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { headers: { connection: 'close' } })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false // Not there yet.
  }
}

/** Asks the process group to end, then ends what is left of it. */
async function endGroup(child: ChildProcess): Promise<void> {
  const gone = child.exitCode !== null || child.signalCode !== null ? undefined : once(child)
  signalGroup(child, 'SIGTERM')
  await Promise.race([gone, wait(10_000, undefined, { ref: false })])
  signalGroup(child, 'SIGKILL')
  await gone
}

const once = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once('exit', () => resolve()))

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

interface OwnDatabase {
  readonly url: string
  drop(): Promise<void>
}

async function createDatabase(postgres: Pick<Postgres, 'url'>): Promise<OwnDatabase> {
  const name = `mlflow_${randomBytes(6).toString('hex')}`
  const admin = await openDatabase<unknown>(postgres.url)
  await sql`create database ${sql.id(name)}`.execute(on(admin.db))
  const url = new URL(postgres.url)
  url.pathname = `/${name}`
  return {
    url: url.href,
    async drop() {
      await sql`drop database ${sql.id(name)} with (force)`.execute(on(admin.db))
      await admin[Symbol.asyncDispose]()
    },
  }
}
