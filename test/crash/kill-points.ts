// For crash tests: when the next kill comes. Seeded, and spaced exponentially, so that a kill may come at any moment.
import { sleep } from '../../src/platform/clock.ts'
import { createGenerator } from '../../src/statistics/random.ts'
import type { CrashHome, Victim } from './home.ts'

export const killsWanted = 30

export interface KillPlan {
  readonly home: CrashHome
  readonly victim: Victim
  readonly seed: string
  readonly kills: number
  /** Between the end of one recovery and the next kill. */
  readonly meanDelayMs: number
  /** Share of the kills that do not wait for the recovery from the one before. */
  readonly earlyShare: number
  /** Resolves when what was killed before is there again. */
  recovered(): Promise<void>
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
    await sleep(-Math.log(1 - random.uniform()) * plan.meanDelayMs)
    const kill = await killOne(plan, (count) => random.integer(count))
    kills.push({ ...kill, wasRecovered })
  }
  await recover(plan)
  return kills
}

/** Right after a kill, those who watch the victim still believe that it is there. */
async function recover({ recovered }: KillPlan): Promise<void> {
  await sleep(noticeMs)
  await recovered()
}

async function killOne(
  { home, victim }: KillPlan,
  choose: (count: number) => number,
): Promise<Pick<Kill, 'atMs' | 'pid'>> {
  for (let waited = 0; waited < victimLimitMs; waited += pollMs) {
    const pids = home.pids(victim)
    if (pids.length > 0) {
      const pid = pids[choose(pids.length)]!
      try {
        process.kill(pid, 'SIGKILL')
        return { atMs: Date.now(), pid }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    await sleep(pollMs)
  }
  throw new Error(`no ${victim} to kill came within ${victimLimitMs} ms`)
}
