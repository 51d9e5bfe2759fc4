// trueloop ab show: one A/B test and what was found of each version, each with its n and interval.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { AbTest, AbVerdict, controlWeight } from '../../rollouts/ab-test.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { factLines, shareText, timeText } from '../text.ts'

export const AbVerdictList = z.object({ verdicts: z.array(AbVerdict) })

export async function showAbTest(session: Session, id: string, options: ListOptions): Promise<void> {
  const client = connect(session)
  const test = await client.call({ path: pathOf`/ab-tests/${id}`, answer: AbTest })
  const query = { limit: limitOf(options) }
  const { verdicts } = await client.call({ path: pathOf`/ab-tests/${id}/verdicts`, query, answer: AbVerdictList })
  session.terminal.show({ test, verdicts }, (value) => renderAbTest(value.test, value.verdicts))
}

export function renderAbTest(test: AbTest, verdicts: readonly AbVerdict[]): string {
  const { plan } = test
  const arms = [{ version: test.control, weight: controlWeight(plan) }, ...plan.treatments]
  const facts = factLines([
    ['test', test.id],
    ['endpoint', test.endpoint],
    ['hypothesis', plan.hypothesis],
    ['versions', arms.map(({ version, weight }) => `${version} (${shareText(weight)})`).join(', ')],
    ['metric', `${plan.metric.replace('_', ' ')}, better by more than ${plan.minimumEffect}, alpha ${plan.alpha}`],
    ['state', test.state],
    ['better', test.winner ?? undefined],
    ['why', test.sentence],
    ['started', `${timeText(test.startedMs)} by ${test.createdBy}`],
    ['finished', test.finishedMs === null ? undefined : timeText(test.finishedMs)],
  ])
  if (verdicts.length === 0) return `${facts}\n\nNothing has been judged yet.`
  const rows = verdicts.flatMap(({ sequence, judgedMs, arms: judged }) =>
    judged.map(({ version, verdict, reason }) => [
      String(sequence),
      timeText(judgedMs),
      version,
      verdict.replace('_', ' '),
      reason,
    ]),
  )
  return `${facts}\n\n${table(['#', 'JUDGED', 'VERSION', 'VERDICT', 'WHY'], rows)}`
}
