// trueloop gateway show: how many workers there should be, and how many serve.
import { GatewayFleet } from '../../serving/gateway-fleet.ts'
import { connect, gatewayUrl, type Session } from '../session.ts'
import { factLines } from '../text.ts'
import { servingWorkers } from './serving-workers.ts'

export async function showGateway(session: Session): Promise<void> {
  const fleet = await connect(session).call({ path: '/gateway/fleet', answer: GatewayFleet })
  const serving = await servingWorkers(gatewayUrl(session))
  session.terminal.show({ ...fleet, serving }, (value) =>
    factLines([
      ['workers', `${value.workers ?? 'as many as the gateway was started with'}`],
      ['serving', value.serving === null ? 'the gateway does not answer' : String(value.serving)],
      ['restarts', String(value.restarts)],
    ]),
  )
}
