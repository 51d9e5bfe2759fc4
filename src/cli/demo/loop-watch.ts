// Following the loop from outside: what it is doing, and what it has decided, as any client could.
import { z } from 'zod'
import { pathOf, type Client } from '../../client/http-client.ts'
import { sleep } from '../../platform/clock.ts'
import { DomainError } from '../../platform/errors.ts'

const LoopView = z.object({
  state: z.object({
    phase: z.string(),
    champion: z.string().nullable(),
    nowMs: z.int(),
    attempt: z.object({ number: z.int(), candidate: z.string().nullable() }).nullable(),
  }),
})
export type LoopView = z.infer<typeof LoopView>['state']

const Decision = z.object({ number: z.int(), atMs: z.int(), kind: z.string(), sentence: z.string() })
export type Decision = z.infer<typeof Decision>

const RunView = z.object({
  steps: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      progress: z.number().nullable(),
      progressText: z.string().nullable(),
    }),
  ),
})

export interface LoopWatch {
  view(): Promise<LoopView>
  /** Decisions since the last call. */
  news(): Promise<Decision[]>
  /** What the pipeline run under way says of itself; undefined when none is. */
  progress(): Promise<{ fraction: number; text: string } | undefined>
  /** Resolves when the loop is in none of these phases. @throws DomainError demo_stuck after the time limit */
  until(isDone: (view: LoopView) => boolean, onWait: () => Promise<void>): Promise<LoopView>
}

const pollMs = 150
const waitMsMax = 300_000

export function watchLoop(client: Client, loop: string): LoopWatch {
  let after = 0
  const view = async (): Promise<LoopView> =>
    (await client.call({ path: pathOf`/loops/${loop}`, answer: LoopView })).state
  return {
    view,
    async news() {
      const answer = z.object({ decisions: z.array(Decision) })
      const { decisions } = await client.call({
        path: pathOf`/loops/${loop}/history`,
        query: { after, limit: 1000 },
        answer,
      })
      after = decisions.at(-1)?.number ?? after
      return decisions
    },
    async progress() {
      const answer = z.object({ items: z.array(z.object({ id: z.string() })) })
      const { items } = await client.call({ path: '/pipeline-runs', query: { state: 'running', limit: 1 }, answer })
      if (!items[0]) return undefined
      const { steps } = await client.call({ path: pathOf`/pipeline-runs/${items[0].id}`, answer: RunView })
      const running = steps.find(({ state }) => state === 'running') ?? steps.find(({ state }) => state !== 'succeeded')
      const finished = steps.filter(({ state }) => state === 'succeeded').length
      return {
        fraction: (finished + (running?.progress ?? 0)) / steps.length,
        text: running?.progressText ?? running?.name ?? '',
      }
    },
    async until(isDone, onWait) {
      for (let waited = 0; waited < waitMsMax; waited += pollMs) {
        const now = await view()
        if (isDone(now)) return now
        await onWait()
        await sleep(pollMs)
      }
      throw new DomainError(
        'unavailable',
        'demo_stuck',
        `the loop "${loop}" has not moved for ${waitMsMax / 60_000} minutes; "trueloop logs server" says why`,
      )
    },
  }
}
