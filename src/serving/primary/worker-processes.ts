// Which processes are this gateway's workers, on disk: a hung one outlives a primary that was killed, and is ended at the next start.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identifyProcess, isAlive, ProcessIdentity, signalProcess } from '../../platform/processes.ts'
import type { Log } from '../../platform/log.ts'
import type { GatewayPaths } from '../gateway-worker.ts'
import { markPath } from '../gateway-worker.ts'
import { readRunMark } from '../worker/runs/run-mark.ts'

const ending = '.process.json'

export function noteWorker(paths: GatewayPaths, worker: string, pid: number): void {
  const identity = identifyProcess(pid)
  if (!identity) return // It ended at once.
  mkdirSync(paths.workers, { recursive: true, mode: 0o700 })
  writeFileSync(join(paths.workers, worker + ending), JSON.stringify(identity), { mode: 0o600 })
}

const computeOf = (worker: string): string => `${worker}.compute`

/** The process beside a worker that may hang when nobody is left to end it. Undefined: it is gone. */
export function noteCompute(paths: GatewayPaths, worker: string, pid: number | undefined): void {
  if (pid === undefined) rmSync(join(paths.workers, computeOf(worker) + ending), { force: true })
  else noteWorker(paths, computeOf(worker), pid)
}

/** The process that loads a version before the workers do, and may hang too. Undefined: it is gone. */
export function notePreparation(paths: GatewayPaths, pid: number | undefined): void {
  if (pid === undefined) rmSync(join(paths.workers, preparation + ending), { force: true })
  else noteWorker(paths, preparation, pid)
}

const preparation = 'preparation'

/** The worker is gone: its compute process is ended, its files go too, and its open segment of raw rows is finished. */
export function forgetWorker(paths: GatewayPaths, worker: string): void {
  const compute = readIdentity(join(paths.workers, computeOf(worker) + ending))
  if (compute && isAlive(compute)) signalProcess(compute, 'SIGKILL')
  noteCompute(paths, worker, undefined)
  rmSync(join(paths.workers, worker + ending), { force: true })
  rmSync(markPath(paths, worker), { force: true })
  finishSegments(paths.raw, worker)
}

/**
 * Ends workers that a primary left behind, and tells of each how many rows it had answered and not reported. Wants the lock of the home:
 * nobody else's workers are noted here.
 */
export function endOrphans(
  paths: GatewayPaths,
  { log, onUnreported }: { log: Log; onUnreported: (worker: string, rows: number) => void },
): void {
  let orphans = 0
  for (const name of namesIn(paths.workers).filter((found) => found.endsWith(ending))) {
    const worker = name.slice(0, -ending.length)
    const identity = readIdentity(join(paths.workers, name))
    if (identity && isAlive(identity) && signalProcess(identity, 'SIGKILL')) orphans++
    const { rowsUnreported } = readRunMark(markPath(paths, worker))
    if (rowsUnreported > 0) onUnreported(worker, rowsUnreported)
    forgetWorker(paths, worker)
  }
  finishSegments(paths.raw, '')
  if (orphans > 0) log.warn('workers of a gateway that was killed were ended', { orphans })
}

function readIdentity(path: string): ProcessIdentity | undefined {
  try {
    return ProcessIdentity.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined // Not there, or cut short when the primary was killed in the middle of it: then the worker had not started to serve.
  }
}

function finishSegments(directory: string, worker: string): void {
  for (const name of namesIn(directory)) {
    if (name.startsWith(worker) && name.endsWith('.part'))
      renameSync(join(directory, name), join(directory, name.slice(0, -'.part'.length)))
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
