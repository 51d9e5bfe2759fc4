// Making, finishing, tagging and deleting logged models.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { recordLineage, type LineageTables } from '../governance/lineage.ts'
import { type Db, type Transaction } from '../platform/database.ts'
import { hexId } from '../platform/ids.ts'
import { experimentDeleted } from './experiment.ts'
import { getExperiment } from './experiments.ts'
import {
  assertKeysFresh,
  assertLoggedModelName,
  assertLoggedModelTexts,
  loggedModelNotFound,
  loggedModelTagNotFound,
  type KeyValues,
  type LoggedModel,
  type LoggedModelState,
} from './logged-model.ts'
import { withinUri } from './experiment.ts'
import { randomName } from './random-name.ts'
import {
  findLoggedModel,
  insertLoggedModel,
  insertLoggedModelParams,
  putLoggedModelTags,
  readLoggedModels,
  readModelIdsOfRun,
  readParamKeys,
  removeLoggedModelTag,
  updateLoggedModel,
  type LoggedModelTables,
} from './stores/logged-model-store.ts'
import type { ExperimentTables } from './tables.ts'

export type { LoggedModelTables } from './stores/logged-model-store.ts'
export type LoggedModelWriteTables = ExperimentTables & LoggedModelTables & AuditTables & LineageTables
type Trx = Transaction<LoggedModelWriteTables>

export interface NewLoggedModel {
  readonly experimentId: number
  /** A random one by default. */
  readonly name?: string | undefined
  readonly modelType?: string | undefined
  readonly sourceRunId?: string | undefined
  readonly params?: KeyValues | undefined
  readonly tags?: KeyValues | undefined
}

/**
 * A new model is `pending`: its client uploads the files and then finishes it.
 * @throws DomainError experiment_not_found, experiment_deleted, logged_model_name, logged_model_text, logged_model_key_twice
 */
export async function createLoggedModel(trx: Trx, actor: Actor, made: NewLoggedModel): Promise<LoggedModel> {
  const { experimentId, params = [], tags = [], sourceRunId } = made
  const name = made.name ?? randomName()
  assertLoggedModelName(name)
  assertLoggedModelTexts('param', params)
  assertLoggedModelTexts('tag', tags)
  const experiment = await getExperiment(trx, experimentId)
  if (experiment.deletedAtMs !== null) throw experimentDeleted(experiment)
  assertKeysFresh('param', params, new Set())
  assertKeysFresh('tag', tags, new Set())
  const atMs = actor.clock()
  const id = `m-${hexId()}`
  await insertLoggedModel(trx, {
    id,
    experimentId,
    name,
    state: 'pending',
    artifactUri: withinUri(experiment.artifactLocation, 'models', id, 'artifacts'),
    modelType: made.modelType ?? null,
    sourceRunId: sourceRunId ?? null,
    createdAtMs: atMs,
    updatedAtMs: atMs,
    deletedAtMs: null,
  })
  await insertLoggedModelParams(trx, id, params)
  await putLoggedModelTags(trx, id, tags)
  if (sourceRunId) {
    const edge = { upstream: `run:${sourceRunId}`, downstream: `logged_model:${id}`, relation: 'produced' } as const
    await recordLineage(trx, [{ ...edge, atMs }])
  }
  await recordAudit(trx, actor, { action: 'logged_model.create', subject: `logged_model:${id}`, detail: { name } })
  return getLoggedModel(trx, id)
}

/** Deleted ones too. @throws DomainError logged_model_not_found */
export async function getLoggedModel(db: Db<LoggedModelTables>, id: string): Promise<LoggedModel> {
  const [model] = await readLoggedModels(db, [id])
  if (!model) throw loggedModelNotFound(id)
  return model
}

/** Newest first, at most `limit`: those that a run made. */
export async function loggedModelsOfRun(
  db: Db<LoggedModelTables>,
  { runId, limit }: { runId: string; limit: number },
): Promise<LoggedModel[]> {
  return readLoggedModels(db, await readModelIdsOfRun(db, runId, limit))
}

async function assertThere(trx: Transaction<LoggedModelTables>, id: string): Promise<void> {
  if (!(await findLoggedModel(trx, id))) throw loggedModelNotFound(id)
}

/** Says how the upload ended. Idempotent, in any order: a client that tries again may find itself finished. @throws DomainError logged_model_not_found */
export async function setLoggedModelState(
  trx: Transaction<LoggedModelTables>,
  actor: Actor,
  { id, state }: { id: string; state: LoggedModelState },
): Promise<LoggedModel> {
  await assertThere(trx, id)
  await updateLoggedModel(trx, id, { state, updatedAtMs: actor.clock() })
  return getLoggedModel(trx, id)
}

/** Idempotent; its files stay until they are collected. @throws DomainError logged_model_not_found */
export async function deleteLoggedModel(
  trx: Transaction<LoggedModelTables & AuditTables>,
  actor: Actor,
  id: string,
): Promise<void> {
  const model = await findLoggedModel(trx, id)
  if (!model) throw loggedModelNotFound(id)
  const atMs = actor.clock()
  await updateLoggedModel(trx, id, { deletedAtMs: model.deletedAtMs ?? atMs, updatedAtMs: atMs })
  const detail = { name: model.name }
  await recordAudit(trx, actor, { action: 'logged_model.delete', subject: `logged_model:${id}`, detail })
}

/** @throws DomainError logged_model_not_found, logged_model_text, logged_model_key_twice (a param is set once) */
export async function addLoggedModelParams(
  trx: Transaction<LoggedModelTables>,
  { id, params }: { id: string; params: KeyValues },
): Promise<void> {
  assertLoggedModelTexts('param', params)
  await assertThere(trx, id)
  assertKeysFresh('param', params, await readParamKeys(trx, id))
  await insertLoggedModelParams(trx, id, params)
}

/** The last value of a key wins. @throws DomainError logged_model_not_found, logged_model_text */
export async function setLoggedModelTags(
  trx: Transaction<LoggedModelTables>,
  { id, tags }: { id: string; tags: KeyValues },
): Promise<void> {
  assertLoggedModelTexts('tag', tags)
  await assertThere(trx, id)
  await putLoggedModelTags(trx, id, tags)
}

/** @throws DomainError logged_model_not_found, logged_model_tag_not_found */
export async function deleteLoggedModelTag(
  trx: Transaction<LoggedModelTables>,
  { id, key }: { id: string; key: string },
): Promise<void> {
  await assertThere(trx, id)
  if (!(await removeLoggedModelTag(trx, id, key))) throw loggedModelTagNotFound(id, key)
}
