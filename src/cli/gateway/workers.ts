// trueloop gateway workers: how many workers there should be.
import { GatewayFleet } from '../../serving/gateway-fleet.ts'
import { argumentInvalid, type ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

/** @throws DomainError argument_invalid, gateway_workers_invalid */
export async function setWorkers(session: Session, count: string, { reason }: ReasonOptions): Promise<void> {
  const body = { workers: workersOf(count), reason }
  const fleet = await connect(session).call({ method: 'PUT', path: '/gateway/workers', body, answer: GatewayFleet })
  session.terminal.show(fleet, ({ workers }) =>
    workers === null
      ? 'The gateway goes back to as many workers as it was started with.'
      : `The gateway goes to ${workers} ${workers === 1 ? 'worker' : 'workers'}; "trueloop gateway show" says how far it is.`,
  )
}

function workersOf(count: string): number | null {
  if (count === 'default') return null
  if (/^[1-9]\d{0,8}$/v.test(count)) return Number(count)
  throw argumentInvalid(`"${count}" is no number of workers: give one of 1 or more, or "default"`)
}
