// The whole replay: one plan for each area, made from one seed.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createGenerator } from '../../../../src/statistics/random.ts'
import { newestVenv } from '../environments.ts'
import { openPlan, type Call, type Plan } from './call.ts'
import { planArtifacts } from './plans/artifacts.ts'
import { planCodec } from './plans/codec.ts'
import { planMetrics } from './plans/metrics.ts'
import { planModels } from './plans/models.ts'
import { planRegistry } from './plans/registry.ts'
import { planRuns } from './plans/runs.ts'
import { planSearch } from './plans/search.ts'
import { planShapes, type Method } from './plans/shapes.ts'
import { planTraces } from './plans/traces.ts'

const run = promisify(execFile)
const outputBytesMax = 16 * 1024 * 1024

/** Which part of the API a plan covers; what it makes, others do not touch. */
export const areas = [
  'shapes', // First: what it lists is what a new server has.
  'codec',
  'runs',
  'metrics',
  'search',
  'registry',
  'models',
  'traces',
  'artifacts',
] as const
export type Area = (typeof areas)[number]

const planners: Readonly<Record<Exclude<Area, 'shapes'>, (plan: Plan) => void>> = {
  runs: planRuns,
  metrics: planMetrics,
  search: planSearch,
  registry: planRegistry,
  models: planModels,
  traces: planTraces,
  artifacts: planArtifacts,
  codec: planCodec,
}

/** Every route of the installed release. */
export async function stockMethods(): Promise<readonly Method[]> {
  const { python } = await newestVenv()
  const script = join(import.meta.dirname, '..', 'methods.py')
  const { stdout } = await run(python, [script], { maxBuffer: outputBytesMax })
  return JSON.parse(stdout) as Method[]
}

/** @param served Routes that both servers have: the others are listed elsewhere, with reasons */
export async function planOf(
  seed: string,
  wanted: readonly Area[],
  served: (method: Method) => boolean,
): Promise<Call[]> {
  const calls: Call[] = []
  for (const area of wanted) {
    const plan = openPlan(area, createGenerator(`${seed} ${area}`))
    if (area === 'shapes') planShapes(plan, (await stockMethods()).filter(served))
    else planners[area](plan)
    calls.push(...plan.calls)
  }
  return calls
}
