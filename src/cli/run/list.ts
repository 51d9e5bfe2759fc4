// trueloop run list: runs of training code, the newest first, with their metrics.
import { z } from 'zod'
import { WireRunSummary } from '../../experiments/run.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { byDots } from '../model/versions.ts'
import { clip, numberText, timeText } from '../text.ts'

const Answer = z.object({ runs: z.array(WireRunSummary), next: z.string().optional() })
type RunSummary = z.infer<typeof WireRunSummary>
const metricsShown = 4
const nameWidth = 32

export async function listRuns(
  session: Session,
  options: ListOptions & { readonly experiment?: string },
): Promise<void> {
  const { experiment } = options
  const body = { limit: limitOf(options), ...(experiment === undefined ? {} : { experiment }) }
  const answer = await connect(session).call({ method: 'POST', path: '/runs/search', body, answer: Answer })
  session.terminal.show(answer, ({ runs }) => renderRuns(runs))
}

/** The metrics that most of the runs have are columns. */
export function renderRuns(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return 'There are no runs yet.'
  const uses = new Map<string, number>()
  for (const { metrics } of runs) for (const key of Object.keys(metrics)) uses.set(key, (uses.get(key) ?? 0) + 1)
  const keys = [...uses]
    .toSorted(([a, m], [b, n]) => n - m || byDots(a, b))
    .slice(0, metricsShown)
    .map(([key]) => key)
  return table(
    ['RUN', 'EXPERIMENT', 'NAME', 'STATE', 'STARTED', ...keys.map((key) => key.toUpperCase())],
    runs.map(({ id, experiment, name, state, startedAtMs, metrics }) => [
      id,
      experiment,
      clip(name, nameWidth),
      state,
      timeText(startedAtMs),
      ...keys.map((key) => (metrics[key] ? numberText(Number(metrics[key].latest)) : '-')),
    ]),
  )
}
