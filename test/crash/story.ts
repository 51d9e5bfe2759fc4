// For crash tests: one home, one kind of victim, killed again and again under load; then everything is looked at.
import { z } from 'zod'
import { createClient } from '../../src/client/http-client.ts'
import { monotonicMs, sleep } from '../../src/platform/clock.ts'
import { startCrashHome, waitUntilUp, type CrashHome, type HomeProcess, type Victim } from './home.ts'
import { killAtRandom, killsWanted, type Kill } from './kill-points.ts'
import { ask, isAtRest, startLoad, viewLoop, type Ledger } from './load.ts'
import { createRows, loopName, rowOf, type CrashRows } from './loop-rows.ts'
import { createGenerator } from '../../src/statistics/random.ts'
import { Agent } from 'node:http'
import { judge, type Verdict } from './verdict.ts'

export interface Story {
  readonly victim: Victim
  readonly seed: string
  readonly supervised: boolean
  readonly meanDelayMs: number
  readonly earlyShare: number
  readonly retrainEveryMs: number
  /** Whether what was killed last is there again. */
  isRecovered(home: CrashHome): Promise<boolean>
  readonly isFair?: (victim: HomeProcess) => boolean
  readonly onKill?: (victim: HomeProcess) => void
}

export interface StoryEnd {
  readonly kills: readonly Kill[]
  readonly ledger: Ledger
  readonly verdict: Verdict
  /** Processes of the home that its end has left behind. */
  readonly left: readonly string[]
  readonly slowestRecoveryMs: number
  /** All of it in a few lines, the seed first: for whoever reads a failure. */
  readonly summary: string
}

const pollMs = 25
const answersInTurn = 10
const firstChampionLimitMs = 120_000
const recoveryLimitMs = 60_000
const restLimitMs = 120_000
const logLines = 15

/** @throws Error when the loop never gets a champion, or somebody does not come back */
export async function playStory(story: Story): Promise<StoryEnd> {
  await using home = await startCrashHome({ supervised: story.supervised })
  try {
    return await play(home, story)
  } catch (error) {
    throw new Error(`seed "${story.seed}": ${String(error)}\n${home.logTail(logLines)}`, { cause: error })
  }
}

async function play(home: CrashHome, story: Story): Promise<StoryEnd> {
  const { victim, seed } = story
  const startedMs = monotonicMs()
  const rows = createRows(home.directory, seed)
  await beginLoop(home, rows, seed)
  const begunMs = monotonicMs()
  const load = await startLoad({
    url: home.url,
    gatewayUrl: home.gatewayUrl,
    rows,
    seed,
    retrainEveryMs: story.retrainEveryMs,
  })
  let slowestRecoveryMs = 0
  const recovered = async (): Promise<void> => {
    const sinceMs = monotonicMs()
    await until(`the ${victim} comes back`, recoveryLimitMs, () => story.isRecovered(home))
    slowestRecoveryMs = Math.max(slowestRecoveryMs, monotonicMs() - sinceMs)
  }
  const kills = await killAtRandom({ ...story, home, kills: killsWanted, recovered }).catch((error: unknown) => {
    void load.stop()
    throw error
  })
  const killedMs = monotonicMs()
  const ledger = await load.stop()
  const client = createClient({ url: home.url })
  await until('the loop comes to rest', restLimitMs, async () => isAtRest(await viewLoop(client)))
  const left = await home.down()
  const verdict = await judge(home.config, ledger, victim.startsWith('gateway') ? kills : [])
  const seconds = [begunMs - startedMs, killedMs - begunMs, monotonicMs() - killedMs].map((ms) => Math.round(ms / 1000))
  const summary = [
    `seed "${seed}": ${kills.length} kills of a ${victim}; ${seconds.join(' + ')} s; slowest recovery ${Math.round(slowestRecoveryMs)} ms`,
    `${ledger.answered.length} answers, ${ledger.unanswered.length} without one ${unansweredText(ledger, kills)}, ${ledger.hung} hung, ${verdict.lost.length} lost from the log; ${ledger.outcomes.size} outcomes, ${ledger.batches.acknowledged.length} + ${ledger.batches.unknown.length} batches, ${ledger.experiments.acknowledged.length} + ${ledger.experiments.unknown.length} experiments, ${ledger.triggers.acknowledged.length} + ${ledger.triggers.unknown.length} retrains (acknowledged + unknown)`,
    `longest gap: gateway ${Math.round(ledger.longestGapMs.gateway)} ms, control plane ${Math.round(ledger.longestGapMs.server)} ms; ${verdict.versions} versions; attempts ${JSON.stringify(verdict.attempts)}; decisions ${JSON.stringify(verdict.decisions)}`,
    ...verdict.failures,
    ...verdict.complaints,
    ...left,
  ].join('\n')
  return { kills, ledger, verdict, left, slowestRecoveryMs, summary }
}

