// trueloop rollout show: one rollout and its verdicts, each with its n and interval.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { challengerText, championText, Rollout, RolloutVerdict } from '../../rollouts/rollout.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { factLines, timeText } from '../text.ts'

export const VerdictList = z.object({ verdicts: z.array(RolloutVerdict) })

export async function showRollout(session: Session, id: string, options: ListOptions): Promise<void> {
  const client = connect(session)
  const rollout = await client.call({ path: pathOf`/rollouts/${id}`, answer: Rollout })
  const query = { limit: limitOf(options) }
  const { verdicts } = await client.call({ path: pathOf`/rollouts/${id}/verdicts`, query, answer: VerdictList })
  session.terminal.show({ rollout, verdicts }, (value) => renderRollout(value.rollout, value.verdicts))
}

export function renderRollout(rollout: Rollout, verdicts: readonly RolloutVerdict[]): string {
  const facts = factLines([
    ['rollout', rollout.id],
    ['endpoint', rollout.endpoint],
    ['champion', championText(rollout)],
    ['challenger', challengerText(rollout)],
    ['state', rollout.held ? `${rollout.state} (held open)` : rollout.state.replaceAll('_', ' ')],
    ['why', rollout.sentence],
    ['started', `${timeText(rollout.startedMs)} by ${rollout.createdBy}`],
    ['finished', rollout.finishedMs === null ? undefined : timeText(rollout.finishedMs)],
    ['watched until', rollout.watchUntilMs === null ? undefined : timeText(rollout.watchUntilMs)],
  ])
  if (verdicts.length === 0) return `${facts}\n\nNothing has been judged yet.`
  const rows = verdicts.map(({ sequence, phase, step, verdict, reason, judgedMs }) => [
    String(sequence),
    timeText(judgedMs),
    phase === 'canary' ? `canary, step ${step + 1}` : phase,
    verdict.replaceAll('_', ' '),
    reason,
  ])
  return `${facts}\n\n${table(['#', 'JUDGED', 'PHASE', 'VERDICT', 'WHY'], rows)}`
}
