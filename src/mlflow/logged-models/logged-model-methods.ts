// MLflow's methods of logged models, but for their search and their files.
import type { LoggedModel } from '../../experiments/logged-model.ts'
import {
  addLoggedModelParams,
  createLoggedModel,
  deleteLoggedModel,
  deleteLoggedModelTag,
  getLoggedModel,
  setLoggedModelState,
  setLoggedModelTags,
  type LoggedModelWriteTables,
} from '../../experiments/logged-models.ts'
import { loggedModelNotFound, type KeyValues } from '../../experiments/logged-model.ts'
import { assertWritesIn } from '../../experiments/write-scope.ts'
import type { Caller } from '../../governance/access.ts'
import { transact, type Connection } from '../../platform/database.ts'
import type { LoggedModelTag } from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { loggedModelOf, stateOfStatus } from './entities.ts'

export interface LoggedModelDeps {
  readonly db: Connection<LoggedModelWriteTables>
}

const read = 'run.read' as const
const write = 'run.write' as const

const pairsOf = (texts: readonly LoggedModelTag[] = []): KeyValues =>
  texts.map(({ key = '', value = '' }) => ({ key, value }))

/** A token that is bound to a run writes models of its experiment only. @throws DomainError run_scope, logged_model_not_found */
async function assertWrites({ db }: LoggedModelDeps, caller: Caller, id: string): Promise<void> {
  if (caller.scope === undefined) return
  await assertWritesIn(db, caller, (await getLoggedModel(db, id)).experimentId)
}

export const loggedModelMethods: Methods<LoggedModelDeps> = {
  createLoggedModel: {
    permission: write,
    async handle({ db }, { request, actor, caller }) {
      const experimentId = experimentIdOf(request.experiment_id ?? '')
      await assertWritesIn(db, caller, experimentId)
      const made = {
        experimentId,
        name: request.name || undefined,
        modelType: request.model_type || undefined,
        sourceRunId: request.source_run_id || undefined,
        params: pairsOf(request.params),
        tags: pairsOf(request.tags),
      }
      return { model: loggedModelOf(await transact(db, (trx) => createLoggedModel(trx, actor, made))) }
    },
  },
  getLoggedModel: {
    permission: read,
    async handle({ db }, { request, http }) {
      const model = await getLoggedModel(db, request.model_id ?? '')
      if (model.deletedAtMs !== null && !allowsDeleted(http.query)) throw loggedModelNotFound(model.id)
      return { model: loggedModelOf(model) }
    },
  },
  finalizeLoggedModel: {
    permission: write,
    async handle(deps, { request, actor, caller }) {
      const { model_id: id = '', status = 'LOGGED_MODEL_STATUS_UNSPECIFIED' } = request
      await assertWrites(deps, caller, id)
      const finished = (): Promise<LoggedModel> =>
        transact(deps.db, (trx) => setLoggedModelState(trx, actor, { id, state: stateOfStatus[status] }))
      return { model: loggedModelOf(await finished()) }
    },
  },
  deleteLoggedModel: {
    permission: write,
    async handle(deps, { request, actor, caller }) {
      const { model_id: id = '' } = request
      await assertWrites(deps, caller, id)
      await transact(deps.db, (trx) => deleteLoggedModel(trx, actor, id))
      return {}
    },
  },
  setLoggedModelTags: {
    permission: write,
    async handle(deps, { request, caller }) {
      const { model_id: id = '', tags } = request
      await assertWrites(deps, caller, id)
      await transact(deps.db, (trx) => setLoggedModelTags(trx, { id, tags: pairsOf(tags) }))
      return {}
    },
  },
  deleteLoggedModelTag: {
    permission: write,
    async handle(deps, { request, caller }) {
      const { model_id: id = '', tag_key: key = '' } = request
      await assertWrites(deps, caller, id)
      await transact(deps.db, (trx) => deleteLoggedModelTag(trx, { id, key }))
      return {}
    },
  },
  logLoggedModelParams: {
    permission: write,
    async handle(deps, { request, caller }) {
      const { model_id: id = '', params } = request
      await assertWrites(deps, caller, id)
      await transact(deps.db, (trx) => addLoggedModelParams(trx, { id, params: pairsOf(params) }))
      return {}
    },
  },
}

/** A field of the query that the message does not have. */
const allowsDeleted = (query: unknown): boolean =>
  String((query as Record<string, unknown>)['allow_deleted']).toLowerCase() === 'true'
