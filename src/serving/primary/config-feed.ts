// Follows the control plane's configuration: fetches the models' bytes first, keeps both on disk, then hands the configuration on.
import { sleep } from '../../platform/clock.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import { pollConfig, type FindControlPlane } from './control-plane.ts'
import type { Incidents } from './incidents.ts'
import { writeCachedConfig, type CachedConfig, type ModelCache } from './gateway-cache.ts'

export interface ConfigFeed {
  /** As the control plane gave it last. */
  readonly given: GatewayConfig | undefined
  /** Writes down what is known now. */
  persist(): Promise<void>
  stop(): Promise<void>
}

export interface ConfigFeedDeps {
  readonly find: FindControlPlane
  readonly models: ModelCache
  readonly cachePath: string
  readonly incidents: Pick<Incidents, 'quarantined'>
  readonly onConfig: (config: GatewayConfig) => void
  readonly log: Log
}

const retryMs = 500
const downloadTries = 3

/** Hands on what was cached at once, then every change. */
export async function startConfigFeed(deps: ConfigFeedDeps, cached: CachedConfig | undefined): Promise<ConfigFeed> {
  const stopping = new AbortController()
  /** Whether all models of `given` are on disk: else it is asked for again although its generation is known. */
  let isComplete = true
  let given = cached?.config

  const persist = async (): Promise<void> => {
    if (given) await keep(deps, given)
  }
  const take = async (config: GatewayConfig): Promise<void> => {
    for (const { digest } of variantsOf(config)) await fetchModel(deps, digest, stopping.signal)
    given = config
    isComplete = true
    deps.onConfig(config)
  }
  const begin = async (config: GatewayConfig): Promise<void> => {
    try {
      await take(config)
    } catch (error) {
      deps.log.warn('a cached configuration is served without a model that is not on disk', { error: messageOf(error) })
      isComplete = false
      deps.onConfig(config)
    }
  }
  const follow = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const config = await pollConfig(deps.find, isComplete ? (given?.generation ?? -1) : -1, stopping.signal)
        if (!config) continue
        await take(config)
        await persist()
        await deps.models.prune(new Set(variantsOf(config).map((variant) => variant.digest)))
      } catch (error) {
        if (stopping.signal.aborted) return
        deps.log.warn('no configuration from the control plane; what is known is served', { error: messageOf(error) })
        await sleep(retryMs, stopping.signal)
      }
    }
  }
  if (given) await begin(given)
  const following = follow()
  return {
    get given() {
      return given
    },
    persist,
    async stop() {
      stopping.abort()
      await following
    },
  }
}

const variantsOf = (config: GatewayConfig): GatewayConfig['endpoints'][number]['variants'] =>
  config.endpoints.flatMap((endpoint) => endpoint.variants)

async function keep({ incidents, cachePath, log }: ConfigFeedDeps, config: GatewayConfig): Promise<void> {
  try {
    await writeCachedConfig(cachePath, { config, quarantined: [...incidents.quarantined] })
  } catch (error) {
    log.error('the configuration could not be kept on disk', { path: cachePath, error: messageOf(error) })
  }
}

/** The control plane has answered, and will answer the same again. */
const isFinal = (error: unknown): boolean =>
  error instanceof DomainError && (error.code === 'blob_not_found' || error.code === 'blob_corrupt')

/**
 * A model that the control plane does not have is given up: the version will be told as not loadable, and everything else is served. One
 * that cannot be fetched now may not take the place of what serves.
 * @throws Error when the control plane went away meanwhile
 */
async function fetchModel({ models, log }: ConfigFeedDeps, digest: string, signal: AbortSignal): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await models.ensure(digest)
    } catch (error) {
      log.warn('a model could not be fetched', { digest, tries, error: messageOf(error) })
      if (tries >= downloadTries) {
        if (isFinal(error)) return
        throw error
      }
      await sleep(retryMs, signal)
      signal.throwIfAborted()
    }
  }
}
