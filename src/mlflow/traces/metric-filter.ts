// Filters of MLflow's trace metrics: one comparison, `trace.tag.team = 'blue'`.
import type { MetricFilter } from '../../tracing/trace-metrics.ts'
import { invalidParameter } from '../wire/errors.ts'
import { reprOf, reprOfList } from '../filter/python.ts'

/** Which entities need a key. */
const entities: Readonly<Record<MetricFilter['on'], Readonly<Record<string, boolean>>>> = {
  trace: { status: false, tag: true, metadata: true },
  span: { name: false, status: false, type: false },
  assessment: { name: false, type: false },
}

const comparison =
  /^\s*(?<name>(?:`[^`]*`|"[^"]*"|[^\s=<>!`"])+)\s*(?<operator>=|!=|<>|<=|>=|<|>|\s[A-Za-z]+\s)\s*(?<value>.*\S)\s*$/v
const quoted = /^(?:'(?<single>.*)'|"(?<double>.*)")$/v

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function metricFilterOf(text: string): MetricFilter {
  const { name, operator, value } = comparison.exec(text)?.groups ?? {}
  if (name === undefined || operator === undefined || value === undefined) {
    throw invalidParameter(`Invalid clause(s) in filter string: ${text}`)
  }
  const filter = fieldOf(name)
  if (operator !== '=')
    throw invalidParameter(`Invalid comparator: '${operator.trim()}', only '=' operator is supported`)
  const groups = quoted.exec(value)?.groups
  const read = groups?.['single'] ?? groups?.['double']
  if (read === undefined) {
    throw invalidParameter(
      `Expected a quoted string value for ${filter.entity} value (e.g. 'my-value'). Got value ${value}`,
    )
  }
  if (/'\s+and\s+\S+\s*=\s*'/iv.test(value)) {
    throw invalidParameter(`Invalid filter: '${text}'. Expected one filter clause.`)
  }
  return { ...filter, value: read } as MetricFilter
}

function fieldOf(name: string): { on: string; entity: string; key?: string } {
  const [view = '', entity, ...rest] = name.split('.')
  if (entity === undefined) {
    throw invalidParameter(
      `Invalid identifier ${reprOf(name)}. Columns should be specified as 'trace.<key>', 'span.<key>', 'assessment.<key>'.`,
    )
  }
  const on = unquoted(view)
  if (!Object.hasOwn(entities, on)) {
    throw invalidParameter(`Invalid view type '${on}'. Valid values are dict_keys(['trace', 'span', 'assessment'])`)
  }
  const known = entities[on as MetricFilter['on']]
  if (!Object.hasOwn(known, entity)) {
    throw invalidParameter(
      `Invalid entity '${entity}' specified for view type '${on}'. Valid entities are ${reprOfList(Object.keys(known))}`,
    )
  }
  if (known[entity] && rest.length === 0) {
    throw invalidParameter(`Filtering by ${entity} requires a key, e.g. '${on}.${entity}.<key> = <value>'`)
  }
  if (!known[entity] && rest.length > 0) {
    throw invalidParameter(`Filtering by ${entity} does not require a key, use '${on}.${entity}' instead`)
  }
  return rest.length > 0 ? { on, entity, key: unquoted(rest.join('.')) } : { on, entity, key: '' }
}

const unquoted = (text: string): string => text.replace(/^(?<quote>["'`])(?<inner>.*)\k<quote>$/v, '$<inner>')
