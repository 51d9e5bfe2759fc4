// What gateways tell the control plane, taken once: reports by worker and sequence, incidents by id. The only file with their tables.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { on, transact, type Connection, type Db, type Transaction } from '../platform/database.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { addQuarantine, listEndpoints, nextGeneration, type EndpointTables } from './endpoint-store.ts'
import type { GatewayIncident } from './contract/gateway-incident.ts'
import type { GatewayReport } from './gateway-report.ts'

export interface GatewayTables {
  gateway_worker: { worker: string; sequence: number; at_ms: number }
  gateway_incident: { id: string; at_ms: number; kind: string; worker: string; version: string | null; detail: string }
}

/** Numbers of workers that reported nothing for so long are forgotten: their spool is gone as well. */
const workerMemoryMs = 30 * 24 * 3_600_000

/** Applies a report's content in the transaction that notes its number. Called again when the transaction lost a race. */
export type OnReport<T> = (trx: Transaction<T>, report: GatewayReport) => Promise<void>

/** Answers false for a report that was applied before. */
export async function takeReport<T extends GatewayTables>(
  { db, onReport }: { db: Connection<T>; onReport: OnReport<T> },
  actor: Actor,
  report: GatewayReport,
): Promise<boolean> {
  return transact(db, async (trx) => {
    const isNew = await noteReport(trx as unknown as Transaction<GatewayTables>, report, actor.clock())
    if (isNew) await onReport(trx, report)
    return isNew
  })
}

async function noteReport(
  trx: Transaction<GatewayTables>,
  { worker, sequence }: GatewayReport,
  nowMs: number,
): Promise<boolean> {
  const known = await on(trx)
    .selectFrom('gateway_worker')
    .select('sequence')
    .where('worker', '=', worker)
    .executeTakeFirst()
  if (known && known.sequence >= sequence) return false
  if (!known)
    await on(trx)
      .deleteFrom('gateway_worker')
      .where('at_ms', '<', nowMs - workerMemoryMs)
      .execute()
  const change = { sequence, at_ms: nowMs }
  await on(trx)
    .insertInto('gateway_worker')
    .values({ worker, ...change })
    .onConflict((c) => c.column('worker').doUpdateSet(change))
    .execute()
  return true
}

type IncidentTables = GatewayTables & EndpointTables & AuditTables & EventTables

/**
 * Records an incident; a version that the gateway took out is out for every gateway, and the event `endpoint.version_quarantined` goes to
 * each endpoint that has it. Idempotent by id.
 */
export async function takeIncident(
  db: Connection<IncidentTables>,
  actor: Actor,
  incident: GatewayIncident,
): Promise<void> {
  await transact(db, async (trx) => {
    const { id, atMs, kind, worker, version, detail } = incident
    const { numInsertedOrUpdatedRows: rows } = await on(trx)
      .insertInto('gateway_incident')
      .values({ id, at_ms: atMs, kind, worker, version, detail })
      .onConflict((c) => c.column('id').doNothing())
      .executeTakeFirstOrThrow()
    if (Number(rows) === 0 || version === null || !incident.isQuarantined) return
    if (!(await addQuarantine(trx, { version, atMs, reason: detail }))) return
    await nextGeneration(trx)
    await recordAudit(trx, actor, { action: 'version.quarantine', subject: version, detail: { kind, worker, detail } })
    for (const endpoint of await listEndpoints(trx)) {
      const variant = endpoint.variants.find((found) => found.version === version)
      if (!variant) continue
      const payload = { endpoint: endpoint.name, version, role: variant.role, kind, sentence: detail }
      await appendEvent(trx, { type: 'endpoint.version_quarantined', subject: endpoint.name, payload, atMs })
    }
  })
}

/** Newest first. */
export async function listIncidents(
  db: Db<GatewayTables>,
  limit: number,
): Promise<Omit<GatewayIncident, 'isQuarantined'>[]> {
  const rows = await on(db).selectFrom('gateway_incident').selectAll().orderBy('at_ms', 'desc').limit(limit).execute()
  return rows.map(({ at_ms: atMs, kind, ...row }) => ({ ...row, atMs, kind: kind as GatewayIncident['kind'] }))
}
