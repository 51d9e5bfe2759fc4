// A loop as the API tells it: its state, its story, and the pipeline that runs for it.
import { z } from 'zod'
import { pathOf, type Client } from '../../client/http-client.ts'
import { Code } from '../../experiments/run.ts'
import { Decision, LoopState } from '../../loop/policy-state.ts'
import { PipelineRun, PipelineRunDetail } from '../../pipelines/pipeline-run.ts'

export const LoopList = z.object({
  loops: z.array(
    z.object({
      loop: z.string(),
      version: z.int(),
      phase: LoopState.shape.phase,
      paused: z.boolean(),
      champion: z.string().nullable(),
    }),
  ),
})

export const LoopDetail = z.object({
  version: z.int(),
  spec: z.unknown(),
  code: Code.nullable(),
  appliedBy: z.string(),
  appliedMs: z.int(),
  state: LoopState,
})
export type LoopDetail = Readonly<z.infer<typeof LoopDetail>>

export const StoredDecision = Decision.extend({ number: z.int(), recordedMs: z.int() })
export type StoredDecision = Readonly<z.infer<typeof StoredDecision>>

const History = z.object({ decisions: z.array(StoredDecision) })
const RunPage = z.object({ items: z.array(PipelineRun) })

const pageMax = 1000
const runsLooked = 50

export const readLoop = (client: Client, loop: string): Promise<LoopDetail> =>
  client.call({ path: pathOf`/loops/${loop}`, answer: LoopDetail })

/** Decisions after a number, at most 1000. */
export async function readDecisions(client: Client, loop: string, after: number): Promise<StoredDecision[]> {
  const path = pathOf`/loops/${loop}/history`
  return (await client.call({ path, query: { after, limit: pageMax }, answer: History })).decisions
}

/** The last `count` decisions: the API tells a story from its beginning, so all pages are turned. */
export async function readLastDecisions(client: Client, loop: string, count: number): Promise<StoredDecision[]> {
  let last: StoredDecision[] = []
  for (let after = 0; ;) {
    const page = await readDecisions(client, loop, after)
    last = [...last, ...page].slice(-count)
    if (page.length < pageMax) return last
    after = page.at(-1)?.number ?? after
  }
}

/** The pipeline run that is under way for a loop, with its steps. */
export async function findLoopRun(client: Client, loop: string): Promise<PipelineRunDetail | undefined> {
  const query = { state: 'running', limit: runsLooked }
  const { items } = await client.call({ path: '/pipeline-runs', query, answer: RunPage })
  const run = items.find(({ labels }) => labels['loop'] === loop)
  return run && client.call({ path: pathOf`/pipeline-runs/${run.id}`, answer: PipelineRunDetail })
}

/** How far a pipeline run is, by its steps, from 0 to 1, and what it does. */
export function runProgress({ steps }: Pick<PipelineRunDetail, 'steps'>): { fraction: number; text: string } {
  const finished = steps.filter(({ state }) => state === 'succeeded').length
  const current = steps.find(({ state }) => state === 'running') ?? steps.find(({ state }) => state === 'ready')
  const fraction = steps.length === 0 ? 0 : (finished + (current?.progress ?? 0)) / steps.length
  const text = current ? [current.name, current.progressText ?? ''].filter(Boolean).join(': ') : ''
  return { fraction, text }
}
