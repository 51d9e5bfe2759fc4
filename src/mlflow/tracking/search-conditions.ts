// Filters and orders of MLflow's searches in the words of our own.
import type { RunState } from '../../experiments/run.ts'
import type { RunCondition, RunFilter, RunOrder } from '../../experiments/search.ts'
import type { ExperimentField, ExperimentFilter, ExperimentSearch } from '../../experiments/search-experiments.ts'
import { mapCondition } from '../../platform/condition.ts'
import { parseFilter, parseOrderBy, type Comparison, type Order } from '../filter/parse.ts'
import { stateOfStatus } from './entities.ts'

const operators = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  LIKE: 'like',
  ILIKE: 'ilike',
  IN: 'in',
  'NOT IN': 'not in',
  'IS NULL': 'missing',
  'IS NOT NULL': 'present',
} as const

/** The parser has refused what a target does not take, so that no `RLIKE` comes here. */
const operatorOf = ({ operator }: Comparison): RunFilter['operator'] => operators[operator as keyof typeof operators]

const runAttributes: Readonly<Record<string, string>> = {
  run_id: 'id',
  run_name: 'name',
  user_id: 'userId',
  artifact_uri: 'artifactUri',
  start_time: 'startedAtMs',
  end_time: 'endedAtMs',
  status: 'state',
}
const prefixes: Readonly<Record<string, string>> = {
  metric: 'metrics',
  param: 'params',
  tag: 'tags',
  dataset: 'datasets',
}

function fieldOf({ entity, key, aggregate }: Pick<Comparison, 'entity' | 'key' | 'aggregate'>): string {
  if (entity === 'attribute') return runAttributes[key]!
  const field = `${prefixes[entity]}.${key}`
  return aggregate ? `${aggregate}(${field})` : field
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export const runConditionOf = (filter: string | undefined): RunCondition =>
  mapCondition(parseFilter('runs', filter), (comparison): RunCondition => {
    if (comparison.entity === 'attribute' && comparison.key === 'status') return stateCondition(comparison)
    const { value } = comparison
    return { field: fieldOf(comparison), operator: operatorOf(comparison), ...(value === null ? {} : { value }) }
  })

/** Of the few states, those whose name in MLflow passes. */
function stateCondition(comparison: Comparison): RunCondition {
  const passing = Object.entries(stateOfStatus).filter(([status]) => passes(status, comparison))
  const states: RunState[] = passing.map(([, state]) => state)
  return states.length === 0 ? { any: [] } : { field: 'state', operator: 'in', value: states }
}

function passes(status: string, { operator, value }: Comparison): boolean {
  const values = [value].flat().map(String)
  if (operator === 'LIKE' || operator === 'ILIKE') return likeOf(values[0]!, operator === 'ILIKE').test(status)
  return values.includes(status) !== (operator === '!=' || operator === 'NOT IN')
}

const signs: Readonly<Record<string, string | undefined>> = { '%': '.*', _: '.' }

const likeOf = (pattern: string, ignoresCase: boolean): RegExp => {
  const source = Array.from(pattern, (sign) => signs[sign] ?? RegExp.escape(sign)).join('')
  return new RegExp(`^${source}$`, ignoresCase ? 'isv' : 'sv')
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export const runOrdersOf = (orderBy: readonly string[] | undefined): RunOrder[] =>
  parseOrderBy('runs', orderBy).map((order) => ({ field: fieldOf(order), isAscending: order.isAscending }))

const experimentAttributes: Readonly<Record<string, ExperimentField>> = {
  name: 'name',
  experiment_id: 'id',
  creation_time: 'createdAtMs',
  last_update_time: 'updatedAtMs',
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export const experimentConditionOf = (filter: string | undefined): ExperimentSearch['condition'] =>
  mapCondition(parseFilter('experiments', filter), (comparison): ExperimentFilter => {
    const operator = operatorOf(comparison)
    if (comparison.entity === 'tag') {
      const { value } = comparison
      return { of: { tag: comparison.key }, operator, ...(value === null ? {} : { value }) }
    }
    const field = experimentAttributes[comparison.key]!
    return { of: { field }, operator, value: field === 'id' ? idsOf(comparison) : comparison.value! }
  })

/** The parser has seen that they are whole numbers, in any spelling. */
function idsOf({ value }: Comparison): number | string[] {
  const numbers = [value].flat().map(Number)
  return Array.isArray(value) ? numbers.map(String) : numbers[0]!
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export const experimentOrdersOf = (orderBy: readonly string[] | undefined): ExperimentSearch['orderBy'] =>
  parseOrderBy('experiments', orderBy).map(({ key, isAscending }: Order) => ({
    field: experimentAttributes[key]!,
    isAscending,
  }))
