// Aliases of registered models over MLflow's API: the same moves as the native ones, by the same rules.
import { findAlias } from '../../models/alias-store.ts'
import { getModel } from '../../models/model-store.ts'
import { getVersion, listNewestOfStages } from '../../models/model-version-store.ts'
import { moveAlias, removeAlias } from '../../models/promotion.ts'
import { transact } from '../../platform/database.ts'
import { mlflowError } from '../wire/errors.ts'
import type { Methods } from '../wire/method.ts'
import type { RegistryDeps } from './deps.ts'
import { readAlias, readModelName, readNewAlias, readVersionId } from './names.ts'
import { assertMovesAlias } from './registering.ts'
import { aliasMissing } from './source.ts'
import { versionToWire } from './version-methods.ts'

const reason = 'through MLflow’s API'

export const aliasMethods: Methods<RegistryDeps> = {
  setRegisteredModelAlias: {
    permission: 'model.register',
    handle: async ({ db }, { request, actor, caller }) => {
      readModelName(request.name)
      const alias = readNewAlias(request.alias)
      const id = readVersionId(request.name, request.version)
      await transact(db, async (trx) => {
        await getVersion(trx, id)
        await assertMovesAlias(trx, caller, { ...id, alias })
        // An MLflow client does not say where it saw the alias: wherever it is, it moves.
        const expected = (await findAlias(trx, { model: id.model, alias }))?.version ?? null
        await moveAlias(trx, actor, { ...id, alias, expected, reason })
      })
      return {}
    },
  },
  deleteRegisteredModelAlias: {
    permission: 'model.promote',
    handle: async ({ db }, { request, actor }) => {
      const id = { model: readModelName(request.name), alias: readAlias(request.alias) }
      await transact(db, async (trx) => {
        await getModel(trx, id.model)
        const found = await findAlias(trx, id)
        if (found) await removeAlias(trx, actor, { ...id, expected: found.version, reason })
      })
      return {}
    },
  },
  getModelVersionByAlias: {
    permission: 'model.read',
    handle: async ({ db }, { request }) => {
      const { name: model } = await getModel(db, readModelName(request.name))
      const alias = readAlias(request.alias)
      const id = alias.toLowerCase() === 'latest' ? await findNewest(db, model) : await findAlias(db, { model, alias })
      if (!id) throw aliasMissing(alias)
      return { model_version: await versionToWire(db, await getVersion(db, id)) }
    },
  },
}

async function findNewest(db: RegistryDeps['db'], model: string): Promise<{ model: string; version: number }> {
  const newest = await listNewestOfStages(db, [model])
  const version = Math.max(0, ...newest.map((each) => each.version))
  if (version > 0) return { model, version }
  throw mlflowError('RESOURCE_DOES_NOT_EXIST', `Latest version not found for model ${model}.`)
}
