// Registered models over MLflow's API.
import { listAliasesOf } from '../../models/alias-store.ts'
import { getModel } from '../../models/model-store.ts'
import type { Model } from '../../models/model.ts'
import { listNewestOfStages } from '../../models/model-version-store.ts'
import { VersionStage } from '../../models/model-version.ts'
import {
  createModel,
  deleteModel,
  describeModel,
  removeModelTag,
  renameModel,
  setModelTag,
} from '../../models/registered-models.ts'
import { transact } from '../../platform/database.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import type { RegistryDeps } from './deps.ts'
import { listed, modelOf, versionOf } from './entities.ts'
import { readModelName, readStage, readTag, readTagKey, readTags } from './names.ts'
import { assertMakes } from './registering.ts'

const read = 'model.read' as const
const write = 'model.write' as const

async function toWire({ db }: Pick<RegistryDeps, 'db'>, model: Model): Promise<wire.RegisteredModel> {
  const newest = await listNewestOfStages(db, [model.name])
  return modelOf(model, { newest, aliases: await listAliasesOf(db, [model.name]) })
}

async function readNewest(
  { db }: Pick<RegistryDeps, 'db'>,
  { name, stages = [] }: wire.GetLatestVersions,
): Promise<wire.GetLatestVersionsResponse> {
  const model = await getModel(db, readModelName(name))
  const wanted = new Set(stages.length === 0 ? VersionStage.options : stages.map(readStage))
  const aliases = await listAliasesOf(db, [model.name])
  const newest = (await listNewestOfStages(db, [model.name])).filter(({ stage }) => wanted.has(stage))
  return {
    model_versions: listed(
      newest.map((version) =>
        versionOf(
          version,
          aliases.filter((each) => each.version === version.version).map(({ alias }) => alias),
        ),
      ),
    ),
  }
}

export const registeredModelMethods: Methods<RegistryDeps> = {
  createRegisteredModel: {
    permission: 'model.register',
    handle: async ({ db }, { request, actor, caller }) => {
      const name = readModelName(request.name)
      const input = { name, description: request.description ?? '', tags: readTags(request.tags) }
      assertMakes(caller, input)
      const model = await transact(db, (trx) => createModel(trx, actor, input))
      return { registered_model: modelOf(model, { newest: [], aliases: [] }) }
    },
  },
  getRegisteredModel: {
    permission: read,
    handle: async (deps, { request }) => ({
      registered_model: await toWire(deps, await getModel(deps.db, readModelName(request.name))),
    }),
  },
  updateRegisteredModel: {
    permission: write,
    handle: async (deps, { request, actor }) => {
      const change = { name: readModelName(request.name), description: request.description ?? '' }
      const model = await transact(deps.db, (trx) => describeModel(trx, actor, change))
      return { registered_model: await toWire(deps, model) }
    },
  },
  renameRegisteredModel: {
    permission: write,
    handle: async (deps, { request, actor }) => {
      const newName = readModelName(request.new_name, 'new_name')
      const change = { name: readModelName(request.name), newName, uses: deps.uses }
      const model = await transact(deps.db, (trx) => renameModel(trx, actor, change))
      return { registered_model: await toWire(deps, model) }
    },
  },
  deleteRegisteredModel: {
    permission: write,
    handle: async ({ db, uses }, { request, actor }) => {
      const name = readModelName(request.name)
      await transact(db, (trx) => deleteModel(trx, actor, { name, uses }))
      return {}
    },
  },
  getLatestVersions: { permission: read, handle: (deps, { request }) => readNewest(deps, request) },
  setRegisteredModelTag: {
    permission: write,
    handle: async ({ db }, { request, actor }) => {
      const change = { name: readModelName(request.name), ...readTag(request) }
      await transact(db, (trx) => setModelTag(trx, actor, change))
      return {}
    },
  },
  deleteRegisteredModelTag: {
    permission: write,
    handle: async ({ db }, { request, actor }) => {
      const change = { name: readModelName(request.name), key: readTagKey(request.key) }
      await transact(db, (trx) => removeModelTag(trx, actor, change))
      return {}
    },
  },
}
