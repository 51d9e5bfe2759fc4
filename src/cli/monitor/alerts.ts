// trueloop monitor alerts: what is, or was, not as it should be.
import { z } from 'zod'
import { Alert } from '../../monitoring/alert.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { timeText } from '../text.ts'

export const AlertList = z.object({ alerts: z.array(Alert) })

export interface AlertOptions extends ListOptions {
  readonly endpoint?: string
  readonly all?: boolean
}

export async function listAlerts(session: Session, { endpoint, all, ...options }: AlertOptions): Promise<void> {
  const query = { limit: limitOf(options), endpoint, active: all ? 'false' : 'true' }
  const answer = await connect(session).call({ path: '/alerts', query, answer: AlertList })
  session.terminal.show(answer, ({ alerts }) => renderAlerts(alerts, all ?? false))
}

export const renderAlerts = (alerts: readonly Alert[], all: boolean): string =>
  alerts.length === 0
    ? all
      ? 'There has been no alert.'
      : 'No alert is open.'
    : table(
        ['ALERT', 'STATE', 'OPENED', 'CLOSED', 'WHAT'],
        alerts.map(({ id, state, openedMs, closedMs, evidence }) => [
          id,
          state,
          timeText(openedMs),
          timeText(closedMs),
          evidence.sentence,
        ]),
      )
