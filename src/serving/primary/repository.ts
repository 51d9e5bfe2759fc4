// Loads and unloads that callers of the gateway asked for: kept on its disk, brought to every worker, and only then answered.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import {
  assertChangeable,
  assertLoaded,
  loadFailed,
  withUnloaded,
  type RepositoryChange,
} from '../contract/gateway-repository.ts'
import type { ConfigRollout } from './rollout.ts'

export interface Repository {
  /** The configuration with what is unloaded; names that it does not have any more are forgotten. */
  overlay(config: GatewayConfig): GatewayConfig
  /** Resolves when every worker has it. @throws DomainError endpoint_not_served, endpoint_load_failed */
  change(change: RepositoryChange): Promise<void>
}

export interface RepositoryDeps {
  /** The file of the names that are unloaded. */
  readonly path: string
  /** As the control plane gave it last, with what this gateway took out. */
  readonly given: () => GatewayConfig | undefined
  readonly serve: (config: GatewayConfig) => void
  readonly rollout: () => Pick<ConfigRollout, 'reached'>
  readonly log: Log
}

export function createRepository(deps: RepositoryDeps): Repository {
  const unloaded = readNames(deps)
  const overlay = (config: GatewayConfig): GatewayConfig => {
    const known = new Set(config.endpoints.map(({ name }) => name))
    for (const name of unloaded) if (!known.has(name)) unloaded.delete(name)
    return withUnloaded(config, unloaded)
  }
  return {
    overlay,
    async change(change) {
      const { endpoint, isUnloaded } = change
      const config = deps.given()
      assertChangeable(config, change)
      if (isUnloaded) unloaded.add(endpoint)
      else unloaded.delete(endpoint)
      writeNames(deps.path, unloaded)
      deps.log.info(`an endpoint was ${isUnloaded ? 'unloaded' : 'loaded'} at a caller's wish`, { endpoint })
      deps.serve(config!)
      const failures = await deps.rollout().reached()
      if (!failures) throw loadFailed(endpoint, 'not every worker has it yet: look at its state in the index')
      assertLoaded(config!, change, failures)
    },
  }
}

const Names = z.array(z.string())

function readNames({ path, log }: RepositoryDeps): Set<string> {
  try {
    return new Set(Names.parse(JSON.parse(readFileSync(path, 'utf8'))))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn('the list of unloaded endpoints cannot be read: all are loaded', { path, error: messageOf(error) })
    return new Set()
  }
}

function writeNames(path: string, names: ReadonlySet<string>): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(`${path}.part`, JSON.stringify([...names]), { mode: 0o600 })
  renameSync(`${path}.part`, path)
}
