// trueloop monitor acknowledge: says that somebody knows of an alert.
import { pathOf } from '../../client/http-client.ts'
import { Alert } from '../../monitoring/alert.ts'
import { connect, type Session } from '../session.ts'

export async function acknowledgeAlert(session: Session, id: string): Promise<void> {
  const path = pathOf`/alerts/${id}/acknowledge`
  const alert = await connect(session).call({ method: 'POST', path, answer: Alert })
  session.terminal.show(
    alert,
    ({ id: known, acknowledgedBy }) => `Alert ${known} is acknowledged by ${acknowledgedBy ?? 'nobody'}.`,
  )
}
