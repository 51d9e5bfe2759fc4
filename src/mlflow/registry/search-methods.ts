// Searching registered models and versions over MLflow's API.
import { listAliasesOf } from '../../models/alias-store.ts'
import { promptTag } from '../../models/model.ts'
import { listNewestOfStages } from '../../models/model-version-store.ts'
import {
  searchModels,
  searchVersions,
  type ModelSearch,
  type RegistryComparison,
  type RegistryPlace,
  type VersionSearch,
} from '../../models/registry-search.ts'
import { leavesOf, mapCondition, type Condition } from '../../platform/condition.ts'
import { invalidParameter } from '../wire/errors.ts'
import { parseFilter, parseOrderBy, type Comparison, type Filter } from '../filter/parse.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import type { RegistryDeps } from './deps.ts'
import { listed, modelOf, versionOf } from './entities.ts'

const modelsDefault = 100
const modelsMax = 1_000
const versionsDefault = 10_000
const versionsMax = 200_000

const read = 'model.read' as const

export const registrySearchMethods: Methods<RegistryDeps> = {
  searchRegisteredModels: { permission: read, handle: (deps, { request }) => findModels(deps, request) },
  searchModelVersions: { permission: read, handle: (deps, { request }) => findVersions(deps, request) },
}

async function findModels(
  deps: RegistryDeps,
  { filter: text, max_results: asked, order_by: orderBy, page_token: token }: wire.SearchRegisteredModels,
): Promise<wire.SearchRegisteredModelsResponse> {
  const limit = Number(asked ?? modelsDefault)
  if (limit > modelsMax) throw tooMany(modelsMax, limit)
  const keys = { name: 'name', last_updated_timestamp: 'updatedAtMs' } as const
  const search: ModelSearch = {
    ...filterOf(parseFilter('registeredModels', text)),
    orderBy: parseOrderBy('registeredModels', orderBy).map(({ key, isAscending }) => ({
      by: keys[key as keyof typeof keys],
      isAscending,
    })),
    limit: Math.max(0, limit),
    ...placeOf(token, 'models'),
  }
  const { models, next } = await searchModels(deps, search)
  const names = models.map(({ name }) => name)
  const newest = Map.groupBy(await listNewestOfStages(deps.db, names), ({ model }) => model)
  const aliases = Map.groupBy(await listAliasesOf(deps.db, names), ({ model }) => model)
  return {
    registered_models: listed(
      models.map((model) =>
        modelOf(model, {
          // Here MLflow's server has them by stage.
          newest: (newest.get(model.name) ?? []).toSorted((a, b) => (a.stage < b.stage ? -1 : 1)),
          aliases: aliases.get(model.name) ?? [],
        }),
      ),
    ),
    ...tokenOf(next, 'models'),
  }
}

async function findVersions(
  deps: RegistryDeps,
  { filter: text, max_results: asked, order_by: orderBy, page_token: token }: wire.SearchModelVersions,
): Promise<wire.SearchModelVersionsResponse> {
  const limit = Number(asked ?? versionsDefault)
  if (limit < 1) {
    throw invalidParameter(`Invalid value for max_results. It must be a positive integer, but got ${limit}`)
  }
  if (limit > versionsMax) throw tooMany(versionsMax, limit)
  const keys = {
    name: 'name',
    version_number: 'version',
    creation_timestamp: 'createdAtMs',
    last_updated_timestamp: 'updatedAtMs',
  } as const
  const search: VersionSearch = {
    ...filterOf(parseFilter('modelVersions', text)),
    orderBy: parseOrderBy('modelVersions', orderBy).map(({ key, isAscending }) => ({
      by: keys[key as keyof typeof keys],
      isAscending,
    })),
    limit,
    ...placeOf(token, 'versions'),
  }
  const { versions, next } = await searchVersions(deps, search)
  return { model_versions: listed(versions.map((version) => versionOf(version))), ...tokenOf(next, 'versions') }
}

const tooMany = (max: number, asked: number): Error =>
  invalidParameter(`Invalid value for request parameter max_results. It must be at most ${max}, but got value ${asked}`)

/** A filter that asks for prompts finds them; in any other, what it says of the tag that marks them is left out, and they are too. */
function filterOf(filter: Filter): { condition: Condition<RegistryComparison>; withPrompts: boolean } {
  const isOfPrompts = ({ entity, key }: Comparison): boolean => entity === 'tag' && key === promptTag
  const withPrompts = leavesOf(filter).filter(isOfPrompts).some(asksForPrompts)
  const condition = mapCondition(filter, (comparison): Condition<RegistryComparison> =>
    isOfPrompts(comparison) && !withPrompts ? { all: [] } : comparisonOf(comparison),
  )
  return { condition, withPrompts }
}

const asksForPrompts = ({ operator, value }: Comparison): boolean => {
  const text = String(value).toLowerCase()
  return (operator === '=' && text === 'true') || (operator === '!=' && text === 'false')
}

const fields = { name: 'name', run_id: 'runId', source_path: 'source', version_number: 'version' } as const

function comparisonOf({ entity, key, operator, value }: Comparison): RegistryComparison {
  if (value === null) throw invalidParameter(`${operator} is not supported for '${key}'`)
  if (entity === 'tag') {
    if (operator.endsWith('IN')) throw invalidParameter(`Invalid comparator for tag: ${operator}`)
    return { tag: key, operator, value }
  }
  return { field: fields[key as keyof typeof fields], operator, value }
}

type Kind = 'models' | 'versions'

const tokenOf = (next: RegistryPlace | undefined, kind: Kind): { next_page_token?: string } =>
  next ? { next_page_token: Buffer.from(JSON.stringify([kind, ...next])).toString('base64url') } : {}

/** @throws MlflowError INVALID_PARAMETER_VALUE for a token that no page of this search has given */
function placeOf(token: string | undefined, kind: Kind): { after?: RegistryPlace } {
  if (token === undefined || token === '') return {}
  const parsed = parseJson(Buffer.from(token, 'base64url').toString())
  const [of, ...values]: unknown[] = Array.isArray(parsed) ? parsed : []
  const isPlace = values.every((value) => typeof value === 'string' || Number.isSafeInteger(value))
  if (of !== kind || values.length === 0 || !isPlace) throw invalidParameter(`Invalid page token: ${token}`)
  return { after: values as (string | number)[] }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // No token either way.
  }
}
