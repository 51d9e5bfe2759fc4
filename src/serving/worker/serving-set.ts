// What a worker serves right now: applies configurations, loads what is new, lets go of what is gone.
import { isDeepStrictEqual } from 'node:util'
import { DomainError, messageOf } from '../../platform/errors.ts'
import type { EndpointConfig, GatewayConfig, Variant } from '../gateway-config.ts'
import type { TrafficCounter } from '../gateway-report.ts'
import { createEndpointRuntime, type EndpointRuntime } from './endpoint-runtime.ts'
import { loadVersion, type LoadDeps, type LoadedVersion } from './loaded-version.ts'
import { createRateLimiter } from './rate-limiter.ts'
import { createAnswerCache } from './response-cache.ts'
import type { RunMark } from './runs/run-mark.ts'
import { hasWaiting, type VersionQueue } from './runs/version-queue.ts'
import { createVersionCounters, type VersionCounters } from './reports/traffic-counters.ts'

export interface ServingSet {
  readonly endpoints: ReadonlyMap<string, EndpointRuntime>
  /** Of the configuration that is served; -1 before the first. */
  readonly generation: number
  /** Loads what is missing, then switches in one step. Calls are worked off one after the other. */
  apply(config: GatewayConfig): Promise<ApplyResult>
  /** Until an endpoint answers that does not yet, and does with a configuration that is being applied; undefined: nothing is to be waited for. */
  arriving(name: string): Promise<unknown> | undefined
  takeCounters(limit: number): TrafficCounter[]
  /** Rows that wait, by version. */
  queuedRows(): Map<string, number>
}

export interface ApplyResult {
  readonly failures: readonly { readonly version: string; readonly digest: string; readonly message: string }[]
}

export interface ServingSetDeps extends LoadDeps {
  readonly mark: RunMark
}

const keyOf = ({ version, digest }: Variant): string => `${digest} ${version}`
/** A version that left is let go when its queues are empty; looked at this often. */
const releasePollMs = 50

export function createServingSet(deps: ServingSetDeps): ServingSet {
  const loaded = new Map<string, LoadedVersion>()
  /** Why versions are not loaded. */
  const failed = new Map<string, string>()
  const counters = new Map<string, VersionCounters>()
  let endpoints: ReadonlyMap<string, EndpointRuntime> = new Map()
  let generation = -1
  let turn: Promise<unknown> = Promise.resolve()
  let next: GatewayConfig | undefined

  const countersOf = (endpoint: string, variant: Variant): VersionCounters => {
    const key = `${endpoint} ${keyOf(variant)}`
    let found = counters.get(key)
    if (!found) counters.set(key, (found = createVersionCounters({ endpoint, version: variant.version }, variant)))
    return found
  }
  const runtimeOf = (config: EndpointConfig): EndpointRuntime =>
    createEndpointRuntime(
      config,
      rememberedOf(config, endpoints.get(config.name), deps.nowMs),
      config.variants.map((variant) => {
        const { role, weight } = variant
        const key = keyOf(variant)
        const known = { loaded: loaded.get(key), failure: failed.get(key) }
        return { variant, role, weight, counters: countersOf(config.name, variant), ...known }
      }),
    )
  const release = async (key: string, version: LoadedVersion): Promise<void> => {
    loaded.delete(key)
    // A request may have no rows.
    while (isUsed(version.queue) || isUsed(version.shadowQueue))
      await new Promise((done) => setTimeout(done, releasePollMs))
    await version.release()
  }

  const applyNow = async (config: GatewayConfig): Promise<ApplyResult> => {
    const wanted = wantedOf(config)
    const missing = [...wanted].filter(([key]) => !loaded.has(key))
    // What a worker that serves is told to load was prepared in this life of the gateway.
    failed.clear()
    const result = await loadAll({ ...deps, isTrusting: generation >= 0 }, missing, { loaded, failed })
    const before = endpoints
    endpoints = new Map(config.endpoints.map((endpoint) => [endpoint.name, runtimeOf(endpoint)]))
    for (const [name, endpoint] of before) endpoint.next = endpoints.get(name)
    generation = config.generation
    for (const [key, version] of loaded) if (!wanted.has(key)) void release(key, version)
    return result
  }

  return {
    get endpoints() {
      return endpoints
    },
    get generation() {
      return generation
    },
    apply(config) {
      next = config
      const applied = turn
        .then(() => applyNow(config))
        .finally(() => {
          if (next === config) next = undefined
        })
      turn = applied.catch(() => undefined)
      return applied
    },
    arriving: (name) => (next && !endpoints.get(name)?.champion && hasChampion(next, name) ? turn : undefined),
    queuedRows: () => new Map([...loaded.values()].map(({ version, queue }) => [version, queue.rows])),
    takeCounters: (limit) => takeCounters(counters, [...endpoints.values()], limit),
  }
}

