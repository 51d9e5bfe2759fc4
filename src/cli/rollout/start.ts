// trueloop rollout start: puts a version beside the champion, which it replaces if it proves good.
import { parseVersion } from '../../models/model-version.ts'
import { Rollout } from '../../rollouts/rollout.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export async function startRollout(
  session: Session,
  [endpoint, reference]: readonly [string, string],
  { reason }: ReasonOptions,
): Promise<void> {
  const body = { endpoint, ...parseVersion(reference), reason }
  const rollout = await connect(session).call({ method: 'POST', path: '/rollouts', body, answer: Rollout })
  session.terminal.show(
    rollout,
    ({ id, state }) =>
      `Rollout ${id} of ${reference} is in its ${state} phase; "trueloop rollout show ${id}" tells how it goes.`,
  )
}
