// trueloop ab list: A/B tests, the newest first.
import { z } from 'zod'
import { AbTest } from '../../rollouts/ab-test.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { timeText } from '../text.ts'

export const AbTestList = z.object({ tests: z.array(AbTest) })

export async function listAbTests(
  session: Session,
  { endpoint, ...options }: ListOptions & { readonly endpoint?: string },
): Promise<void> {
  const query = { limit: limitOf(options), endpoint }
  const answer = await connect(session).call({ path: '/ab-tests', query, answer: AbTestList })
  session.terminal.show(answer, ({ tests }) => renderAbTests(tests))
}

export const renderAbTests = (tests: readonly AbTest[]): string =>
  tests.length === 0
    ? 'There has been no A/B test.'
    : table(
        ['TEST', 'ENDPOINT', 'CONTROL', 'VERSIONS', 'METRIC', 'STATE', 'BETTER', 'SINCE'],
        tests.map(({ id, endpoint, control, plan, state, winner, startedMs }) => [
          id,
          endpoint,
          control,
          plan.treatments.map(({ version }) => version).join(', '),
          plan.metric.replace('_', ' '),
          state,
          winner ?? '',
          timeText(startedMs),
        ]),
      )