/** Of a version that is gone all has been told; runs that still end count into it until its queues are empty. */
function takeCounters(
  counters: Map<string, VersionCounters>,
  endpoints: readonly EndpointRuntime[],
  limit: number,
): TrafficCounter[] {
  const taken: TrafficCounter[] = []
  const inUse = new Set(endpoints.flatMap(({ variants }) => variants.map((variant) => variant.counters)))
  for (const [key, version] of counters) {
    taken.push(...version.take(limit - taken.length))
    if (!inUse.has(version) && version.isEmpty) counters.delete(key)
  }
  return taken
}

const hasChampion = ({ endpoints }: GatewayConfig, name: string): boolean =>
  endpoints.some((endpoint) => endpoint.name === name && endpoint.variants.some(({ role }) => role === 'champion'))

const isUsed = (queue: VersionQueue): boolean => queue.rows > 0 || hasWaiting(queue)

/** The versions of a configuration that may run, by key. */
function wantedOf(config: GatewayConfig): Map<string, Variant> {
  const variants = config.endpoints.flatMap((endpoint) => endpoint.variants)
  return new Map(variants.filter((variant) => !variant.quarantined).map((variant) => [keyOf(variant), variant]))
}

/** What an endpoint has counted and remembered outlives a configuration that does not change how much that may be. */
function rememberedOf(
  { name, options: { rateLimit: limit, cache } }: EndpointConfig,
  before: EndpointRuntime | undefined,
  nowMs: () => number,
): Pick<EndpointRuntime, 'limiter' | 'cache'> {
  const limiter = isDeepStrictEqual(before?.limiter?.limit, limit) ? before?.limiter : undefined
  const known = isDeepStrictEqual(before?.cache?.options, cache) ? before?.cache : undefined
  return {
    limiter: limit ? (limiter ?? createRateLimiter({ endpoint: name, limit }, nowMs)) : undefined,
    cache: cache ? (known ?? createAnswerCache(cache, nowMs)) : undefined,
  }
}

/** Loads into `loaded`; one that fails is told, and why into `failed`. */
async function loadAll(
  deps: ServingSetDeps & LoadDeps,
  missing: readonly (readonly [string, Variant])[],
  { loaded, failed }: { loaded: Map<string, LoadedVersion>; failed: Map<string, string> },
): Promise<ApplyResult> {
  const failures: ApplyResult['failures'][number][] = []
  for (const [key, variant] of missing) {
    const { version, digest } = variant
    deps.mark.set(version)
    try {
      loaded.set(key, await loadVersion(deps, variant))
    } catch (error) {
      deps.log.error('a model version could not be loaded', { version, error: messageOf(error) })
      failures.push({ version, digest, message: messageOf(error) })
      // Anything else may name what is nobody's business, such as a path.
      failed.set(key, error instanceof DomainError ? error.message : 'the log of the gateway has the reason')
    } finally {
      deps.mark.clear()
    }
  }
  return { failures }
}
