// What changes about a registered version: its words, tags, stage and state; and its end.
import { recordAudit, type Actor } from '../governance/audit.ts'
import type { Transaction } from '../platform/database.ts'
import { appendEvent } from '../platform/events.ts'
import { listAliases } from './alias-store.ts'
import { updateModel } from './model-store.ts'
import { modelInUse } from './model.ts'
import { archiveOthers, getVersion, redactVersion, updateVersion } from './model-version-store.ts'
import {
  versionText,
  type ModelVersion,
  type VersionId,
  type VersionStage,
  type VersionState,
} from './model-version.ts'
import { removeAlias } from './promotion.ts'
import { isPromptName, type ModelUses } from './registered-models.ts'
import type { RegistryTables } from './registry-tables.ts'
import { deleteVersionTag, putVersionTag, setVersionTags } from './registry/tag-store.ts'

type Trx = Transaction<RegistryTables>

/** `tags`: these and no others. @throws DomainError model_version_not_found */
export async function describeVersion(
  trx: Trx,
  actor: Actor,
  { model, version, tags, ...change }: VersionId & Partial<Pick<ModelVersion, 'description' | 'tags'>>,
): Promise<ModelVersion> {
  const id = { model, version }
  await getVersion(trx, id)
  await updateVersion(trx, id, { ...change, updatedAtMs: actor.clock() })
  if (tags) await setVersionTags(trx, id, tags)
  const detail = { ...change, ...(tags ? { tags } : {}) }
  await recordAudit(trx, actor, { action: 'model_version.describe', subject: versionText(id), detail })
  return getVersion(trx, id)
}

export interface Judgement extends VersionId {
  readonly state: VersionState
  readonly reason: string
}

/**
 * Says whether a version may serve. The actor (a person, or a policy after a gate) is recorded as who approved it. Event
 * `model.version_judged`. Nothing happens when it is in that state already.
 * @throws DomainError model_version_not_found
 */
export async function judgeVersion(trx: Trx, actor: Actor, { state, reason, ...id }: Judgement): Promise<ModelVersion> {
  const before = await getVersion(trx, id)
  if (before.state === state) return before
  const atMs = actor.clock()
  const approval =
    state === 'approved'
      ? { approvedBy: actor.name, approvedAtMs: atMs }
      : state === 'retired'
        ? {}
        : { approvedBy: null, approvedAtMs: null }
  await updateVersion(trx, id, { state, ...approval, updatedAtMs: atMs })
  const detail = { from: before.state, to: state, reason }
  await recordAudit(trx, actor, { action: 'model_version.judge', subject: versionText(id), detail })
  const payload = { ...id, ...detail, by: actor.name }
  await appendEvent(trx, { type: 'model.version_judged', subject: versionText(id), payload, atMs })
  return { ...before, state, ...approval, updatedAtMs: atMs }
}

export interface StageMove extends VersionId {
  readonly stage: VersionStage
  /** Whether the versions that stand there go to Archived. */
  readonly archiveOthers: boolean
}

/** Moves a version to a stage of MLflow's registry, which serves nothing by itself. @throws DomainError model_version_not_found */
export async function moveToStage(trx: Trx, actor: Actor, move: StageMove): Promise<ModelVersion> {
  const { model, version, stage } = move
  const id = { model, version }
  const before = await getVersion(trx, id)
  const updatedAtMs = actor.clock()
  const archived = move.archiveOthers ? await archiveOthers(trx, { ...id, stage }, updatedAtMs) : []
  await updateVersion(trx, id, { stage, updatedAtMs })
  await updateModel(trx, model, { updatedAtMs })
  const detail = { from: before.stage, to: stage, archived }
  await recordAudit(trx, actor, { action: 'model_version.move_to_stage', subject: versionText(id), detail })
  return { ...before, stage, updatedAtMs }
}

/**
 * The version is found no more, its whereabouts and its aliases are gone; its number is never given again. Event `model.version_deleted`.
 * @throws DomainError model_version_not_found, model_in_use
 */
export async function deleteVersion(
  trx: Trx,
  actor: Actor,
  { model, version, uses }: VersionId & { uses: ModelUses },
): Promise<void> {
  const id = { model, version }
  const found = await getVersion(trx, id)
  const use = await uses.findUse(trx, model, version)
  if (use !== undefined) throw modelInUse(versionText(id), use)
  for (const { alias, version: at } of await listAliases(trx, model)) {
    if (at !== version) continue
    await removeAlias(trx, actor, { model, alias, expected: version, reason: 'the version was deleted' })
  }
  const atMs = actor.clock()
  await redactVersion(trx, id, atMs)
  await updateModel(trx, model, { updatedAtMs: atMs })
  const { source, runId, description, digest } = found
  const detail = { source, runId, description, digest }
  await recordAudit(trx, actor, { action: 'model_version.delete', subject: versionText(id), detail })
  await appendEvent(trx, { type: 'model.version_deleted', subject: versionText(id), payload: id, atMs })
}

/** Event `model_version.tag_set`. @throws DomainError model_version_not_found */
export async function setVersionTag(
  trx: Trx,
  actor: Actor,
  { model, version, key, value }: VersionId & { key: string; value: string },
): Promise<void> {
  const id = { model, version }
  await getVersion(trx, id)
  await putVersionTag(trx, { ...id, key, value })
  const subject = versionText(id)
  await recordAudit(trx, actor, { action: 'model_version.set_tag', subject, detail: { key, value } })
  const payload = { ...id, key, value, prompt: await isPromptName(trx, model) }
  await appendEvent(trx, { type: 'model_version.tag_set', subject, payload, atMs: actor.clock() })
}

/** Nothing happens when there is no such tag. Event `model_version.tag_deleted`. @throws DomainError model_version_not_found */
export async function removeVersionTag(
  trx: Trx,
  actor: Actor,
  { model, version, key }: VersionId & { key: string },
): Promise<void> {
  const id = { model, version }
  await getVersion(trx, id)
  if (!(await deleteVersionTag(trx, { ...id, key }))) return
  const subject = versionText(id)
  await recordAudit(trx, actor, { action: 'model_version.delete_tag', subject, detail: { key } })
  const payload = { ...id, key, prompt: await isPromptName(trx, model) }
  await appendEvent(trx, { type: 'model_version.tag_deleted', subject, payload, atMs: actor.clock() })
}
