// For crash tests: when the next kill comes. Seeded, and spaced exponentially, so that a kill may come at any moment.
import { monotonicMs, sleep } from '../../src/platform/clock.ts'
import { createGenerator, type Generator } from '../../src/statistics/random.ts'
import type { CrashHome, HomeProcess, Victim } from './home.ts'

export const killsWanted = 30

export interface KillPlan {
  readonly home: CrashHome
  readonly victim: Victim
  readonly seed: string
  readonly kills: number
  /** From the recovery, or the coming of a victim, to the next kill. */
  readonly meanDelayMs: number
  /** Share of the kills that do not wait for the recovery from the one before. */
  readonly earlyShare: number
  /** Resolves when what was killed before is there again. */
  readonly recovered: () => Promise<void>
  /** Whether this one may be killed; all may by default. */
  readonly isFair?: (victim: HomeProcess) => boolean
  readonly onKill?: (victim: HomeProcess) => void
}

export interface Kill {
  /** Wall time. */
  readonly atMs: number
  readonly pid: number
  /** What was killed before was there again. */
  readonly wasRecovered: boolean
}

const pollMs = 10
const noticeMs = 300
const victimLimitMs = 60_000

/** Kills again and again with SIGKILL, then waits for the last recovery. Answers the kills in their order. */
export async function killAtRandom(plan: KillPlan): Promise<Kill[]> {
  const random = createGenerator(plan.seed).fork(`kills of ${plan.victim}`)
  const kills: Kill[] = []
  while (kills.length < plan.kills) {
    const wasRecovered = random.uniform() >= plan.earlyShare
    if (wasRecovered) await recover(plan)
    kills.push({ ...(await killOne(plan, random)), wasRecovered })
  }
  await recover(plan)
  return kills
}

/** Right after a kill, those who watch the victim still believe that it is there. */
async function recover({ recovered }: KillPlan): Promise<void> {
  await sleep(noticeMs)
  await recovered()
}

async function killOne(plan: KillPlan, random: Generator): Promise<Pick<Kill, 'atMs' | 'pid'>> {
  const { home, victim, meanDelayMs, isFair = () => true } = plan
  const fair = (): HomeProcess[] => home.processes(victim).filter((process) => isFair(process))
  const deadlineMs = monotonicMs() + victimLimitMs
  while (monotonicMs() < deadlineMs) {
    if (fair().length > 0) {
      // Not at once: it shall have got somewhere by then, or be over. Each try has a delay of its own: victims that come
      // and go in a rhythm could always be over after the same one.
      await sleep(-Math.log(1 - random.uniform()) * meanDelayMs)
      const victims = fair()
      const chosen = victims[random.integer(Math.max(1, victims.length))]
      if (chosen && kill(chosen.pid)) {
        plan.onKill?.(chosen)
        return { atMs: Date.now(), pid: chosen.pid }
      }
    }
    await sleep(pollMs)
  }
  throw new Error(`no ${victim} to kill came within ${victimLimitMs} ms`)
}

/** Answers whether it was still there. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
