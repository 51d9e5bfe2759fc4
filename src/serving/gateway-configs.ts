// The gateways' configuration from the tables: each endpoint's variants with the digest, signature and baseline of their versions.
import type { Baseline } from '../models/baseline.ts'
import { parseVersion } from '../models/model-version.ts'
import { findBaseline, getGraphVersion, type ModelVersionTables } from '../models/model-version-store.ts'
import type { Signature } from '../models/signature.ts'
import { monotonicMs, sleep } from '../platform/clock.ts'
import type { Db } from '../platform/database.ts'
import type { Endpoint } from './endpoint.ts'
import { currentGeneration, listEndpoints, type EndpointTables } from './endpoint-store.ts'
import type { EndpointConfig, GatewayConfig, Variant } from './gateway-config.ts'
import { findFleet, type FleetTables } from './control-plane/gateway-fleet-store.ts'

/** What never changes about a version. */
interface VersionFacts {
  readonly digest: string
  readonly signature: Signature
  readonly baseline: Baseline
}

const factsRememberedMax = 200
/** While a gateway waits, the generation is looked at this often, for changes that another process made. */
const defaultPollMs = 100

/** Of a version without one: its traffic and its predictions are counted, its values are not. */
const noBaseline: Baseline = {
  rows: 1,
  features: [],
  prediction: { bins: { kind: 'numeric', edges: [] }, counts: [0, 0] },
  days: [],
}

export interface GatewayConfigs {
  current(): Promise<GatewayConfig>
  /** The configuration as soon as its generation is another than `after`; undefined when the time is over. */
  wait(after: number, waitMs: number, signal?: AbortSignal): Promise<GatewayConfig | undefined>
  /** Something was committed that may be a change: whoever waits looks at once. */
  readonly wake: () => void
}

export function createGatewayConfigs(
  db: Db<EndpointTables & FleetTables & ModelVersionTables>,
  { pollMs = defaultPollMs } = {},
): GatewayConfigs {
  const facts = new Map<string, VersionFacts>()
  const factsOf = async (version: string): Promise<VersionFacts> => {
    const known = facts.get(version)
    if (known) return known
    const id = parseVersion(version)
    const { digest, signature } = await getGraphVersion(db, id)
    const baseline = (await findBaseline(db, id)) ?? noBaseline
    const found = { digest, signature, baseline }
    if (facts.size >= factsRememberedMax) facts.delete(facts.keys().next().value!)
    facts.set(version, found)
    return found
  }
  const configOf = async (endpoint: Endpoint): Promise<EndpointConfig> => {
    const { name, splitSalt, logShare, queueRowsMax, clock, options, stopped } = endpoint
    const variants: Variant[] = []
    for (const variant of endpoint.variants) variants.push({ ...variant, ...(await factsOf(variant.version)) })
    const stop = stopped ? { stopped: stopped.reason } : {}
    return { name, splitSalt, logShare, queueRowsMax, clock, options, variants, ...stop }
  }
  const current = async (): Promise<GatewayConfig> => {
    // Read first: a change in between then comes with the next generation once more, and is not missed.
    const generation = await currentGeneration(db)
    const endpoints: EndpointConfig[] = []
    for (const endpoint of await listEndpoints(db)) endpoints.push(await configOf(endpoint))
    return { generation, endpoints, fleet: await findFleet(db) }
  }
  let nudge = new AbortController()
  return {
    current,
    wake() {
      nudge.abort()
      nudge = new AbortController()
    },
    async wait(after, waitMs, signal) {
      const untilMs = monotonicMs() + waitMs
      while (!signal?.aborted) {
        // Taken before the look, so that a change right after it is not missed.
        const nudged = nudge.signal
        if ((await currentGeneration(db)) !== after) return current()
        if (monotonicMs() >= untilMs) return undefined
        await sleep(pollMs, signal ? AbortSignal.any([signal, nudged]) : nudged)
      }
      return undefined
    },
  }
}
