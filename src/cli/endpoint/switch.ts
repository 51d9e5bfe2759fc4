// trueloop endpoint stop, trueloop endpoint start: the kill switch of an endpoint.
import { pathOf } from '../../client/http-client.ts'
import { Endpoint } from '../../serving/endpoint.ts'
import { connect, type Session } from '../session.ts'
import { variantText } from './list.ts'

export async function switchEndpoint(
  session: Session,
  { name, turn, reason }: { readonly name: string; readonly turn: 'stop' | 'start'; readonly reason: string },
): Promise<void> {
  const path = turn === 'stop' ? pathOf`/endpoints/${name}/stop` : pathOf`/endpoints/${name}/start`
  const endpoint = await connect(session).call({ method: 'POST', path, body: { reason }, answer: Endpoint })
  session.terminal.show(endpoint, ({ stopped, variants }) =>
    stopped
      ? `Endpoint ${name} is stopped: every caller is refused with "${stopped.reason}" until "trueloop endpoint start ${name}".`
      : `Endpoint ${name} answers again: ${variantText(variants)}.`,
  )
}
