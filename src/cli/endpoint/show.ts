// trueloop endpoint show: one endpoint, what answers behind it, and how each version has done.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { ArmSummary } from '../../monitoring/day-summary.ts'
import { Endpoint } from '../../serving/endpoint.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { factLines, numberText, shareText, timeText } from '../text.ts'
import { variantText } from './list.ts'

const Days = z.object({
  watermarkMs: z.int().nullable(),
  predictionsDropped: z.int(),
  predictionsLost: z.int(),
  arms: z.array(ArmSummary),
})

export interface EndpointView extends z.infer<typeof Days> {
  readonly endpoint: Endpoint
}

export async function showEndpoint(session: Session, name: string): Promise<void> {
  const client = connect(session)
  const endpoint = await client.call({ path: pathOf`/endpoints/${name}`, answer: Endpoint })
  const days = await client.call({ path: pathOf`/endpoints/${name}/days`, query: { total: 'true' }, answer: Days })
  session.terminal.show({ endpoint, ...days }, renderEndpoint)
}

const qualities = ['logLoss', 'auc', 'brier', 'accuracy', 'rmse'] as const

export function renderEndpoint({
  endpoint,
  watermarkMs,
  predictionsDropped,
  predictionsLost,
  arms,
}: EndpointView): string {
  const facts = factLines([
    ['endpoint', endpoint.name],
    ['serves', variantText(endpoint.variants)],
    [
      'stopped',
      endpoint.stopped
        ? `${timeText(endpoint.stopped.atMs)} by ${endpoint.stopped.actor}: ${endpoint.stopped.reason}`
        : undefined,
    ],
    ['clock', endpoint.clock],
    ['watermark', watermarkMs === null ? undefined : timeText(watermarkMs)],
    ['logged', `${shareText(endpoint.logShare)} of the predictions`],
    [
      'dropped',
      predictionsDropped > 0 ? `${numberText(predictionsDropped)} logged predictions, by full buffers` : undefined,
    ],
    [
      'lost',
      predictionsLost > 0 ? `${numberText(predictionsLost)} logged predictions, with killed workers` : undefined,
    ],
    ['made', timeText(endpoint.createdAtMs)],
  ])
  if (arms.length === 0) return `${facts}\n\nIt has answered nothing yet.`
  const known = qualities.filter((name) => arms.some((arm) => arm[name] !== null))
  const header = [
    'VERSION',
    'ROLE',
    'REQUESTS',
    'ERRORS',
    'P50 MS',
    'P99 MS',
    'OUTCOMES',
    ...known.map((name) => name.toUpperCase()),
  ]
  const rows = arms.map((arm) => [
    arm.version,
    arm.role,
    numberText(arm.requests),
    numberText(arm.errors),
    numberText(arm.latencyP50Ms),
    numberText(arm.latencyP99Ms),
    numberText(arm.outcomes),
    ...known.map((name) => numberText(arm[name])),
  ])
  return `${facts}\n\n${table(header, rows)}`
}
