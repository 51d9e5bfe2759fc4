// Making endpoints and moving traffic: the one way by which a version starts or stops answering. A rollback is the same move, backwards.
import { isDeepStrictEqual } from 'node:util'
import type { Transaction } from '../platform/database.ts'
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { recordLineage, type LineageTables } from '../governance/lineage.ts'
import { assertMayServe, parseVersion, versionNode } from '../models/model-version.ts'
import { getVersion, type ModelVersionTables } from '../models/model-version-store.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import {
  assertVariants,
  deploymentNode,
  endpointNotFound,
  sortVariants,
  type Endpoint,
  type EndpointSettings,
  type EndpointStop,
  type EndpointVariant,
} from './endpoint.ts'
import {
  findEndpoint,
  nextGeneration,
  putDeployment,
  putEndpoint,
  putStop,
  removeEndpoint,
  removeQuarantine,
  type EndpointTables,
} from './endpoint-store.ts'

export type ServingTrx = Transaction<EndpointTables & ModelVersionTables & AuditTables & EventTables & LineageTables>

/** @throws DomainError endpoint_not_found */
export async function getEndpoint(trx: Transaction<EndpointTables>, name: string): Promise<Endpoint> {
  const endpoint = await findEndpoint(trx, name)
  if (!endpoint) throw endpointNotFound(name)
  return endpoint
}

/** An endpoint without variants: it answers 503 until it has a champion. @throws DomainError endpoint_exists */
export async function createEndpoint(
  trx: ServingTrx,
  actor: Actor,
  { name, settings }: { name: string; settings: EndpointSettings },
): Promise<Endpoint> {
  if (await findEndpoint(trx, name)) {
    throw new DomainError('conflict', 'endpoint_exists', `there is an endpoint "${name}" already`)
  }
  const generation = await nextGeneration(trx)
  const made = { generation, splitSalt: actor.ids('spl'), createdAtMs: actor.clock() }
  await putEndpoint(trx, { name, settings, ...made })
  await recordAudit(trx, actor, { action: 'endpoint.create', subject: name, detail: settings })
  await appendEvent(trx, {
    type: 'endpoint.created',
    subject: name,
    payload: { endpoint: name, ...settings },
    atMs: actor.clock(),
  })
  return { name, ...settings, ...made, variants: [], stopped: null }
}

/** Changes nothing, and writes nothing down, when the settings are those. @throws DomainError endpoint_not_found */
export async function configureEndpoint(
  trx: ServingTrx,
  actor: Actor,
  { name, settings }: { name: string; settings: EndpointSettings },
): Promise<Endpoint> {
  const endpoint = await getEndpoint(trx, name)
  const { clock, logShare, queueRowsMax, options } = endpoint
  const before = { clock, logShare, queueRowsMax, options }
  if (isDeepStrictEqual(before, settings)) return endpoint
  const generation = await nextGeneration(trx)
  const { splitSalt, createdAtMs } = endpoint
  await putEndpoint(trx, { name, settings, generation, splitSalt, createdAtMs })
  const detail = { from: before, to: settings }
  await recordAudit(trx, actor, { action: 'endpoint.configure', subject: name, detail })
  return { ...endpoint, ...settings, generation }
}

/**
 * The kill switch: the gateways refuse every caller with the reason until {@link startEndpoint}. Variants, rollouts and loops stay as they are,
 * and none of them undoes it. One that is stopped keeps the reason it was stopped with.
 * @throws DomainError endpoint_not_found
 */
export async function stopEndpoint(
  trx: ServingTrx,
  actor: Actor,
  { name, reason }: { name: string; reason: string },
): Promise<Endpoint> {
  const endpoint = await getEndpoint(trx, name)
  if (endpoint.stopped) return endpoint
  const stop = { atMs: actor.clock(), actor: actor.name, reason }
  return switchEndpoint(trx, actor, { endpoint, stop, reason })
}

/** Undoes {@link stopEndpoint}; changes nothing when the endpoint answers. @throws DomainError endpoint_not_found */
export async function startEndpoint(
  trx: ServingTrx,
  actor: Actor,
  { name, reason }: { name: string; reason: string },
): Promise<Endpoint> {
  const endpoint = await getEndpoint(trx, name)
  if (!endpoint.stopped) return endpoint
  return switchEndpoint(trx, actor, { endpoint, stop: null, reason })
}

async function switchEndpoint(
  trx: ServingTrx,
  actor: Actor,
  { endpoint, stop, reason }: { endpoint: Endpoint; stop: EndpointStop | null; reason: string },
): Promise<Endpoint> {
  const { name } = endpoint
  const generation = await nextGeneration(trx)
  await putStop(trx, { name, generation, stop })
  await recordAudit(trx, actor, {
    action: stop ? 'endpoint.stop' : 'endpoint.start',
    subject: name,
    detail: { reason },
  })
  const type = stop ? 'endpoint.stopped' : 'endpoint.started'
  const payload = { endpoint: name, reason, actor: actor.name }
  await appendEvent(trx, { type, subject: name, payload, atMs: actor.clock() })
  return { ...endpoint, generation, stopped: stop }
}

