// Versions that hang or end their worker: counted, taken out at the second time, and told to the control plane through a spool.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../platform/clock.ts'
import type { IdSource } from '../../platform/ids.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import type { GatewayIncident } from '../contract/gateway-incident.ts'
import { foreignKillsBeforeQuarantine, killsBeforeQuarantine } from '../contract/gateway-limits.ts'
import { reportFileName } from '../worker/reports/report-spool.ts'

export interface Incidents {
  /** Versions that this gateway took out and that the configuration does not name as such yet. */
  readonly quarantined: ReadonlySet<string>
  /** Answers whether the version is taken out by this one. */
  note(incident: Pick<GatewayIncident, 'kind' | 'worker' | 'version' | 'detail'>): boolean
  /** Told once for each version, though every worker tried. */
  noteFailedLoad(version: string, message: string): void
  /** The configuration with what this gateway took out; from then on the control plane's own word counts. */
  overlay(config: GatewayConfig): GatewayConfig
}

export function createIncidents(
  deps: { directory: string; clock: Clock; ids: IdSource },
  quarantinedBefore: readonly string[],
): Incidents {
  const kills = new Map<string, number>()
  const foreignKills = new Map<string, number>()
  const quarantined = new Set(quarantinedBefore)
  let sequence = 0
  const failedLoads = new Set<string>()
  const tell = (found: Omit<GatewayIncident, 'id' | 'atMs'>): void => {
    const incident: GatewayIncident = { ...found, id: deps.ids('inc'), atMs: deps.clock() }
    spool(deps.directory, `${incident.atMs}_${++sequence}`, incident)
  }
  return {
    quarantined,
    note(found) {
      const { version } = found
      if (version === null) {
        tell({ ...found, isQuarantined: false })
        return false
      }
      const [counted, limit] =
        found.kind === 'killed' ? [foreignKills, foreignKillsBeforeQuarantine] : [kills, killsBeforeQuarantine]
      const count = (counted.get(version) ?? 0) + 1
      counted.set(version, count)
      const isQuarantined = count >= limit && !quarantined.has(version)
      if (isQuarantined) quarantined.add(version)
      tell({ ...found, isQuarantined })
      return isQuarantined
    },
    noteFailedLoad(version, message) {
      if (failedLoads.has(version)) return
      failedLoads.add(version)
      const detail = `it could not be loaded: ${message}`.slice(0, 2_000)
      tell({ kind: 'load_failed', worker: '', version, isQuarantined: false, detail })
    },
    overlay(config) {
      if (quarantined.size === 0) return config
      const variants = config.endpoints.flatMap((endpoint) => endpoint.variants)
      for (const { version, quarantined: isKnown } of variants) {
        if (!isKnown) continue
        // Told and taken: when the control plane releases it one day, it counts from nothing.
        quarantined.delete(version)
        kills.delete(version)
        foreignKills.delete(version)
      }
      const endpoints = config.endpoints.map((endpoint) => ({
        ...endpoint,
        variants: endpoint.variants.map((variant) => ({
          ...variant,
          quarantined: variant.quarantined || quarantined.has(variant.version),
        })),
      }))
      return { ...config, endpoints }
    },
  }
}

function spool(directory: string, name: string, incident: GatewayIncident): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, reportFileName(name, 1))
  writeFileSync(`${path}.part`, JSON.stringify(incident), { mode: 0o600 })
  renameSync(`${path}.part`, path)
}
