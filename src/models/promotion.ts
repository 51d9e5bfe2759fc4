// Moving an alias: the one way a version starts or stops serving. A rollback is the same move, backwards.
import { recordAudit, type Actor } from '../governance/audit.ts'
import { recordLineage } from '../governance/lineage.ts'
import { within, type Db, type Transaction } from '../platform/database.ts'
import { appendEvent } from '../platform/events.ts'
import { deleteAlias, findAlias, putAlias } from './alias-store.ts'
import { aliasNotFound, assertStillAt, type Alias, type AliasId } from './alias.ts'
import { isPromptName } from './registered-models.ts'
import { getVersion, hasGraphs } from './model-version-store.ts'
import { assertMayServe, servingAliases, versionNode, type ModelVersion } from './model-version.ts'
import type { RegistryTables } from './registry-tables.ts'

export type PromotionTables = RegistryTables

/** `expected` is the version the caller saw there (null: none), so that two movers cannot overtake each other. */
export type AliasMove = AliasId & { version: number; expected: number | null; reason: string }

/**
 * Points an alias at a version and records who did it and why: audit, event `alias.moved`, lineage. In the caller's transaction when it is
 * given one, else in its own.
 * @throws DomainError alias_moved, model_version_not_found, version_without_graph, version_not_approved
 */
export async function moveAlias(db: Db<PromotionTables>, actor: Actor, move: AliasMove): Promise<Alias> {
  return within(db, async (trx) => {
    const { model, alias, version, expected, reason } = move
    const found = await getVersion(trx, move)
    if (servingAliases.has(alias)) await assertMayTake(trx, found, alias)
    assertStillAt(move, expected, await findAlias(trx, move))
    const moved = { model, alias, version, setAtMs: actor.clock() }
    await putAlias(trx, moved)
    await recordMove(trx, actor, { model, alias, from: expected, to: version, reason, servable: found.digest !== null })
    const deployment = `deployment:${model}@${alias}` as const
    const edge = { upstream: versionNode(move), downstream: deployment, relation: 'deployed_as', atMs: moved.setAtMs }
    await recordLineage(trx, [edge])
    return moved
  })
}

/** Of a model that never had a graph, `champion` and `challenger` are names like any other: nothing can serve what they name. */
async function assertMayTake(trx: Transaction<PromotionTables>, version: ModelVersion, alias: string): Promise<void> {
  if (version.digest === null && !(await hasGraphs(trx, version.model))) return
  assertMayServe(version, alias)
}

/**
 * Takes an alias away; recorded as a move to nothing.
 * @throws DomainError alias_not_found, alias_moved
 */
export async function removeAlias(
  db: Db<PromotionTables>,
  actor: Actor,
  removal: AliasId & { expected: number; reason: string },
): Promise<void> {
  await within(db, async (trx) => {
    const { model, alias, expected, reason } = removal
    const current = await findAlias(trx, removal)
    if (!current) throw aliasNotFound(removal)
    assertStillAt(removal, expected, current)
    await deleteAlias(trx, removal)
    await recordMove(trx, actor, { model, alias, from: expected, to: null, reason, servable: false })
  })
}

/** Payload of the event `alias.moved`. */
export interface AliasMoved {
  readonly model: string
  readonly alias: string
  readonly from: number | null
  readonly to: number | null
  readonly reason: string
  /** Whether the version that it is at now has a graph. */
  readonly servable: boolean
}

async function recordMove(trx: Transaction<PromotionTables>, actor: Actor, moved: AliasMoved): Promise<void> {
  const subject = `${moved.model}@${moved.alias}`
  await recordAudit(trx, actor, {
    action: moved.to === null ? 'alias.remove' : 'alias.move',
    subject,
    detail: { from: moved.from, to: moved.to, reason: moved.reason },
  })
  const payload = { ...moved, prompt: await isPromptName(trx, moved.model) }
  await appendEvent(trx, { type: 'alias.moved', subject, payload, atMs: actor.clock() })
}
