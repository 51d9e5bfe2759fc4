// Processes of a benchmark: children that answer with JSON, and what a process has used by the kernel's own accounts.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const outputBytesMax = 256 * 1024 * 1024

/** What one side of a comparison used for the work itself, start and imports of its process left out. */
export interface Usage {
  readonly wallMs: number
  readonly cpuMs: number
  /** Most resident memory of the process in all its life. */
  readonly peakBytes: number
}

/** Runs a program to its end and reads the last line that it printed. @throws Error with what it wrote, when it fails */
export async function answerOf<T>(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  const { stdout } = await run(file, args, { env: { ...process.env, ...environment }, maxBuffer: outputBytesMax })
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as T
}

/** Runs a file of this folder in a Node of its own; see {@link measured}. */
export const nodeAnswer = <T>(file: string, args: readonly string[]): Promise<T> =>
  answerOf<T>(process.execPath, [file, ...args])

/** Times `work` and adds what the process used. */
export async function measured<T extends object>(work: () => Promise<T>): Promise<T & Usage> {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const answer = await work()
  const { user, system } = process.cpuUsage(cpu)
  const wallMs = performance.now() - start
  return { ...answer, wallMs, cpuMs: (user + system) / 1000, peakBytes: process.resourceUsage().maxRSS * 1024 }
}

const ticksPerSecond = (): number => Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
let ticks: number | undefined

/** CPU time of a process so far, user and system, of all its threads. Linux only. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in brackets, may hold blanks; after it come the state and, eleven fields on, utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  ticks ??= ticksPerSecond()
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticks
}

/** Of all of them together; one that has ended keeps what it had when it was last seen. */
export function cpuSumOf(pids: readonly number[]): () => number {
  const seen = new Map<number, number>()
  return () => {
    for (const pid of pids) if (existsSync(`/proc/${pid}/stat`)) seen.set(pid, cpuMsOf(pid))
    return [...seen.values()].reduce((sum, ms) => sum + ms, 0)
  }
}

/** Resident set and proportional set (shared pages divided among those who share them), bytes. */
export function memoryOf(pid: number): { residentBytes: number; proportionalBytes: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mv').exec(rollup)?.[1])
  return { residentBytes: kilobytes('Rss') * 1024, proportionalBytes: kilobytes('Pss') * 1024 }
}

/** Proportional sets of all of them together; one that has just ended has none. */
export function memorySumOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (ifThere(() => memoryOf(pid).proportionalBytes) ?? 0), 0)
}

/** Undefined: the process that was to be read of has ended. */
function ifThere<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

/** A process and all that it started, themselves or through others. */
export function familyOf(pid: number): number[] {
  const family = [pid]
  // Grows while it is walked.
  for (const each of family) family.push(...(ifThere(() => childrenOf(each)) ?? []))
  return family
}

export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number)

/** Of a gateway's primary, or a cluster's; not the process that loads a version before they do, which ends by itself. */
export const workersOf = (primary: number): number[] =>
  childrenOf(primary).filter(
    (pid) => !(ifThere(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? preparation).includes(preparation),
  )

const preparation = 'preparation-process'

const settleLimitMs = 180_000
const settlePollMs = 500
/** Who uses less than this share of a core has nothing left to do: it only looks at its clock. */
const idleShare = 0.06

/**
 * Waits until a server has worked off what a load left behind, so that the next has the machine to itself.
 * @param used milliseconds of processor time so far
 * @throws Error when it does not come to rest
 */
export async function settled(used: () => number): Promise<void> {
  for (let waited = 0; waited < settleLimitMs; waited += settlePollMs) {
    const before = used()
    await wait(settlePollMs)
    if (used() - before < idleShare * settlePollMs) return
  }
  throw new Error(`a server was still busy ${settleLimitMs / 1000} s after its load had ended`)
}
