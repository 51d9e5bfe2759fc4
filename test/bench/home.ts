// A home with models behind endpoints, and the processes of it: what a benchmark of serving and memory starts, as `trueloop up` does.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { loadConfig } from '../../src/app/config.ts'
import { openContext } from '../../src/app/context.ts'
import { controlPlane } from '../../src/app/entries.ts'
import { findRuntime } from '../../src/app/home.ts'
import type { Baseline } from '../../src/models/baseline.ts'
import { registerVersion } from '../../src/models/registration.ts'
import type { Signature } from '../../src/models/signature.ts'
import { judgeVersion } from '../../src/models/version-changes.ts'
import { transact } from '../../src/platform/database.ts'
import { defaultOptions } from '../../src/serving/endpoint-options.ts'
import { createEndpoint, setVariants } from '../../src/serving/endpoints.ts'

/** A model with everything that serving wants; its name is its endpoint's too. */
export interface BenchModel {
  readonly name: string
  readonly onnx: Uint8Array
  readonly signature: Signature
  readonly baseline: Baseline
  /** Registered so often, one version each; the last one answers. Default: once. */
  readonly versions?: number
}

export interface BenchHome extends AsyncDisposable {
  readonly directory: string
}

const startLimitMs = 60_000
const pollMs = 5
const source = join(import.meta.dirname, '..', '..', 'src', 'app')

/** With each model as the champion of an endpoint that logs every prediction. Nothing runs yet. */
export async function prepareHome(models: readonly BenchModel[]): Promise<BenchHome> {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-home-'))
  if (models.length > 0) await fillHome(directory, models)
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

async function fillHome(directory: string, models: readonly BenchModel[]): Promise<void> {
  await using context = await openContext(loadConfig({ TRUELOOP_HOME: directory, TRUELOOP_LOG_LEVEL: 'warn' }))
  const { db, blobs, clock, ids } = context
  const actor = { name: 'bench', clock, ids }
  for (const { name, onnx, signature, baseline, versions = 1 } of models) {
    const { digest, bytes } = await blobs.put(onnx)
    await transact(db, async (trx) => {
      for (let version = 1; version <= versions; version++) {
        await registerVersion(trx, actor, { model: name, digest, bytes, signature, baseline })
        await judgeVersion(trx, actor, { model: name, version, state: 'approved', reason: 'benchmark' })
      }
      await createEndpoint(trx, actor, {
        name,
        settings: { clock: 'wall', logShare: 1, queueRowsMax: 10_000, options: defaultOptions },
      })
      const champion = { version: `${name}/${versions}`, role: 'champion' as const, weight: 1 }
      await setVariants(trx, actor, { endpoint: name, variants: [champion], reason: 'benchmark' })
    })
  }
}

export interface BenchProcess extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  /** From the start of the process until its address was known and `isReady` held. */
  readonly readyMs: number
}

export interface StartOptions {
  readonly workers?: number
  /** Folder of the entries; default: the TypeScript sources. */
  readonly entries?: string
  /** Options of Node, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[]
}

/** Starts the control plane or the gateway of a home and waits until it is ready. */
export async function startRole(
  home: BenchHome,
  role: 'server' | 'gateway',
  { workers = 2, entries = source, nodeOptions = [] }: StartOptions = {},
): Promise<BenchProcess> {
  const { PATH, HOME, TMPDIR, LANG } = process.env
  const env = {
    PATH,
    HOME,
    TMPDIR,
    LANG,
    TRUELOOP_HOME: home.directory,
    TRUELOOP_PORT: '0',
    TRUELOOP_GATEWAY_PORT: '0',
    TRUELOOP_GATEWAY_WORKERS: String(workers),
    ...(role === 'server' ? controlPlane.environment : {}),
  }
  const flags = role === 'server' ? controlPlane.flags : []
  const file = join(entries, `${role}${entries === source ? '.ts' : '.js'}`)
  let log = ''
  const start = performance.now()
  const child = spawn(process.execPath, [...flags, ...nodeOptions, file], { env, stdio: ['ignore', 'inherit', 'pipe'] })
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (log = (log + chunk).slice(-10_000)))
  const path = role === 'server' ? '/api/health' : '/v2/health/ready'
  for (;;) {
    const url = findRuntime(home.directory, role)?.url
    if (url !== undefined && (await answers(url + path))) {
      const readyMs = performance.now() - start
      return { pid: child.pid!, url, readyMs, [Symbol.asyncDispose]: () => end(child) }
    }
    if (performance.now() - start > startLimitMs || child.exitCode !== null) {
      await end(child)
      throw new Error(`the ${role} did not become ready:\n${log}`)
    }
    await wait(pollMs)
  }
}

/** True when a GET is answered with 200. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false // Not there yet.
  }
}

/** Asks a child to end, and waits until it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}
