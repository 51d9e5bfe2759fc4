// Which endpoint answers at the root (`/invocations`), where clients of one model a port ask.
import { DomainError } from '../../../platform/errors.ts'

const namesShownMax = 10

/**
 * @param named by the setting; undefined: the only one that there is
 * @throws DomainError root_endpoint_unknown
 */
export function rootEndpoint<E>(
  { endpoints }: { readonly endpoints: ReadonlyMap<string, E> },
  named: string | undefined,
): E {
  const found = named === undefined ? onlyOf(endpoints) : endpoints.get(named)
  if (found) return found
  if (named !== undefined) {
    const message = `the gateway serves no endpoint "${named}", which TRUELOOP_GATEWAY_ROOT_ENDPOINT names for the root`
    throw new DomainError('not_found', 'root_endpoint_unknown', message)
  }
  const names = [...endpoints.keys()].slice(0, namesShownMax).join(', ')
  const which = endpoints.size === 0 ? 'none yet' : `${endpoints.size} (${names})`
  const message = `the root answers for one endpoint, and the gateway serves ${which}: ask at /endpoints/NAME/invocations, or name one by TRUELOOP_GATEWAY_ROOT_ENDPOINT`
  throw new DomainError('not_found', 'root_endpoint_unknown', message)
}

function onlyOf<E>(endpoints: ReadonlyMap<string, E>): E | undefined {
  if (endpoints.size !== 1) return undefined
  const [only] = endpoints.values()
  return only
}
