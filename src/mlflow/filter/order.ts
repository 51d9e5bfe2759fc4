// The order_by of every search: one name each, with ASC or DESC.
import { invalidParameter } from '../wire/errors.ts'
import type { Aggregate, Order, Target } from './comparison.ts'
import { rulesOf } from './fields.ts'
import { readName, type NameRules } from './names.ts'
import { reprOfList, reprOfSet } from './python.ts'
import { tokensOf, type Token } from './tokens.ts'

const listed: Partial<Record<Target, readonly string[]>> = {
  modelVersions: ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'],
  traces: [
    'experiment_id',
    'timestamp_ms',
    'execution_time_ms',
    'end_time_ms',
    'status',
    'request_id',
    'name',
    'run_id',
  ],
  evaluationDatasets: ['name', 'created_time', 'last_update_time'],
}

/** Logged models are ordered by objects (`field_name`), not by texts. */
export type OrderedTarget = Exclude<Target, 'loggedModels'>

/** These refuse a name that comes twice. */
const withoutRepeats: readonly Target[] = ['runs', 'registeredModels', 'modelVersions', 'traces']

/**
 * No default is added: an empty list stays empty.
 * @throws MlflowError INVALID_PARAMETER_VALUE, in MLflow's words
 */
export function parseOrderBy(target: OrderedTarget, clauses: readonly string[] = []): Order[] {
  const orders = clauses.map((clause) => orderOf(target, clause))
  const seen = new Set(orders.map(({ entity, key, aggregate }) => JSON.stringify([entity, key, aggregate])))
  if (seen.size < orders.length && withoutRepeats.includes(target)) {
    throw invalidParameter(`\`order_by\` contains duplicate fields: ${reprOfList(clauses)}`)
  }
  return orders
}

function orderOf(target: OrderedTarget, clause: string): Order {
  const tokens = tokensOf(clause)
  const { name, aggregate, rest } = splitAggregate(tokens)
  const unreadable = (): Error => invalidParameter(`Invalid order_by clause '${clause}'. Could not be parsed.`)
  if (!name || rest.some(({ kind }) => kind !== 'name') || rest.length > 1) throw unreadable()
  const direction = rest[0]?.text.toUpperCase() ?? 'ASC'
  const isWord = ['ASC', 'DESC', 'NULL'].includes(name.text.toUpperCase())
  if (isWord) throw unreadable()
  if (direction !== 'ASC' && direction !== 'DESC') {
    throw invalidParameter(`Invalid ordering key in order_by clause '${clause}'.`)
  }
  const named = target === 'registeredModels' ? registeredModelKey(name.text) : keyOf(target, name.text)
  if (aggregate && named.entity !== 'metric') {
    throw invalidParameter(`Only metrics of runs have ${aggregate}(), not '${name.text}'`)
  }
  return { ...named, isAscending: direction === 'ASC', ...(aggregate ? { aggregate } : {}) }
}

function splitAggregate(tokens: readonly Token[]): { name?: Token; aggregate?: Aggregate; rest: readonly Token[] } {
  const [first, second, third, fourth, ...after] = tokens
  const word = first?.text.toLowerCase()
  if ((word === 'min' || word === 'max') && second?.text === '(' && third?.kind === 'name' && fourth?.text === ')') {
    return { name: third, aggregate: word, rest: after }
  }
  return first?.kind === 'name' ? { name: first, rest: tokens.slice(1) } : { rest: [] }
}

function keyOf(target: OrderedTarget, written: string): Pick<Order, 'entity' | 'key'> {
  const rules = rulesOf[target]
  const orderable = listed[target] ?? rules.attributes
  // Model versions are ordered by attributes and tags as experiments are filtered, whatever they can be filtered by.
  const names: NameRules = { ...rules, attributes: orderable }
  const named = readName(target === 'runs' ? { ...names, aliases: runAliases } : names, written)
  if (target === 'traces') return traceOrder(named)
  if (target === 'runs' && named.entity !== 'dataset') return named
  if (named.entity === 'attribute') return named
  if (target === 'runs') throw invalidParameter("Invalid identifier type 'dataset'")
  if (target !== 'modelVersions') throw invalidParameter(`Invalid order_by entity: ${named.entity}`)
  throw invalidParameter(`Invalid order by key '${named.key}' specified. Valid keys are ${reprOfSet(orderable)}`)
}

const runAliases = { created: 'start_time', Created: 'start_time' }

function traceOrder(named: Pick<Order, 'entity' | 'key'>): Pick<Order, 'entity' | 'key'> {
  const { entity, key } = named
  if (entity === 'attribute' && key === 'name') return { entity: 'tag', key: 'mlflow.traceName' }
  if (entity === 'attribute' && key === 'run_id') return { entity: 'metadata', key: 'mlflow.sourceRun' }
  if (['attribute', 'tag', 'metadata'].includes(entity)) return named
  throw invalidParameter(`Invalid identifier type '${entity}'`)
}

/** `timestamp` is when the model was last updated. */
function registeredModelKey(written: string): Pick<Order, 'entity' | 'key'> {
  if (written === 'name') return { entity: 'attribute', key: 'name' }
  if (written === 'timestamp' || written === 'last_updated_timestamp') {
    return { entity: 'attribute', key: 'last_updated_timestamp' }
  }
  throw invalidParameter(
    `Invalid order by key '${written}' specified. Valid keys are '${reprOfSet(['name', 'timestamp'])}'`,
  )
}
