// Endpoints that a caller of this gateway has unloaded: what workers are told of them. Pure.
import { DomainError } from '../../platform/errors.ts'
import type { EndpointConfig, GatewayConfig } from '../gateway-config.ts'

/** What a caller asks of the model repository. */
export interface RepositoryChange {
  readonly endpoint: string
  readonly isUnloaded: boolean
}

const unloadedOf = (endpoint: EndpointConfig): EndpointConfig => ({
  ...endpoint,
  stopped: endpoint.stopped ?? `it was unloaded here; POST /v2/repository/models/${endpoint.name}/load loads it again`,
  variants: endpoint.variants.map((variant) => ({ ...variant, quarantined: true })),
})

/** The configuration as workers get it: of an unloaded endpoint no version is in memory, and every caller is refused with the reason. */
export function withUnloaded(config: GatewayConfig, unloaded: ReadonlySet<string>): GatewayConfig {
  if (unloaded.size === 0) return config
  const endpoints = config.endpoints.map((endpoint) => (unloaded.has(endpoint.name) ? unloadedOf(endpoint) : endpoint))
  return { ...config, endpoints }
}

/** @throws DomainError endpoint_not_served, endpoint_load_failed: somebody stopped it, which loading does not undo */
export function assertChangeable(
  config: GatewayConfig | undefined,
  { endpoint: name, isUnloaded }: RepositoryChange,
): void {
  const endpoint = config?.endpoints.find((found) => found.name === name)
  if (!endpoint) {
    const did = isUnloaded ? 'unload' : 'load'
    const message = `failed to ${did} "${name}": this gateway has no endpoint of that name; endpoints are made through the control plane`
    throw new DomainError('not_found', 'endpoint_not_served', message)
  }
  if (!isUnloaded && endpoint.stopped !== undefined) throw loadFailed(name, `it is stopped: ${endpoint.stopped}`)
}

export const loadFailed = (endpoint: string, reason: string): DomainError =>
  new DomainError('unavailable', 'endpoint_load_failed', `failed to load "${endpoint}": ${reason}`)

/** Of the loads that failed, those of the endpoint's versions. @throws DomainError endpoint_load_failed */
export function assertLoaded(
  config: GatewayConfig,
  { endpoint: name, isUnloaded }: RepositoryChange,
  failures: readonly { readonly version: string; readonly message: string }[],
): void {
  if (isUnloaded) return
  const versions = config.endpoints.find((endpoint) => endpoint.name === name)?.variants ?? []
  if (versions.length === 0) throw loadFailed(name, 'it has no version: deploy one')
  const failure = failures.find(({ version }) => versions.some((variant) => variant.version === version))
  if (failure) throw loadFailed(name, `version ${failure.version}: ${failure.message}`)
  const isOut = versions.find(({ quarantined }) => quarantined)
  if (isOut) throw loadFailed(name, `version ${isOut.version} was taken out: it hung or ended its worker repeatedly`)
}
