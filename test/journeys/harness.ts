// A home of its own with real processes: the supervisor and all that it keeps running, on free ports, gone with the test.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { z } from 'zod'
import { childEnvironment, loadConfig, type Environment } from '../../src/app/config.ts'
import { entryFile } from '../../src/app/entries.ts'
import { endHome, logFile, waitUntilReady } from '../../src/app/supervisor.ts'
import { createClient, pathOf, type Client } from '../../src/client/http-client.ts'
import { identifyProcess, signalProcess } from '../../src/platform/processes.ts'
import { openStorage } from '../storage.ts'

export interface Home extends AsyncDisposable {
  readonly directory: string
  /** Of the control plane, and of the gateway. */
  readonly url: string
  readonly gatewayUrl: string
  readonly client: Client
}

/** Starts Trueloop in a new folder (or in the one given), with settings on top of a small machine's and the storage's. */
export async function openHome(settings: Environment = {}): Promise<Home> {
  const made = settings['TRUELOOP_HOME'] ?? (await mkdtemp(join(tmpdir(), 'trueloop-journey-')))
  const storage = await openStorage()
  const config = loadConfig({
    TRUELOOP_PORT: '0',
    TRUELOOP_GATEWAY_PORT: '0',
    TRUELOOP_GATEWAY_WORKERS: '1',
    TRUELOOP_STEP_THREADS: '1',
    TRUELOOP_STEP_MEMORY_MB: '256',
    ...storage.settings,
    ...settings,
    TRUELOOP_HOME: made,
  })
  mkdirSync(join(made, 'logs'), { recursive: true })
  const out = openSync(logFile(made, 'supervisor'), 'a')
  const supervisor = spawn(process.execPath, [entryFile('supervisor')], {
    env: childEnvironment(config),
    stdio: ['ignore', out, out],
  })
  closeSync(out)
  const end = async (): Promise<void> => {
    await endHome(made)
    supervisor.kill('SIGKILL')
    await endLeftovers(made)
    await storage[Symbol.asyncDispose]()
    await rm(made, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const isWanted = (): boolean => supervisor.exitCode === null
    const { url } = await waitUntilReady(made, 'server', isWanted)
    const { url: gatewayUrl } = await waitUntilReady(made, 'gateway', isWanted)
    if (!url || !gatewayUrl) throw new Error('a process that is ready has an address')
    return { directory: made, url, gatewayUrl, client: createClient({ url }), [Symbol.asyncDispose]: end }
  } catch (error) {
    const said =
      tailOf(logFile(made, 'supervisor')) + tailOf(logFile(made, 'server')) + tailOf(logFile(made, 'gateway'))
    await end()
    throw new Error(`Trueloop did not start: ${said}`, { cause: error })
  }
}

const tailCharacters = 2_000

export function tailOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-tailCharacters)
  } catch {
    return ''
  }
}

/** Processes that were started for a home, by what their environment says. Linux only: elsewhere none is found. */
export function processesOf(home: string): number[] {
  if (process.platform !== 'linux') return []
  const wanted = `TRUELOOP_HOME=${home}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/v.test(name) && Number(name) !== process.pid)
    .filter((name) => environmentOf(name).includes(wanted))
    .map(Number)
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return [] // It ended meanwhile, or is somebody else's.
  }
}

/** A step outlives the control plane by design; a test's must not. */
async function endLeftovers(home: string): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    const pids = processesOf(home)
    if (pids.length === 0) return
    for (const pid of pids) {
      const identity = identifyProcess(pid)
      if (identity) signalProcess(identity, 'SIGKILL')
    }
    await wait(20)
  }
  throw new Error(`processes of ${home} do not end: ${processesOf(home).join(', ')}`)
}

const pollMs = 100

/** Asks until there is an answer. @throws Error naming what was waited for, with what was known last */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  limits: { timeoutMs: number; known?: () => unknown },
): Promise<T> {
  const endMs = performance.now() + limits.timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > endMs)
      throw new Error(`waited ${limits.timeoutMs} ms for ${what}: ${JSON.stringify(limits.known?.() ?? null, null, 1)}`)
    await wait(pollMs)
  }
}

export const Decision = z.object({
  number: z.int(),
  atMs: z.int(),
  kind: z.string(),
  sentence: z.string(),
  evidence: z.record(z.string(), z.union([z.string(), z.number()])),
})
export type Decision = z.infer<typeof Decision>

export async function historyOf({ client }: Pick<Home, 'client'>, loop: string): Promise<Decision[]> {
  const answer = z.object({ decisions: z.array(Decision) })
  return (await client.call({ path: pathOf`/loops/${loop}/history`, query: { limit: 1000 }, answer })).decisions
}

/** The first decision of one of these kinds after the number `after`. */
export function untilDecided(
  home: Home,
  loop: string,
  wanted: { kinds: readonly string[]; after?: number; timeoutMs?: number },
): Promise<Decision> {
  let story: Decision[] = []
  return eventually(
    `a decision ${wanted.kinds.join(' or ')} of loop ${loop}`,
    async () => {
      story = await historyOf(home, loop)
      return story.find(({ kind, number }) => wanted.kinds.includes(kind) && number > (wanted.after ?? 0))
    },
    { timeoutMs: wanted.timeoutMs ?? 60_000, known: () => story.map(({ kind, sentence }) => `${kind}: ${sentence}`) },
  )
}

const LoopView = z.object({ state: z.object({ phase: z.string(), champion: z.string().nullable(), nowMs: z.int() }) })

export async function loopState(
  { client }: Pick<Home, 'client'>,
  loop: string,
): Promise<z.infer<typeof LoopView>['state']> {
  return (await client.call({ path: pathOf`/loops/${loop}`, answer: LoopView })).state
}

const busyPhases: ReadonlySet<string> = new Set(['ingesting', 'training', 'going_live'])

/** The loop has its hands free: in life days pass while a model trains; in a test they would be seconds. */
export function untilCalm(home: Home, loop: string, limits: { timeoutMs: number }): Promise<true> {
  return eventually(
    `loop ${loop} to have its hands free`,
    async () => (busyPhases.has((await loopState(home, loop)).phase) ? undefined : true),
    { ...limits, known: () => `see ${home.directory}` },
  )
}

/** Gateways hear of a new champion within a second, and load it first. */
export function untilServed({ gatewayUrl }: Pick<Home, 'gatewayUrl'>, endpoint: string): Promise<true> {
  const isReady = async (): Promise<true | undefined> =>
    (await fetch(new URL(`/v2/models/${endpoint}/ready`, gatewayUrl))).status === 200 ? true : undefined
  return eventually(`endpoint ${endpoint} to serve`, isReady, { timeoutMs: 60_000 })
}

/** Both processes answer, and the gateway has its models. */
export async function expectHealthy({ url, gatewayUrl }: Home): Promise<void> {
  const health = await fetch(new URL('/api/health', url))
  expect(await health.json()).toEqual({ ready: true })
  const gateway = await fetch(new URL('/v2/health/ready', gatewayUrl))
  expect(gateway.status).toBe(200)
}
