// What a spec defines in the stages before: the model, its endpoint, the monitors and the watermark's lateness. In the transaction of the apply.
import type { Transaction } from '../platform/database.ts'
import type { Actor, AuditTables } from '../governance/audit.ts'
import type { LineageTables } from '../governance/lineage.ts'
import { findAlias, type AliasTables } from '../models/alias-store.ts'
import { findModel, type ModelTables } from '../models/model-store.ts'
import { parseVersion } from '../models/model-version.ts'
import type { ModelVersionTables } from '../models/model-version-store.ts'
import { moveAlias } from '../models/promotion.ts'
import { createModel } from '../models/registered-models.ts'
import { setMonitors } from '../monitoring/monitors.ts'
import type { MonitoringTables } from '../monitoring/tables.ts'
import { setAllowedLateness } from '../monitoring/watermark.ts'
import type { EventTables } from '../platform/events.ts'
import { EndpointSettings } from '../serving/endpoint.ts'
import { findEndpoint, type EndpointTables } from '../serving/endpoint-store.ts'
import { configureEndpoint, createEndpoint, setVariants } from '../serving/endpoints.ts'
import { durationMs } from './duration.ts'
import { modelName } from './training-pipeline.ts'
import type { LoopSpec } from './spec.ts'

export type DefinitionTables = ModelTables &
  ModelVersionTables &
  AliasTables &
  EndpointTables &
  MonitoringTables &
  AuditTables &
  EventTables &
  LineageTables

/** Makes what is missing and changes what differs; what is as the spec says is left alone. */
export async function defineLoop(trx: Transaction<DefinitionTables>, actor: Actor, spec: LoopSpec): Promise<void> {
  const { endpoint, monitors, clock } = spec
  const model = modelName(spec)
  if (!(await findModel(trx, model))) await createModel(trx, actor, { name: model })
  const settings = EndpointSettings.parse({ clock: clock.kind, logShare: endpoint.logShare })
  const change = { name: endpoint.name, settings }
  if (await findEndpoint(trx, endpoint.name)) await configureEndpoint(trx, actor, change)
  else await createEndpoint(trx, actor, change)
  await setMonitors(trx, actor, { endpoint: endpoint.name, monitors })
  const latenessMs = clock.kind === 'event' ? durationMs(clock.allowedLateness) : 0
  await setAllowedLateness(trx, { endpoint: endpoint.name, latenessMs })
}

/**
 * Makes a version that passed its gate the first champion: the alias, and all of the endpoint's traffic. Again: nothing.
 * @throws DomainError alias_moved (there is another champion), version_not_approved, model_version_not_found
 */
export async function putFirstChampion(
  trx: Transaction<DefinitionTables>,
  actor: Actor,
  { spec, modelVersion, reason }: { spec: LoopSpec; modelVersion: string; reason: string },
): Promise<void> {
  const { model, version } = parseVersion(modelVersion)
  const alias = { model, alias: 'champion' }
  const current = await findAlias(trx, alias)
  if (current?.version !== version) await moveAlias(trx, actor, { ...alias, version, expected: null, reason })
  const variants = [{ version: modelVersion, role: 'champion' as const, weight: 1 }]
  await setVariants(trx, actor, { endpoint: spec.endpoint.name, variants, reason })
}
