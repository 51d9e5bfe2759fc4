// MLflow's search of logged models.
import {
  searchLoggedModels,
  type LoggedModelAttribute,
  type LoggedModelComparison,
  type LoggedModelOrder,
  type LoggedModelSearchDeps,
  type MeasuredOn,
} from '../../experiments/logged-model-search.ts'
import { mapCondition, type Condition } from '../../platform/condition.ts'
import { invalidParameter } from '../wire/errors.ts'
import { parseFilter, type Comparison } from '../filter/parse.ts'
import type { SearchLoggedModels, SearchLoggedModelsDataset, SearchLoggedModelsOrderBy } from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { loggedModelOf } from './entities.ts'
import { readToken, tokenOf } from './page-token.ts'

const pageDefault = 100

export const loggedModelSearchMethods: Methods<LoggedModelSearchDeps> = {
  searchLoggedModels: {
    permission: 'run.read',
    async handle(deps, { request }) {
      const { filter, page_token: token, max_results: max } = request
      const datasets = request.datasets?.map(datasetOf)
      const sought = {
        experimentIds: request.experiment_ids ?? [],
        filter: filter || null,
        orderBy: request.order_by?.length ? request.order_by.map(orderFields) : null,
      }
      const after = token ? readToken(token, sought) : undefined
      const { models, next } = await searchLoggedModels(deps, {
        condition: conditionOf(filter),
        datasets,
        experimentIds: sought.experimentIds.map(experimentIdOf),
        orderBy: request.order_by?.map(orderOf),
        limit: limitOf(max),
        after,
      })
      return {
        ...(models.length > 0 ? { models: models.map(loggedModelOf) } : {}),
        ...(next ? { next_page_token: tokenOf(next, sought) } : {}),
      }
    },
  },
}

function limitOf(max: SearchLoggedModels['max_results']): number {
  if (max === undefined || max === 0) return pageDefault
  if (max > 0) return max
  throw invalidParameter(`Invalid value ${max} for parameter 'max_results' supplied. It must be a positive integer`)
}

function datasetOf({ dataset_name: name, dataset_digest: digest }: SearchLoggedModelsDataset): MeasuredOn {
  if (!name) throw invalidParameter('`dataset_name` in the `datasets` clause must be specified.')
  return { name, digest: digest || undefined }
}

const attributes: Readonly<Record<string, LoggedModelAttribute | undefined>> = Object.assign(Object.create(null), {
  model_id: 'id',
  experiment_id: 'experimentId',
  name: 'name',
  artifact_location: 'artifactUri',
  status: 'state',
  model_type: 'modelType',
  source_run_id: 'sourceRunId',
  creation_timestamp_ms: 'createdAtMs',
  last_updated_timestamp_ms: 'updatedAtMs',
  creation_time: 'createdAtMs',
  creation_timestamp: 'createdAtMs',
  last_updated_timestamp: 'updatedAtMs',
})

function conditionOf(filter: string | undefined): Condition<LoggedModelComparison> | undefined {
  return filter ? mapCondition(parseFilter('loggedModels', filter), comparisonOf) : undefined
}

function comparisonOf({ entity, key, operator, value }: Comparison): LoggedModelComparison {
  if (entity !== 'attribute' && entity !== 'metric' && entity !== 'param' && entity !== 'tag') {
    throw new Error(`a filter of logged models has no ${entity}`)
  }
  const attribute = entity === 'attribute' ? attributes[key] : key
  if (attribute === undefined) throw invalidParameter(`Invalid attribute key '${key}' of a logged model`)
  const compared = { operator: operator as LoggedModelComparison['operator'], value: value ?? '' }
  if (entity === 'attribute' && key === 'status')
    return { ...compared, entity, key: attribute, value: statesOf(compared.value) }
  return { ...compared, entity, key: attribute }
}

/** MLflow's server compares its inner numbers; here the names do, with or without `LOGGED_MODEL_`. */
function statesOf(value: LoggedModelComparison['value']): string | string[] {
  const numbers = ['unspecified', 'pending', 'ready', 'upload_failed']
  const stateOf = (text: string): string =>
    numbers[Number(text)] ?? text.toLowerCase().replace('logged_model_', '').replace('status_', '')
  return typeof value === 'object' ? value.map(stateOf) : stateOf(String(value))
}

function orderOf(order: SearchLoggedModelsOrderBy): LoggedModelOrder {
  const { field_name: field = '', ascending: isAscending = true, dataset_name: name, dataset_digest: digest } = order
  const point = field.indexOf('.')
  if (point < 0) {
    const attribute = attributes[field]
    if (attribute === undefined) throw invalidParameter(`Invalid order by field name: ${field}`)
    return { by: { attribute }, isAscending }
  }
  if (field.slice(0, point) !== 'metrics') {
    throw invalidParameter(`Invalid order by field name: ${field}. Only metrics are supported.`)
  }
  const metric = field.slice(point + 1)
  return { by: name ? { metric, on: { name, digest: digest || undefined } } : { metric }, isAscending }
}

/** As a page token holds them. */
const orderFields = (order: SearchLoggedModelsOrderBy) => ({
  field_name: order.field_name ?? '',
  ascending: order.ascending ?? true,
  dataset_name: order.dataset_name || null,
  dataset_digest: order.dataset_digest || null,
})
