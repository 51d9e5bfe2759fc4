// Loads and unloads of a worker that has no primary, as in a test: it follows them alone, and forgets them when it ends.
import type { GatewayConfig } from '../gateway-config.ts'
import { assertChangeable, assertLoaded, withUnloaded, type RepositoryChange } from '../contract/gateway-repository.ts'
import type { ApplyResult } from './serving-set.ts'

export interface LoneRepository {
  readonly apply: (config: GatewayConfig) => Promise<ApplyResult>
  /** @throws DomainError endpoint_not_served, endpoint_load_failed */
  readonly change: (change: RepositoryChange) => Promise<void>
}

export function createLoneRepository(apply: (config: GatewayConfig) => Promise<ApplyResult>): LoneRepository {
  const unloaded = new Set<string>()
  let given: GatewayConfig | undefined
  return {
    apply(config) {
      given = config
      return apply(withUnloaded(config, unloaded))
    },
    async change(change) {
      assertChangeable(given, change)
      if (change.isUnloaded) unloaded.add(change.endpoint)
      else unloaded.delete(change.endpoint)
      const { failures } = await apply(withUnloaded(given!, unloaded))
      assertLoaded(given!, change, failures)
    },
  }
}
