// Processes by identity: a pid alone may be somebody else's by now; pid, start time and boot id together are one process for ever.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { ChildProcess } from 'node:child_process'
import { getPriority, setPriority } from 'node:os'
import { z } from 'zod'
import { sleep } from './clock.ts'

export const ProcessIdentity = z.strictObject({
  pid: z.int().positive(),
  /** Linux: clock ticks since boot; macOS: `ps -o lstart`. */
  startTime: z.string(),
  bootId: z.string(),
})
export type ProcessIdentity = Readonly<z.infer<typeof ProcessIdentity>>

/** Fields of /proc/<pid>/stat are counted after the command's closing parenthesis; it may hold spaces. */
const startTimeField = 19
const stateField = 0

let cachedBootId: string | undefined

function bootId(): string {
  cachedBootId ??=
    process.platform === 'linux'
      ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      : execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).trim()
  return cachedBootId
}

function startTimeOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return (
        execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }).trim() || undefined
      )
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const isZombie = fields[stateField] === 'Z' || fields[stateField] === 'X'
    return isZombie ? undefined : fields[startTimeField]
  } catch {
    return undefined // Gone.
  }
}

/** The identity of a running process; undefined when there is none. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() }
}

/** Whether this very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === bootId() && startTimeOf(identity.pid) === identity.startTime
}

/** Sends a signal if this very process still runs; `group` sends it to its process group. Answers whether it was there. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals, group = false): boolean {
  if (!isAlive(identity)) return false
  try {
    process.kill(group ? -identity.pid : identity.pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Asks with SIGTERM, and after `graceMs` insists with SIGKILL. Resolves when the process is gone. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  const pollMs = 20
  signalProcess(identity, 'SIGTERM')
  for (let waited = 0; waited < graceMs; waited += pollMs) {
    if (!isAlive(identity)) return
    await sleep(pollMs)
  }
  signalProcess(identity, 'SIGKILL')
  while (isAlive(identity)) await sleep(pollMs)
}

const backgroundNiceness = 10

/** Who yields more already may not yield less. */
function yieldAs(pid: number): void {
  if (getPriority(pid) < backgroundNiceness) setPriority(pid, backgroundNiceness)
}

/** Where this process and those that answer requests want the same cores, they come first. What it starts from now on inherits it. */
export const yieldToAnswers = (): void => yieldAs(0)

/** The same for a process that was just started, whose own start takes a while: it yields from its beginning. */
export function letYieldToAnswers({ pid }: Pick<ChildProcess, 'pid'>): void {
  if (pid === undefined) return // It could not be started.
  try {
    yieldAs(pid)
  } catch (error) {
    const isGone = (error as { info?: { code?: string } }).info?.code === 'ESRCH'
    if (!isGone) throw error
  }
}

/** Of util-linux, on practically every Linux machine. */
const chrt = '/usr/bin/chrt'

/**
 * A command as it is started to run only where a core has nothing else to do: Linux' policy SCHED_IDLE, which its threads inherit. Who wakes
 * takes such a core as a free one; next to a process of low priority it would wait for another. On a machine that is never idle it never ends.
 * Undefined: it cannot be started so here.
 */
export function whenIdle(command: string, args: readonly string[]): { command: string; args: string[] } | undefined {
  if (process.platform !== 'linux' || !existsSync(chrt)) return undefined
  return { command: chrt, args: ['--idle', '0', command, ...args] }
}
