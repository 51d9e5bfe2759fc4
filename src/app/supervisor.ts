// `trueloop up`: keeps the control plane and the gateway running, and ends them in order.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { endStepProcesses } from '../pipelines/step-processes.ts'
import { sleep, systemClock } from '../platform/clock.ts'
import { DomainError, messageOf } from '../platform/errors.ts'
import { createLog, standardErrorWriter, type Log } from '../platform/log.ts'
import { endProcess, type ProcessIdentity } from '../platform/processes.ts'
import { childEnvironment, loadConfig, processEnvironment, type Config } from './config.ts'
import { controlPlane, entryFile } from './entries.ts'
import { createHome, findRuntime, lockHome, removeRuntime, writeRuntime, type Runtime } from './home.ts'

type Child = 'server' | 'gateway'

const readyTimeoutMs = 30_000
const readyPollMs = 20
const restartBaseMs = 100
const restartCapMs = 10_000
/** A child that ran this long was healthy: its next fall is the first again. */
const healthyMs = 60_000
const gatewayGraceMs = 30_000
const serverGraceMs = 15_000

/** Where `up` writes what its processes say. */
export const logFile = (home: string, name: string): string => join(home, 'logs', `${name}.log`)

const attemptsDirectory = (home: string): string => join(home, 'attempts')

interface Kept {
  stop(): Promise<void>
}

/** Starts a child again whenever it ends, more slowly each time it falls soon. */
function keepRunning(deps: { settings: () => Config; log: Log }, name: Child, graceMs: number): Kept {
  const { settings, log } = deps
  let child: ChildProcess | undefined
  let stopping = false
  const stopped = new AbortController()
  const run = async (): Promise<void> => {
    for (let falls = 0; !stopping;) {
      const startedAtMs = systemClock()
      child = start(settings(), name)
      const { code, signal } = await ended(child)
      if (stopping) return
      falls = systemClock() - startedAtMs > healthyMs ? 1 : falls + 1
      const delayMs = Math.min(restartCapMs, restartBaseMs * 2 ** (falls - 1))
      log.warn(`the ${name} ended and is started again`, { code, signal, delayMs })
      await sleep(delayMs, stopped.signal)
    }
  }
  const finished = run()
  return {
    async stop() {
      stopping = true
      stopped.abort()
      const runtime = findRuntime(settings().home, name)
      if (runtime && runtime.process.pid === child?.pid) await endProcess(runtime.process, graceMs)
      else child?.kill('SIGKILL')
      await finished
    },
  }
}

function start(config: Config, name: Child): ChildProcess {
  const out = openSync(logFile(config.home, name), 'a', 0o600)
  const { flags, environment } = name === 'server' ? controlPlane : { flags: [], environment: {} }
  const child = spawn(process.execPath, [...flags, entryFile(name)], {
    env: childEnvironment(config, environment),
    stdio: ['ignore', out, out],
  })
  closeSync(out)
  return child
}

const ended = (child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> =>
  new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })

/** Waits until a process of the home answers. @throws DomainError not_ready, naming the log to read. */
export async function waitUntilReady(
  home: string,
  name: Child,
  isWanted: () => boolean = () => true,
): Promise<Runtime> {
  for (let waited = 0; waited < readyTimeoutMs && isWanted(); waited += readyPollMs) {
    const runtime = findRuntime(home, name)
    if (runtime?.url) return runtime
    await sleep(readyPollMs)
  }
  throw new DomainError(
    'unavailable',
    'not_ready',
    `the ${name} did not come up; its log ${logFile(home, name)} says why`,
  )
}

const portOf = (url: string | undefined): number | undefined =>
  url ? Number(new URL(url).port) || undefined : undefined

/** Runs until SIGTERM or SIGINT. @throws DomainError home_in_use, not_ready */
export async function supervise(
  config: Config,
  onReady: (urls: { url: string; gatewayUrl: string; grpc: string | undefined }) => void,
): Promise<void> {
  createHome(config.home)
  mkdirSync(join(config.home, 'logs'), { recursive: true, mode: 0o700 })
  using _ = lockHome(config.home, 'supervisor')
  writeRuntime(config.home, 'supervisor')
  const log = createLog({
    level: config.logLevel,
    format: config.logFormat,
    clock: systemClock,
    write: standardErrorWriter(),
  })
  const stop = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  let stopping = false
  void stop.then(() => (stopping = true))
  // A free port that was taken once is kept: whoever knows the address finds it there after a restart too.
  let settled = config
  const settings = (): Config => settled
  const server = keepRunning({ settings, log }, 'server', serverGraceMs)
  let gateway: Kept | undefined
  try {
    const { url } = await waitUntilReady(config.home, 'server', () => !stopping)
    settled = { ...settled, url, port: portOf(url) ?? settled.port }
    gateway = keepRunning({ settings, log }, 'gateway', gatewayGraceMs)
    const { url: gatewayUrl, grpc } = await waitUntilReady(config.home, 'gateway', () => !stopping)
    settled = {
      ...settled,
      gatewayPort: portOf(gatewayUrl) ?? settled.gatewayPort,
      gatewayGrpcPort: portOf(grpc && `http://${grpc}`) ?? settled.gatewayGrpcPort,
    }
    if (url && gatewayUrl) onReady({ url, gatewayUrl, grpc })
    await stop
  } catch (error) {
    if (!stopping) throw error
  } finally {
    // The gateway first: while it drains, the control plane still takes its last reports.
    await gateway?.stop()
    await server.stop()
    await endStepProcesses(attemptsDirectory(config.home))
    removeRuntime(config.home, 'supervisor')
  }
}

/** Ends whatever runs in the home, steps too, and the supervisor first so that it starts nothing again. Answers what was ended. */
export async function endHome(home: string): Promise<string[]> {
  const graces: [string, ProcessIdentity | undefined, number][] = [
    ['supervisor', findRuntime(home, 'supervisor')?.process, gatewayGraceMs + serverGraceMs],
    ['gateway', findRuntime(home, 'gateway')?.process, gatewayGraceMs],
    ['server', findRuntime(home, 'server')?.process, serverGraceMs],
  ]
  const endedNames: string[] = []
  for (const [name, process, graceMs] of graces) {
    if (!process) continue
    await endProcess(process, graceMs)
    endedNames.push(name)
  }
  await endStepProcesses(attemptsDirectory(home))
  return endedNames
}

if (import.meta.main) {
  try {
    await supervise(loadConfig(processEnvironment()), () => undefined)
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