/** @throws DomainError endpoint_not_found */
export async function deleteEndpoint(trx: ServingTrx, actor: Actor, name: string): Promise<void> {
  const { variants } = await getEndpoint(trx, name)
  await nextGeneration(trx)
  await removeEndpoint(trx, name)
  await recordAudit(trx, actor, { action: 'endpoint.delete', subject: name, detail: { variants } })
  await appendEvent(trx, { type: 'endpoint.deleted', subject: name, payload: { endpoint: name }, atMs: actor.clock() })
}

export interface VariantsChange {
  readonly endpoint: string
  readonly variants: readonly EndpointVariant[]
  readonly reason: string
  /** The endpoint's generation that the caller saw, so that two movers cannot overtake each other; absent: whatever it is. */
  readonly expected?: number | undefined
}

/**
 * Sets what answers behind an endpoint, all at once: tables, audit event, lineage and the event `endpoint.variants_changed`. Gateways learn
 * of it within a second. Changes nothing when the variants are those.
 * @throws DomainError endpoint_not_found, variants_invalid, endpoint_moved, model_version_not_found, version_not_approved
 */
export async function setVariants(trx: ServingTrx, actor: Actor, change: VariantsChange): Promise<Endpoint> {
  assertVariants(change.variants)
  const endpoint = await getEndpoint(trx, change.endpoint)
  assertStillAt(endpoint, change.expected)
  const variants = sortVariants(change.variants.map(({ version, role, weight }) => ({ version, role, weight })))
  const before = endpoint.variants.map(({ version, role, weight }) => ({ version, role, weight }))
  if (JSON.stringify(before) === JSON.stringify(variants)) return endpoint
  await assertNewMayServe(trx, endpoint, variants)
  const { name, createdAtMs } = endpoint
  const atMs = actor.clock()
  const generation = await nextGeneration(trx)
  // Other callers are drawn for each new canary, and the same ones while it ramps.
  const splitSalt = beginsCanary(endpoint, variants) ? actor.ids('spl') : endpoint.splitSalt
  await putEndpoint(trx, { name, settings: endpoint, generation, splitSalt, createdAtMs })
  await putDeployment(trx, { endpoint: name, generation, atMs, actor: actor.name, reason: change.reason, variants })
  const detail = { from: before, to: variants, reason: change.reason }
  await recordAudit(trx, actor, { action: 'endpoint.set_variants', subject: name, detail })
  const downstream = deploymentNode(name, generation)
  await recordLineage(
    trx,
    variants.map(({ version }) => ({
      upstream: versionNode(parseVersion(version)),
      downstream,
      relation: 'deployed_as',
      atMs,
    })),
  )
  const payload = { endpoint: name, generation, variants, previous: before, reason: change.reason, actor: actor.name }
  await appendEvent(trx, { type: 'endpoint.variants_changed', subject: name, payload, atMs })
  return (await findEndpoint(trx, name))!
}

function assertStillAt({ name, generation }: Endpoint, expected: number | undefined): void {
  if (expected === undefined || expected === generation) return
  const message = `endpoint "${name}" is at generation ${generation}, not at ${expected}: look again, then decide`
  throw new DomainError('conflict', 'endpoint_moved', message)
}

/** A version that answers already may go on, whatever became of its approval: taking it out is a decision of its own. */
async function assertNewMayServe(
  trx: Transaction<ModelVersionTables>,
  endpoint: Endpoint,
  variants: readonly EndpointVariant[],
): Promise<void> {
  for (const { version, role } of variants) {
    if (endpoint.variants.some((found) => found.version === version)) continue
    assertMayServe(await getVersion(trx, parseVersion(version)), role === 'champion' ? 'champion' : 'challenger')
  }
}

function beginsCanary(endpoint: Endpoint, variants: readonly EndpointVariant[]): boolean {
  const before = new Set(endpoint.variants.flatMap(({ version, role }) => (role === 'canary' ? [version] : [])))
  return variants.some(({ version, role }) => role === 'canary' && !before.has(version))
}

/** Lets a version that was taken out serve again. @throws DomainError version_not_quarantined */
export async function releaseQuarantine(
  trx: ServingTrx,
  actor: Actor,
  { version, reason }: { version: string; reason: string },
): Promise<void> {
  if (!(await removeQuarantine(trx, version))) {
    throw new DomainError('not_found', 'version_not_quarantined', `${version} is not quarantined`)
  }
  await nextGeneration(trx)
  await recordAudit(trx, actor, { action: 'version.release_quarantine', subject: version, detail: { reason } })
}
