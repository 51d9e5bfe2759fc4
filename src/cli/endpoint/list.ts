// trueloop endpoint list: what answers behind each endpoint.
import { z } from 'zod'
import { Endpoint } from '../../serving/endpoint.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { shareText } from '../text.ts'

export const EndpointList = z.object({ endpoints: z.array(Endpoint) })

export async function listEndpoints(session: Session): Promise<void> {
  const answer = await connect(session).call({ path: '/endpoints', answer: EndpointList })
  session.terminal.show(answer, ({ endpoints }) => renderEndpoints(endpoints))
}

export const renderEndpoints = (endpoints: readonly Endpoint[]): string =>
  endpoints.length === 0
    ? 'There are no endpoints yet: "trueloop apply" makes the one of your loop file.'
    : table(
        ['ENDPOINT', 'CLOCK', 'VARIANTS'],
        endpoints.map(({ name, clock, variants, stopped }) => [
          name,
          clock,
          stopped ? `stopped: ${stopped.reason}` : variantText(variants),
        ]),
      )

type Variants = readonly (Endpoint['variants'][number] | Omit<Endpoint['variants'][number], 'quarantined'>)[]

/** `flights/3 (champion, 90 %), flights/4 (canary, 10 %)`; a lone champion answers all. */
export const variantText = (variants: Variants): string =>
  variants
    .map((variant) => {
      const { version, role, weight } = variant
      const share = role === 'shadow' || weight === 1 ? '' : `, ${shareText(weight)}`
      const out = 'quarantined' in variant && variant.quarantined ? ', taken out: it hung its worker' : ''
      return `${version} (${role}${share}${out})`
    })
    .join(', ') || 'nothing serves'
