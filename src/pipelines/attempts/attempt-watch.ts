// Watching one attempt's process until it has ended: its own child, or one that outlived an earlier control plane.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep, type Clock } from '../../platform/clock.ts'
import { identifyProcess, isAlive, type ProcessIdentity } from '../../platform/processes.ts'
import { attemptFiles, readExit, readIdentity, type AttemptExit } from './attempt-directory.ts'
import { endGroup, sweepGroup } from './process-group.ts'
import type { ProcessEnd, SpawnedStep } from '../step-spawn.ts'

const pollMs = 50
/** A process that we did not start says who it is within this time, or never will. */
const identifyMs = 5_000
const adoptedCheckMs = 500
const reportMs = 500
export const graceMs = 5_000

export type AttemptOutcome =
  | { readonly type: 'exit'; readonly exit: AttemptExit }
  /** Our child ended without a result. */
  | { readonly type: 'crashed'; readonly end: ProcessEnd }
  /** An adopted process was gone, without a result. */
  | { readonly type: 'lost' }
  | { readonly type: 'timed_out' }
  | { readonly type: 'canceled' }
  /** Another control plane has the step now. */
  | { readonly type: 'fenced' }
  /** This control plane stops; the process goes on. */
  | { readonly type: 'stopped' }

export interface WatchSignals {
  readonly stop: AbortSignal
  readonly cancel: AbortSignal
  readonly fenced: AbortSignal
}

export interface Watch {
  readonly directory: string
  /** Absent for a process that was started by an earlier control plane. */
  readonly spawned: SpawnedStep | undefined
  readonly deadlineMs: number
  readonly clock: Clock
  readonly signals: WatchSignals
  /** Called about twice a second, and once when it is over: reads what the step reports. */
  report(): Promise<void>
}

/** Ends the process (and its group) unless the outcome is `stopped`. */
export async function watchAttempt(watch: Watch): Promise<AttemptOutcome> {
  const process = await findProcess(watch)
  const outcome = process ? await waitForEnd(watch, process) : await lateExit(watch)
  if (outcome.type === 'stopped') return outcome
  const hasGrace = outcome.type === 'timed_out' || outcome.type === 'canceled'
  const identity = process?.identity
  // One that has written its result, or has lost its claim, has nothing left to say.
  if (identity && isAlive(identity)) await endGroup(identity, hasGrace ? graceMs : 0)
  else if (identity) sweepGroup(identity.pid)
  if (outcome.type !== 'fenced') await watch.report()
  return outcome
}

interface Watched {
  readonly identity: ProcessIdentity | undefined
  readonly isGone: () => boolean
  readonly end: () => ProcessEnd | undefined
  readonly exited: Promise<unknown>
}

async function findProcess({ directory, spawned, signals }: Watch): Promise<Watched | undefined> {
  if (spawned) {
    let end: ProcessEnd | undefined
    const exited = spawned.exited.then((value) => (end = value))
    // Not from process.json: the child may not have written it yet.
    return { identity: identifyProcess(spawned.pid), isGone: () => end !== undefined, end: () => end, exited }
  }
  let identity = await readIdentity(directory)
  for (let waited = 0; !identity && waited < identifyMs && !signals.stop.aborted; waited += pollMs) {
    await sleep(pollMs, signals.stop)
    identity = await readIdentity(directory)
  }
  if (!identity) {
    await writeFile(join(directory, attemptFiles.abandoned), '').catch(ignoreMissing) // From here on it must not begin.
    identity = await readIdentity(directory)
  }
  if (!identity) return undefined
  const adopted = identity
  return {
    identity: adopted,
    isGone: adoptedCheck(adopted),
    end: () => undefined,
    exited: new Promise(() => undefined),
  }
}

/** Asking the system is dear on some, so it is asked only now and then. */
function adoptedCheck(identity: ProcessIdentity): () => boolean {
  let countdown = 0
  let gone = false
  return () => {
    if (!gone && countdown-- <= 0) {
      countdown = adoptedCheckMs / pollMs
      gone = !isAlive(identity)
    }
    return gone
  }
}

async function lateExit({ directory, signals }: Watch): Promise<AttemptOutcome> {
  if (signals.stop.aborted) return { type: 'stopped' }
  const exit = await readExit(directory)
  return exit ? { type: 'exit', exit } : { type: 'lost' }
}

async function waitForEnd(watch: Watch, process: Watched): Promise<AttemptOutcome> {
  const { directory, signals } = watch
  const nudge = new AbortController()
  const wake = (): void => nudge.abort()
  void process.exited.then(wake)
  for (const signal of Object.values(signals) as AbortSignal[]) signal.addEventListener('abort', wake, { once: true })
  try {
    for (let tick = 0; ; tick++) {
      const isGone = process.isGone() // Asked before the result is looked for, so that none is missed between the two.
      const exit = await readExit(directory)
      if (signals.fenced.aborted) return { type: 'fenced' }
      if (exit && !(signals.cancel.aborted && !exit.ok)) return { type: 'exit', exit }
      if (signals.cancel.aborted) return { type: 'canceled' }
      if (signals.stop.aborted) return { type: 'stopped' }
      if (isGone) {
        const end = process.end()
        return end ? { type: 'crashed', end } : { type: 'lost' }
      }
      if (watch.clock() > watch.deadlineMs) return { type: 'timed_out' }
      if (tick % (reportMs / pollMs) === reportMs / pollMs - 1) await watch.report()
      await sleep(pollMs, nudge.signal.aborted ? undefined : nudge.signal)
    }
  } finally {
    for (const signal of Object.values(signals) as AbortSignal[]) signal.removeEventListener('abort', wake)
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
