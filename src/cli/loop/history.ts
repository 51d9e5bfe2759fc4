// trueloop loop history: every decision of a loop and why, and follows it.
import { renderHistory } from '../../loop/history.ts'
import { sleep } from '../../platform/clock.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { plain } from '../text.ts'
import { readDecisions, readLastDecisions, type StoredDecision } from './loop-view.ts'

export interface HistoryOptions extends ListOptions {
  readonly follow?: boolean
  readonly evidence?: boolean
}

const followEveryMs = 500

/** With `--json` and `--follow` a decision a line. */
export async function loopHistory(session: Session, loop: string, options: HistoryOptions): Promise<void> {
  const client = connect(session)
  const { terminal } = session
  const told = await readLastDecisions(client, loop, limitOf(options))
  const tell = (decisions: readonly StoredDecision[]): void => {
    if (!terminal.json) terminal.print(renderDecisions(decisions, options.evidence ?? false))
    else for (const decision of decisions) terminal.print(JSON.stringify(decision))
  }
  if (!options.follow) {
    return terminal.show({ decisions: told }, ({ decisions }) => renderDecisions(decisions, options.evidence ?? false))
  }
  if (told.length > 0) tell(told)
  for (let after = told.at(-1)?.number ?? 0; ;) {
    await sleep(followEveryMs)
    const news = await readDecisions(client, loop, after)
    if (news.length > 0) tell(news)
    after = news.at(-1)?.number ?? after
  }
}

export const renderDecisions = (decisions: readonly StoredDecision[], evidence: boolean): string =>
  renderHistory(decisions, { evidence }).split('\n').map(plain).join('\n')
