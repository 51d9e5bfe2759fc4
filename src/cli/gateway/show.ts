// trueloop gateway show: how many workers there should be, and how many serve.
import { GatewayFleet } from '../../serving/gateway-fleet.ts'
import { connect, gatewayUrl, type Session } from '../session.ts'
import { factLines } from '../text.ts'

const askLimitMs = 3_000

export async function showGateway(session: Session): Promise<void> {
  const fleet = await connect(session).call({ path: '/gateway/fleet', answer: GatewayFleet })
  const serving = await servingWorkers(session)
  session.terminal.show({ ...fleet, serving }, (value) =>
    factLines([
      ['workers', `${value.workers ?? 'as many as the gateway was started with'}`],
      ['serving', value.serving === null ? 'the gateway does not answer' : String(value.serving)],
      ['restarts', String(value.restarts)],
    ]),
  )
}

/** Null: it does not answer, or does not say. */
async function servingWorkers(session: Session): Promise<number | null> {
  try {
    const answer = await fetch(`${gatewayUrl(session)}/metrics`, { signal: AbortSignal.timeout(askLimitMs) })
    const found = /^trueloop_gateway_workers (?<count>\d+)$/mv.exec(await answer.text())
    return found ? Number(found.groups!['count']) : null
  } catch {
    return null // Down, or not to be reached from here: what it should be is told all the same.
  }
}
