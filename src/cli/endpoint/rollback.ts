// trueloop endpoint rollback: takes the challenger away, or the last promotion back.
import { pathOf } from '../../client/http-client.ts'
import { Rollout } from '../../rollouts/rollout.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export interface RollbackOptions extends ReasonOptions {
  readonly force?: boolean
}

export async function rollbackEndpoint(
  session: Session,
  endpoint: string,
  { reason, force = false }: RollbackOptions,
): Promise<void> {
  const path = pathOf`/endpoints/${endpoint}/rollback`
  const rollout = await connect(session).call({ method: 'POST', path, body: { reason, force }, answer: Rollout })
  session.terminal.show(rollout, ({ id, model, champion, challenger, state, sentence }) =>
    state === 'cancelled'
      ? `Rollout ${id} is cancelled, and traffic stays as it was set meanwhile: ${sentence}.`
      : `Rollout ${id} is rolled back: ${model}/${champion} serves all of ${endpoint}, ${model}/${challenger} is taken away.`,
  )
}
