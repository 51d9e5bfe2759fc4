// The home folder: who may work in it at a time, where its processes are found, and its secrets.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { identifyProcess, isAlive, ProcessIdentity } from '../platform/processes.ts'

/** The long-lived processes of a home; each leaves its address where the others and the CLI find it. */
export type ProcessRole = 'supervisor' | 'server' | 'gateway'

const Runtime = z.strictObject({
  process: ProcessIdentity,
  url: z.url().optional(),
  /** `host:port` where the gateway speaks gRPC. */
  grpc: z.string().optional(),
})
export type Runtime = Readonly<z.infer<typeof Runtime>>

const Secrets = z.strictObject({ gatewayToken: z.string(), stepKey: z.string() })
export type Secrets = Readonly<z.infer<typeof Secrets>>

const runtimePath = (home: string, role: ProcessRole): string => join(home, 'run', `${role}.json`)

function writeFileAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, text, { mode: 0o600 })
  renameSync(temporary, path)
}

/** Makes the folder when it is missing; only its owner may look inside. */
export function createHome(home: string): void {
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
}

/** Where a process of this home is, if it runs. */
export function findRuntime(home: string, role: ProcessRole): Runtime | undefined {
  try {
    const runtime = Runtime.parse(JSON.parse(readFileSync(runtimePath(home, role), 'utf8')))
    return isAlive(runtime.process) ? runtime : undefined
  } catch {
    return undefined // No file, or one that was cut short: nobody is there.
  }
}

/** Where others reach this process. */
export type Addresses = Pick<Runtime, 'url' | 'grpc'>

export function writeRuntime(home: string, role: ProcessRole, addresses: Addresses = {}): void {
  const identity = identifyProcess(process.pid)
  if (!identity) throw new Error('this process cannot identify itself')
  writeFileAtomically(runtimePath(home, role), JSON.stringify({ process: identity, ...addresses }))
}

export function removeRuntime(home: string, role: ProcessRole): void {
  rmSync(runtimePath(home, role), { force: true })
}

/**
 * Takes the home for one role; the operating system lets go of it when this process ends in whatever way, so no lock is ever stale.
 * @throws DomainError home_in_use, naming the process that has it.
 */
export function lockHome(home: string, role: ProcessRole): Disposable {
  createHome(home)
  const lock = new DatabaseSync(join(home, 'run', `${role}.lock`))
  try {
    lock.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!String(error).includes('locked')) throw error
    const holder = findRuntime(home, role)
    const who = holder ? `process ${holder.process.pid}` : 'another process'
    throw new DomainError(
      'conflict',
      'home_in_use',
      `${home} is in use by ${who} (${role}); "trueloop down" ends it, TRUELOOP_HOME names another home`,
    )
  }
  return { [Symbol.dispose]: () => lock.close() }
}

/** Made at the first start, readable by the owner alone. */
export function loadSecrets(home: string): Secrets {
  createHome(home)
  const path = join(home, 'secrets.json')
  try {
    return Secrets.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new DomainError(
        'invalid',
        'secrets_unreadable',
        `${path} cannot be read: move it away, and a new one is made at the next start`,
      )
    }
    const secrets = {
      gatewayToken: randomBytes(32).toString('base64url'),
      stepKey: randomBytes(32).toString('base64url'),
    }
    writeFileAtomically(path, JSON.stringify(secrets))
    return secrets
  }
}

/** What a step may do, and until when. */
export interface StepToken {
  readonly runId: string
  readonly expiresAtMs: number
}

const stepTokenPrefix = 'tls'

const sign = (secrets: Secrets, text: string): Buffer => createHmac('sha256', secrets.stepKey).update(text).digest()

export function mintStepToken(secrets: Secrets, { runId, expiresAtMs }: StepToken): string {
  const text = `${stepTokenPrefix}.${Buffer.from(runId).toString('base64url')}.${expiresAtMs}`
  return `${text}.${sign(secrets, text).toString('base64url')}`
}

/** Undefined for a token that is forged, cut or expired. */
export function readStepToken(secrets: Secrets, token: string, nowMs: number): StepToken | undefined {
  const [prefix, run, expires, signature, ...rest] = token.split('.')
  if (prefix !== stepTokenPrefix || !run || !expires || !signature || rest.length > 0) return undefined
  const expected = sign(secrets, `${prefix}.${run}.${expires}`)
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  const expiresAtMs = Number(expires)
  return expiresAtMs > nowMs ? { runId: Buffer.from(run, 'base64url').toString(), expiresAtMs } : undefined
}
