// trueloop rollout list: rollouts, the newest first.
import { z } from 'zod'
import { challengerText, championText, Rollout } from '../../rollouts/rollout.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { timeText } from '../text.ts'

export const RolloutList = z.object({ rollouts: z.array(Rollout) })

export async function listRollouts(
  session: Session,
  { endpoint, ...options }: ListOptions & { readonly endpoint?: string },
): Promise<void> {
  const query = { limit: limitOf(options), endpoint }
  const answer = await connect(session).call({ path: '/rollouts', query, answer: RolloutList })
  session.terminal.show(answer, ({ rollouts }) => renderRollouts(rollouts))
}

export const renderRollouts = (rollouts: readonly Rollout[]): string =>
  rollouts.length === 0
    ? 'There has been no rollout.'
    : table(
        ['ROLLOUT', 'ENDPOINT', 'CHAMPION', 'CHALLENGER', 'STATE', 'SINCE', 'WHY'],
        rollouts.map((rollout) => [
          rollout.id,
          rollout.endpoint,
          championText(rollout),
          challengerText(rollout),
          rollout.state.replaceAll('_', ' '),
          timeText(rollout.phaseStartedMs),
          rollout.sentence,
        ]),
      )
