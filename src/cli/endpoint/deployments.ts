// trueloop endpoint deployments: what served behind an endpoint and since when, newest first.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { Deployment } from '../../serving/endpoint.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { timeText } from '../text.ts'
import { variantText } from './list.ts'

export const DeploymentList = z.object({ deployments: z.array(Deployment) })

export async function endpointDeployments(session: Session, name: string, options: ListOptions): Promise<void> {
  const path = pathOf`/endpoints/${name}/deployments`
  const answer = await connect(session).call({ path, query: { limit: limitOf(options) }, answer: DeploymentList })
  session.terminal.show(answer, ({ deployments }) => renderDeployments(deployments))
}

export const renderDeployments = (deployments: readonly Deployment[]): string =>
  deployments.length === 0
    ? 'Nothing has served behind it yet.'
    : table(
        ['SINCE', 'SERVES', 'BY', 'WHY'],
        deployments.map(({ atMs, variants, actor, reason }) => [timeText(atMs), variantText(variants), actor, reason]),
      )
