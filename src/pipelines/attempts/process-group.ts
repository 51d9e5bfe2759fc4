// Ending a step's process with everything that it started: they share a process group, named by the step's pid.
import { sleep } from '../../platform/clock.ts'
import { identifyProcess, isAlive, signalProcess, type ProcessIdentity } from '../../platform/processes.ts'

const pollMs = 20

/** SIGTERM to the group and SIGKILL to what is left of it after `graceMs`, or SIGKILL alone when that is 0. Resolves when the leader is gone. */
export async function endGroup(leader: ProcessIdentity, graceMs: number): Promise<void> {
  if (graceMs > 0) signalProcess(leader, 'SIGTERM', true)
  for (let waited = 0; waited < graceMs && isAlive(leader); waited += pollMs) await sleep(pollMs)
  signalProcess(leader, 'SIGKILL', true)
  while (isAlive(leader)) await sleep(pollMs)
  sweepGroup(leader.pid)
}

/** Kills what the leader left behind. Does nothing when its pid is somebody else's by now. */
export function sweepGroup(pid: number): void {
  if (identifyProcess(pid)) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
