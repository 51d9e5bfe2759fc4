// trueloop gateway restart: a rolling restart of the workers.
import { GatewayFleet } from '../../serving/gateway-fleet.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export async function restartGateway(session: Session, { reason }: ReasonOptions): Promise<void> {
  const body = { reason }
  const fleet = await connect(session).call({ method: 'POST', path: '/gateway/restart', body, answer: GatewayFleet })
  session.terminal.show(fleet, () => 'Every worker of the gateway is replaced by a new one, one after the other.')
}
