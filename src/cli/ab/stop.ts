// trueloop ab stop: ends an A/B test without a verdict.
import { pathOf } from '../../client/http-client.ts'
import { AbTest } from '../../rollouts/ab-test.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export async function stopAbTest(session: Session, id: string, { reason }: ReasonOptions): Promise<void> {
  const path = pathOf`/ab-tests/${id}/stop`
  const test = await connect(session).call({ method: 'POST', path, body: { reason }, answer: AbTest })
  session.terminal.show(
    test,
    ({ control, endpoint }) => `A/B test ${id} is stopped: ${control} serves all of ${endpoint}.`,
  )
}
