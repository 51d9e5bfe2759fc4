// Making, describing, renaming and deleting registered models.
import { recordAudit, type Actor } from '../governance/audit.ts'
import { removeLineage, renameLineage } from '../governance/lineage.ts'
import type { Transaction } from '../platform/database.ts'
import { appendEvent } from '../platform/events.ts'
import {
  findModel,
  findRetired,
  getModel,
  insertModel,
  putRetired,
  removeModel,
  removeRetired,
  updateModel,
  type ModelTables,
} from './model-store.ts'
import { isPrompt, modelExists, modelInUse, modelNameRetired, type Model } from './model.ts'
import { hasGraphs, touchVersions } from './model-version-store.ts'
import { versionNode } from './model-version.ts'
import type { RegistryTables } from './registry-tables.ts'
import { deleteModelTag, putModelTag, setModelTags } from './registry/tag-store.ts'

type Trx = Transaction<RegistryTables>

/** What of a model is in use where it may not go: asked of the stages downstream, in the transaction of the change. */
export interface ModelUses {
  /** A sentence that says what uses the model, or this version of it; undefined: nothing does. */
  findUse(trx: Trx, model: string, version?: number): Promise<string | undefined>
}

export type NewModel = Pick<Model, 'name'> & Partial<Pick<Model, 'description' | 'tags'>>

/** Event `model.created`. @throws DomainError model_exists */
export async function createModel(
  trx: Trx,
  actor: Actor,
  { name, description = '', tags = {} }: NewModel,
): Promise<Model> {
  const found = await findModel(trx, name)
  if (found) throw modelExists(found, tags)
  const atMs = actor.clock()
  const lastVersion = (await findRetired(trx, name))?.lastVersion ?? 0
  const model: Model = { name, description, tags, lastVersion, createdAtMs: atMs, updatedAtMs: atMs }
  await insertModel(trx, model)
  await recordAudit(trx, actor, { action: 'model.create', subject: name, detail: { description, tags } })
  const payload = { model: name, description, tags, prompt: isPrompt(model) }
  await appendEvent(trx, { type: 'model.created', subject: name, payload, atMs })
  return model
}

/** `tags`: these and no others. @throws DomainError model_not_found */
export async function describeModel(
  trx: Trx,
  actor: Actor,
  { name, tags, ...change }: Pick<Model, 'name'> & Partial<Pick<Model, 'description' | 'tags'>>,
): Promise<Model> {
  await getModel(trx, name)
  await updateModel(trx, name, { ...change, updatedAtMs: actor.clock() })
  if (tags) await setModelTags(trx, name, tags)
  const detail = { ...change, ...(tags ? { tags } : {}) }
  await recordAudit(trx, actor, { action: 'model.describe', subject: name, detail })
  return getModel(trx, name)
}

/**
 * Gives a model another name, with its versions, aliases, tags, gate results and lineage. Where versions of it could serve, the old name's
 * numbers are never given again, and it may have that name again itself.
 * @throws DomainError model_not_found, model_exists, model_in_use, model_name_retired
 */
export async function renameModel(
  trx: Trx,
  actor: Actor,
  { name, newName, uses }: { name: string; newName: string; uses: ModelUses },
): Promise<Model> {
  const model = await getModel(trx, name)
  const updatedAtMs = actor.clock()
  if (newName !== name) {
    const found = await findModel(trx, newName)
    if (found) throw modelExists(found, found.tags)
    const retired = await findRetired(trx, newName)
    if (retired && retired.renamedTo !== name) throw modelNameRetired(newName)
    await assertUnused(trx, uses, name)
    await renameLineage(
      trx,
      versionsOf(model).map((version) => ({
        from: versionNode({ model: name, version }),
        to: versionNode({ model: newName, version }),
      })),
    )
  }
  await updateModel(trx, name, { name: newName, updatedAtMs })
  if (newName !== name) {
    await removeRetired(trx, newName)
    if (await hasGraphs(trx, newName)) {
      await putRetired(trx, name, { lastVersion: model.lastVersion, renamedTo: newName })
    }
  }
  await touchVersions(trx, newName, updatedAtMs)
  await recordAudit(trx, actor, { action: 'model.rename', subject: name, detail: { to: newName } })
  const payload = { model: newName, from: name }
  await appendEvent(trx, { type: 'model.renamed', subject: newName, payload, atMs: updatedAtMs })
  return getModel(trx, newName)
}

/** With its versions, aliases, tags and gate results. Event `model.deleted`. @throws DomainError model_not_found, model_in_use */
export async function deleteModel(
  trx: Trx,
  actor: Actor,
  { name, uses }: { name: string; uses: ModelUses },
): Promise<void> {
  const model = await getModel(trx, name)
  await assertUnused(trx, uses, name)
  // Predictions, outcomes and caches name a version that could serve for ever. The numbers of any other name begin anew, and what the next
  // model came from must not mix with this one's.
  if (await hasGraphs(trx, name)) {
    await putRetired(trx, name, { lastVersion: model.lastVersion, renamedTo: null })
  } else if (!(await findRetired(trx, name))) {
    await removeLineage(
      trx,
      versionsOf(model).map((version) => versionNode({ model: name, version })),
    )
  }
  await removeModel(trx, name)
  const { tags, description, lastVersion } = model
  await recordAudit(trx, actor, { action: 'model.delete', subject: name, detail: { tags, description, lastVersion } })
  const payload = { model: name, lastVersion }
  await appendEvent(trx, { type: 'model.deleted', subject: name, payload, atMs: actor.clock() })
}

async function assertUnused(trx: Trx, uses: ModelUses, name: string): Promise<void> {
  const use = await uses.findUse(trx, name)
  if (use !== undefined) throw modelInUse(name, use)
}

const versionsOf = ({ lastVersion }: Model): number[] => Array.from({ length: lastVersion }, (_, at) => at + 1)

/** Event `model.tag_set`. @throws DomainError model_not_found */
export async function setModelTag(
  trx: Trx,
  actor: Actor,
  { name, key, value }: { name: string; key: string; value: string },
): Promise<void> {
  await getModel(trx, name)
  await putModelTag(trx, { model: name, key, value })
  await recordAudit(trx, actor, { action: 'model.set_tag', subject: name, detail: { key, value } })
  const payload = { model: name, key, value, prompt: await isPromptName(trx, name) }
  await appendEvent(trx, { type: 'model.tag_set', subject: name, payload, atMs: actor.clock() })
}

/** Nothing happens when there is no such tag. Event `model.tag_deleted`. @throws DomainError model_not_found */
export async function removeModelTag(
  trx: Trx,
  actor: Actor,
  { name, key }: { name: string; key: string },
): Promise<void> {
  await getModel(trx, name)
  if (!(await deleteModelTag(trx, { model: name, key }))) return
  await recordAudit(trx, actor, { action: 'model.delete_tag', subject: name, detail: { key } })
  const payload = { model: name, key, prompt: await isPromptName(trx, name) }
  await appendEvent(trx, { type: 'model.tag_deleted', subject: name, payload, atMs: actor.clock() })
}

/** @throws DomainError model_not_found */
export async function isPromptName(trx: Transaction<ModelTables>, name: string): Promise<boolean> {
  return isPrompt(await getModel(trx, name))
}