/** By status, and how long after the kill before. */
function unansweredText({ unanswered }: Ledger, kills: readonly Kill[]): string {
  const lines = unanswered.map(({ status, atMs }) => {
    const kill = kills.findLast((before) => before.atMs <= atMs)
    return `${status}${kill ? `+${Math.ceil((atMs - kill.atMs) / 100) * 100}ms` : ' before'}`
  })
  const counts = new Map<string, number>()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return `(${[...counts].map(([line, count]) => `${line}: ${count}`).join(', ')})`
}

/** Until the first champion answers. */
async function beginLoop(home: CrashHome, rows: CrashRows, seed: string): Promise<void> {
  const client = createClient({ url: home.url })
  await client.call({ method: 'POST', path: '/loops/apply', body: { spec: rows.spec }, answer: z.unknown() })
  const url = new URL(`/v2/models/${loopName}/infer`, home.gatewayUrl)
  const agent = new Agent()
  const row = rowOf(createGenerator(seed).fork('first'), rows.today)
  await waitUntilUp(new URL('/v2/health/live', home.gatewayUrl).href)
  // On a new connection each time, so that every worker is asked.
  let inTurn = 0
  await until('the first champion answers', firstChampionLimitMs, async () => {
    inTurn = (await ask({ url, agent }, row)).status === 200 ? inTurn + 1 : 0
    return inTurn >= answersInTurn
  })
}

const answerLimitMs = 2_000

/** Whether it answers with 200, on a connection of its own or a kept one. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(answerLimitMs) }).catch(() => undefined)
  return response?.ok ?? false
}

/** Workers of the gateway that take connections. */
export async function servingWorkers(gatewayUrl: string): Promise<number> {
  const signal = AbortSignal.timeout(answerLimitMs)
  const response = await fetch(`${gatewayUrl}/metrics`, { signal }).catch(() => undefined)
  const text = await response?.text().catch(() => '')
  return Number(/^trueloop_gateway_workers (?<count>\d+)$/mv.exec(text ?? '')?.groups?.['count'] ?? 0)
}

/** Requests without an answer after kills of which `isMeant` says that nobody should have noticed, until the next kill. */
export function missedAfter(
  { kills, ledger }: Pick<StoryEnd, 'kills' | 'ledger'>,
  isMeant: (kill: Kill) => boolean,
): number[] {
  return kills.flatMap((kill, at) => {
    if (!isMeant(kill)) return []
    const untilMs = kills[at + 1]?.atMs ?? Infinity
    return [ledger.unanswered.filter(({ atMs }) => atMs >= kill.atMs && atMs < untilMs).length]
  })
}

async function until(what: string, limitMs: number, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = monotonicMs() + limitMs
  while (!(await isSo())) {
    if (monotonicMs() > deadlineMs) throw new Error(`${what}: not within ${limitMs} ms`)
    await sleep(pollMs)
  }
}
