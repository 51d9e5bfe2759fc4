// For crash tests: a home with real processes, which can be killed one by one and are looked for in /proc.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childEnvironment, loadConfig, processEnvironment, type Config } from '../../src/app/config.ts'
import { entryFile } from '../../src/app/entries.ts'
import { createHome } from '../../src/app/home.ts'
import { endHome } from '../../src/app/supervisor.ts'
import { monotonicMs, sleep } from '../../src/platform/clock.ts'
import { freePort } from '../free-port.ts'
import { openStorage } from '../storage.ts'

/** Who a kill is aimed at. */
export type Victim = 'server' | 'gateway' | 'gateway-worker' | 'step'

type Kept = 'server' | 'gateway'

export interface CrashHome extends AsyncDisposable {
  readonly config: Config
  /** A folder for the test's own files. */
  readonly directory: string
  readonly url: string
  readonly gatewayUrl: string
  /** Those that run now. */
  processes(victim: Victim): HomeProcess[]
  /** Ends the home as `trueloop down` does. Answers the commands of processes of the home that are left. */
  down(): Promise<string[]>
  /** Starts it again after `down`. */
  up(): Promise<void>
  /** The last lines of what its processes have said. */
  logTail(lines: number): string
}

const readyLimitMs = 30_000
const pollMs = 25
/** What ends by itself after the rest of the home has ended may take this long. */
const orphanGraceMs = 20_000

/**
 * Starts the control plane and a gateway of two workers on free ports. `supervised`: by the supervisor, which starts what falls again and
 * waits longer each time; else each is started again at once, so that a test can kill one of them often.
 */
export async function startCrashHome(options: { supervised: boolean }): Promise<CrashHome> {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-crash-'))
  const home = join(directory, 'home')
  const storage = await openStorage()
  const config = loadConfig({
    PATH: processEnvironment()['PATH'],
    TRUELOOP_HOME: home,
    TRUELOOP_PORT: String(await freePort()),
    TRUELOOP_GATEWAY_PORT: String(await freePort()),
    TRUELOOP_GATEWAY_GRPC_PORT: '0',
    TRUELOOP_GATEWAY_WORKERS: '2',
    TRUELOOP_STEP_THREADS: '1',
    ...storage.settings,
  })
  createHome(home)
  mkdirSync(join(home, 'logs'), { recursive: true })
  const keep = (): Keeper => (options.supervised ? startSupervisor(config) : startBoth(config))
  let keeper = keep()
  const url = `http://127.0.0.1:${config.port}`
  const gatewayUrl = `http://127.0.0.1:${config.gatewayPort}`
  await waitUntilUp(`${url}/api/health`)
  return {
    config,
    directory,
    url,
    gatewayUrl,
    processes: (victim) => processesOf(home).filter(({ command }) => entryOf[victim].test(command)),
    async down() {
      keeper.stop()
      await endHome(home)
      await keeper.finished
      const left = (): HomeProcess[] => processesOf(home, stepSessionsOf(home))
      const deadlineMs = monotonicMs() + orphanGraceMs
      while (left().length > 0 && monotonicMs() < deadlineMs) await sleep(pollMs)
      return left().map(({ pid, command }) => `${pid} ${command}`)
    },
    async up() {
      keeper = keep()
      await waitUntilUp(`${url}/api/health`)
    },
    logTail: (lines) => tailOf(join(home, 'logs'), lines),
    async [Symbol.asyncDispose]() {
      keeper.stop()
      await endHome(home)
      for (const { pid } of processesOf(home, stepSessionsOf(home))) process.kill(pid, 'SIGKILL')
      await keeper.finished
      await storage[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

interface Keeper {
  stop(): void
  readonly finished: Promise<unknown>
}

function startEntry(config: Config, name: Kept | 'supervisor'): ChildProcess {
  const out = openSync(join(config.home, 'logs', `${name}.log`), 'a')
  const child = spawn(process.execPath, [entryFile(name)], {
    env: childEnvironment(config),
    stdio: ['ignore', out, out],
    detached: true,
  })
  closeSync(out)
  return child
}

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => void child.once('exit', () => resolve()))

function startSupervisor(config: Config): Keeper {
  return { stop: () => undefined, finished: exited(startEntry(config, 'supervisor')) }
}

function startBoth(config: Config): Keeper {
  let isStopped = false
  const keep = async (name: Kept): Promise<void> => {
    while (!isStopped) await exited(startEntry(config, name))
  }
  return { stop: () => void (isStopped = true), finished: Promise.all([keep('server'), keep('gateway')]) }
}

export async function waitUntilUp(url: string): Promise<void> {
  const deadlineMs = monotonicMs() + readyLimitMs
  while (monotonicMs() < deadlineMs) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
    await sleep(pollMs)
  }
  throw new Error(`${url} does not answer`)
}

export interface HomeProcess {
  readonly pid: number
  /** With its arguments. */
  readonly command: string
}

/**
 * Every process of the home, whoever started it: its environment names the home, or it is in the session of a step (what validates a model
 * has no environment). Linux only.
 */
function processesOf(home: string, stepSessions: ReadonlySet<number> = new Set()): HomeProcess[] {
  const found: HomeProcess[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/v.test(name)) continue
    try {
      const isOurs = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`TRUELOOP_HOME=${home}`)
      if (!isOurs && !(stepSessions.size > 0 && stepSessions.has(sessionOf(name)))) continue
      found.push({ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') })
    } catch {
      continue // It ended meanwhile.
    }
  }
  return found
}

/** Fields of stat are counted after the command's closing parenthesis: state, parent, group, session. */
function sessionOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' ? 0 : Number(session)
}

/** Each step leads a session of its own; its attempt's directory says who it was. */
function stepSessionsOf(home: string): Set<number> {
  const attempts = join(home, 'attempts')
  const sessions = new Set<number>()
  for (const attempt of existsSync(attempts) ? readdirSync(attempts) : []) {
    const path = join(attempts, attempt, 'process.json')
    if (existsSync(path)) sessions.add((JSON.parse(readFileSync(path, 'utf8')) as { pid: number }).pid)
  }
  return sessions
}

const entryOf: Record<Victim, RegExp> = {
  server: /\/app\/server\.ts/v,
  gateway: /\/app\/gateway\.ts/v,
  'gateway-worker': /\/app\/gateway-worker\.ts/v,
  step: /\/app\/step\.ts/v,
}

function tailOf(directory: string, lines: number): string {
  return readdirSync(directory)
    .map((name) => {
      const text = readFileSync(join(directory, name), 'utf8').trimEnd().split('\n')
      return `--- ${name}\n${text.slice(-lines).join('\n')}`
    })
    .join('\n')
}
