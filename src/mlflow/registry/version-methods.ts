// Versions of registered models over MLflow's API.
import { getLoggedModel, setLoggedModelTags } from '../../experiments/logged-models.ts'
import { assertPermitted } from '../../governance/access.ts'
import { listAliases } from '../../models/alias-store.ts'
import { isPrompt } from '../../models/model.ts'
import { findStorageLocation, getVersion } from '../../models/model-version-store.ts'
import type { ModelVersion, VersionId } from '../../models/model-version.ts'
import { registerSource } from '../../models/registration.ts'
import {
  deleteVersion,
  describeVersion,
  moveToStage,
  removeVersionTag,
  setVersionTag,
} from '../../models/version-changes.ts'
import { transact, type Db, type Transaction } from '../../platform/database.ts'
import { pythonJson } from '../../tracing/python-json.ts'
import type { AliasTables } from '../../models/alias-store.ts'
import { invalidParameter } from '../wire/errors.ts'
import type * as wire from '../generated/messages.ts'
import type { Call, Methods } from '../wire/method.ts'
import type { RegistryDeps, SourceTables } from './deps.ts'
import { sourceOf, versionOf } from './entities.ts'
import { readModelName, readStage, readTag, readTagKey, readTags, readVersionId } from './names.ts'
import { assertChanges, assertMakes, assertRegisters } from './registering.ts'
import { readPromptSource, resolveSource } from './source.ts'

const read = 'model.read' as const
const register = 'model.register' as const

/** With its aliases. */
export async function versionToWire(db: Db<AliasTables>, version: ModelVersion): Promise<wire.ModelVersion> {
  const aliases = await listAliases(db, version.model)
  return versionOf(
    version,
    aliases.filter((each) => each.version === version.version).map(({ alias }) => alias),
  )
}

async function createVersion(
  deps: RegistryDeps,
  { request, actor, caller }: Call<'createModelVersion'>,
): Promise<wire.CreateModelVersionResponse> {
  const { source = '', run_id: runId, model_id: modelId, run_link: runLink, description = '' } = request
  const written = Object.fromEntries((request.tags ?? []).map(({ key = '', value = '' }) => [key, value]))
  const resolved = isPrompt({ tags: written })
    ? { ...readPromptSource(source, deps), runId: runId || null }
    : await resolveSource(deps, { source, runId, modelId })
  assertMakes(caller, { tags: written })
  await assertRegisters(deps.db, caller, resolved)
  const model = readModelName(request.name)
  const tags = readTags(request.tags)
  const version = await transact(deps.db, async (trx) => {
    const made = await registerSource(trx, actor, { model, tags, description, runLink: runLink || null, ...resolved })
    if (resolved.modelId) await linkToLoggedModel(trx, resolved.modelId, made)
    return made
  })
  return { model_version: versionOf(version) }
}

const versionsTag = 'mlflow.modelVersions'

/** The logged model has the versions of it in a tag, where clients look for them. */
async function linkToLoggedModel(
  trx: Transaction<SourceTables>,
  id: string,
  { model: name, version }: VersionId,
): Promise<void> {
  const { tags } = await getLoggedModel(trx, id)
  const before = parseList(tags[versionsTag])
  const isThere = before.some((each) => JSON.stringify(each) === JSON.stringify({ name, version }))
  const value = pythonJson(isThere ? before : [...before, { name, version }])
  await setLoggedModelTags(trx, { id, tags: [{ key: versionsTag, value }] })
}

/** Clients may write the tag themselves: what is no list is replaced. */
function parseList(text: string | undefined): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(parsed) ? parsed : []
  } catch {
    return []
  }
}

async function moveStage(
  { db }: RegistryDeps,
  { request, actor, caller }: Call<'transitionModelVersionStage'>,
): Promise<wire.TransitionModelVersionStageResponse> {
  const { archive_existing_versions: archiveOthers = false } = request
  const stage = readStage(request.stage)
  if (archiveOthers && stage !== 'Staging' && stage !== 'Production') {
    throw invalidParameter(
      `Model version transition cannot archive existing model versions because '${request.stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
    )
  }
  const id = readVersionId(request.name, request.version)
  if (archiveOthers) assertPermitted(caller, 'model.write')
  await assertChanges(db, caller, id)
  const move = { ...id, stage, archiveOthers }
  const version = await transact(db, (trx) => moveToStage(trx, actor, move))
  return { model_version: await versionToWire(db, version) }
}

export const modelVersionMethods: Methods<RegistryDeps> = {
  createModelVersion: { permission: register, handle: createVersion },
  getModelVersion: {
    permission: read,
    handle: async ({ db }, { request }) => {
      const version = await getVersion(db, readVersionId(request.name, request.version))
      return { model_version: await versionToWire(db, version) }
    },
  },
  updateModelVersion: {
    permission: register,
    handle: async ({ db }, { request, actor, caller }) => {
      const id = readVersionId(request.name, request.version)
      await assertChanges(db, caller, id)
      const change = { ...id, description: request.description ?? null }
      const version = await transact(db, (trx) => describeVersion(trx, actor, change))
      return { model_version: await versionToWire(db, version) }
    },
  },
  transitionModelVersionStage: { permission: register, handle: moveStage },
  deleteModelVersion: {
    permission: 'model.write',
    handle: async ({ db, uses }, { request, actor }) => {
      const id = readVersionId(request.name, request.version)
      await transact(db, (trx) => deleteVersion(trx, actor, { ...id, uses }))
      return {}
    },
  },
  getModelVersionDownloadUri: {
    permission: read,
    handle: async (deps, { request }) => ({ artifact_uri: await readDownloadUri(deps, request) }),
  },
  setModelVersionTag: {
    permission: register,
    handle: async ({ db }, { request, actor, caller }) => {
      const change = { ...readVersionId(request.name, request.version), ...readTag(request) }
      await assertChanges(db, caller, change)
      await transact(db, (trx) => setVersionTag(trx, actor, change))
      return {}
    },
  },
  deleteModelVersionTag: {
    permission: register,
    handle: async ({ db }, { request, actor, caller }) => {
      const change = { ...readVersionId(request.name, request.version), key: readTagKey(request.key) }
      await assertChanges(db, caller, change)
      await transact(db, (trx) => removeVersionTag(trx, actor, change))
      return {}
    },
  },
}

/** Where the files of a version are. @throws MlflowError INVALID_PARAMETER_VALUE; DomainError model_version_not_found */
export async function readDownloadUri(
  { db }: Pick<RegistryDeps, 'db'>,
  { name, version }: { readonly name?: string | undefined; readonly version?: string | undefined },
): Promise<string> {
  const found = await getVersion(db, readVersionId(name, version))
  return (await findStorageLocation(db, found)) ?? sourceOf(found)
}
