// Scaling and restarting the gateways of a home: the row that they poll with their configuration, and the record of it.
import { recordAudit, type Actor, type AuditTables } from '../../governance/audit.ts'
import type { Transaction } from '../../platform/database.ts'
import { nextGeneration, type EndpointTables } from '../endpoint-store.ts'
import { assertWorkers, type GatewayFleet } from '../gateway-fleet.ts'
import { findFleet, putFleet, type FleetTables } from './gateway-fleet-store.ts'

export type FleetTrx = Transaction<FleetTables & EndpointTables & AuditTables>

const subject = 'gateway'

/**
 * Gateways follow within a second: those too many answer what they have and end. Null: back to their own setting. Changes nothing, and
 * writes nothing down, when it is so. @throws DomainError gateway_workers_invalid
 */
export async function scaleFleet(
  trx: FleetTrx,
  actor: Actor,
  { workers, cores, reason }: { workers: number | null; cores: number; reason: string },
): Promise<GatewayFleet> {
  assertWorkers(workers, cores)
  const before = await findFleet(trx)
  if (before.workers === workers) return before
  const fleet = { ...before, workers }
  await nextGeneration(trx)
  await putFleet(trx, fleet)
  const detail = { from: before.workers, to: workers, reason }
  await recordAudit(trx, actor, { action: 'gateway.scale', subject, detail })
  return fleet
}

/** Every worker is replaced by a new one, one after the other. */
export async function restartFleet(trx: FleetTrx, actor: Actor, { reason }: { reason: string }): Promise<GatewayFleet> {
  const before = await findFleet(trx)
  const fleet = { ...before, restarts: before.restarts + 1 }
  await nextGeneration(trx)
  await putFleet(trx, fleet)
  await recordAudit(trx, actor, { action: 'gateway.restart', subject, detail: { reason } })
  return fleet
}
