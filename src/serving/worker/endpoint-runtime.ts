// An endpoint as a worker serves it: its variants with the models behind them, and what is counted of each.
import { DomainError } from '../../platform/errors.ts'
import type { EndpointConfig, Variant } from '../gateway-config.ts'
import { shortVersion } from '../protocols/open-inference.ts'
import type { LoadedVersion } from './loaded-version.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { AnswerCache } from './response-cache.ts'
import type { VersionCounters } from './reports/traffic-counters.ts'

export interface VariantRuntime {
  readonly variant: Variant
  readonly role: Variant['role']
  readonly weight: number
  readonly counters: VersionCounters
  /** Undefined: it could not be loaded. */
  readonly loaded: LoadedVersion | undefined
  /** Why it could not. */
  readonly failure?: string | undefined
}

export interface EndpointRuntime {
  readonly name: string
  readonly config: EndpointConfig
  readonly variants: readonly VariantRuntime[]
  readonly champion: VariantRuntime | undefined
  readonly shadows: readonly VariantRuntime[]
  /** Undefined: its callers are not limited. */
  readonly limiter: RateLimiter | undefined
  /** Undefined: every request is run. */
  readonly cache: AnswerCache | undefined
  /** What the endpoint became with the next configuration; undefined: it is served as it is here, or not at all any more. */
  next: EndpointRuntime | undefined
}

/** What is served now of an endpoint that a request came to a moment ago: versions of then may have been let go. */
export function latestOf(endpoint: EndpointRuntime): EndpointRuntime {
  let latest = endpoint
  while (latest.next) latest = latest.next
  return latest
}

export function createEndpointRuntime(
  config: EndpointConfig,
  { limiter, cache }: Pick<EndpointRuntime, 'limiter' | 'cache'>,
  variants: readonly VariantRuntime[],
): EndpointRuntime {
  return {
    name: config.name,
    config,
    limiter,
    cache,
    variants,
    champion: variants.find((variant) => variant.role === 'champion'),
    shadows: variants.filter((variant) => variant.role === 'shadow'),
    next: undefined,
  }
}

/** By its whole name (`flights/3`), by the part after the slash, as URLs write it, or by its role; of canaries, the one that answers. */
export function findVariant(endpoint: EndpointRuntime, version: string): VariantRuntime | undefined {
  if (version === 'champion') return endpoint.champion
  if (version === 'canary') return endpoint.variants.find(({ role, weight }) => role === 'canary' && weight > 0)
  return endpoint.variants.find(
    ({ variant }) => variant.version === version || shortVersion(variant.version) === version,
  )
}

/** Of the caller's words no more is said again than the length of a name. */
export const versionNotServed = ({ name }: EndpointRuntime, version: string): DomainError =>
  new DomainError('not_found', 'version_not_served', `endpoint "${name}" serves no version "${version.slice(0, 100)}"`)

/** Of an endpoint that has no version yet, or whose configuration with one has not come. */
export const endpointHasNoChampion = ({ name }: EndpointRuntime): DomainError =>
  new DomainError(
    'unavailable',
    'endpoint_has_no_champion',
    `endpoint "${name}" has no version that answers: deploy one; it serves about a second later`,
  )

/** Whether requests to it can be answered. */
export const isRunnable = ({ variant, loaded }: VariantRuntime): boolean =>
  loaded !== undefined && !loaded.isReleased && !variant.quarantined

/** Why an endpoint's version does not answer; undefined: it does. */
export function problemOf({ config }: EndpointRuntime, runtime: VariantRuntime): string | undefined {
  const { variant, loaded } = runtime
  if (config.stopped !== undefined) return config.stopped
  if (variant.quarantined) return 'it was taken out: it hung or ended its worker repeatedly'
  return loaded ? undefined : notLoaded(runtime)
}

/** Of a version that was let go a moment ago there is no failure. */
export const notLoaded = ({ failure }: VariantRuntime): string =>
  failure === undefined ? 'it is no longer served' : `it could not be loaded: ${failure}`
