// trueloop run show: one run with its params, metrics and all that reproducing it needs.
import type { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { WireRun } from '../../experiments/run.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { bytesText, codeText, durationText, factLines, numberText, timeText } from '../text.ts'

export async function showRun(session: Session, id: string): Promise<void> {
  session.terminal.show(await connect(session).call({ path: pathOf`/runs/${id}`, answer: WireRun }), renderRun)
}

const nullable = (value: number | string | null): number | null => (value === null ? null : Number(value))

export function renderRun(run: z.infer<typeof WireRun>): string {
  const { code, environment } = run
  const took = run.endedAtMs === null ? '' : `, took ${durationText(run.endedAtMs - run.startedAtMs)}`
  const facts = factLines([
    ['run', run.id],
    ['experiment', run.experiment],
    ['name', run.name],
    ['state', run.state],
    ['started', `${timeText(run.startedAtMs)}${took}, by ${run.createdBy}`],
    ['pipeline run', run.pipelineRunId ?? undefined],
    ['inputs', run.inputs.map(({ datasetVersion, role }) => `${datasetVersion} (${role})`).join(', ') || undefined],
    [
      'seeds',
      Object.entries(run.seeds)
        .map(([name, seed]) => `${name} ${seed}`)
        .join(', ') || undefined,
    ],
    ['code', codeText(code)],
    [
      'environment',
      environment ? `${environment.nodeVersion} on ${environment.platform}, ${environment.threads} threads` : undefined,
    ],
  ])
  const metrics = Object.entries(run.metrics).map(([key, { latest, step, min, max }]) => [
    key,
    numberText(Number(latest)),
    String(step),
    numberText(nullable(min)),
    numberText(nullable(max)),
  ])
  const sections = [
    facts,
    ...(metrics.length > 0 ? [table(['METRIC', 'LATEST', 'STEP', 'LEAST', 'MOST'], metrics)] : []),
    ...(Object.keys(run.params).length > 0 ? [table(['PARAM', 'VALUE'], Object.entries(run.params))] : []),
    ...(Object.keys(run.tags).length > 0 ? [table(['TAG', 'VALUE'], Object.entries(run.tags))] : []),
    ...(run.artifacts.length > 0
      ? [
          table(
            ['ARTIFACT', 'SIZE', 'DIGEST'],
            run.artifacts.map(({ name, blob }) => [name, bytesText(blob.bytes), blob.digest]),
          ),
        ]
      : []),
  ]
  return sections.join('\n\n')
}
