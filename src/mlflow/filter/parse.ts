// Filters and orders of every search, from MLflow's text to conditions that the stages can read.
import { mapCondition } from '../../platform/condition.ts'
import { invalidParameter } from '../wire/errors.ts'
import { readName } from './names.ts'
import { rulesOf, type Field } from './fields.ts'
import type { Comparison, Entity, Filter, Operator, Target } from './comparison.ts'
import { reprOf } from './python.ts'
import { clausesOf, type Clause } from './syntax.ts'
import { integerOf, listOf, textOf } from './values.ts'

export type { Comparison, Filter, Order } from './comparison.ts'
export { parseOrderBy } from './order.ts'

/**
 * MLflow's filter language and more: OR, NOT, parentheses, BETWEEN, IN lists of any text, `min(metrics.loss)` and `max(metrics.loss)` of a run.
 * No filter and an empty one hold for everything.
 * @throws MlflowError INVALID_PARAMETER_VALUE, in MLflow's words
 */
export function parseFilter(target: Target, text: string | undefined): Filter {
  if (text === undefined || text === '') return { all: [] }
  return mapCondition(clausesOf(text, rulesOf[target]), (clause): Comparison => comparisonOf(target, clause))
}

function comparisonOf(target: Target, clause: Clause): Comparison {
  const rules = rulesOf[target]
  const { entity, key } = readName(rules, clause.name)
  if (clause.aggregate && (target !== 'runs' || entity !== 'metric')) {
    throw invalidParameter(`Only metrics of runs have ${clause.aggregate}(), not '${clause.name}'`)
  }
  const field = rules.fieldOf(entity, key)
  const { operator, value } = clause
  const isNull = value.kind === 'none'
  if (isNull && field.badNull !== undefined) throw invalidParameter(field.badNull)
  // Logged models are asked for the operator first, the others for the value.
  if (target === 'loggedModels' && !field.operators.includes(operator))
    throw invalidParameter(field.badOperator(operator))
  const read = isNull ? null : valueOf(target, { field, entity, clause })
  if (!field.operators.includes(operator)) throw invalidParameter(field.badOperator(operator))
  const comparison = { entity, key, operator: operator as Operator, value: read }
  checkValue(target, comparison)
  const aggregated = clause.aggregate ? { ...comparison, aggregate: clause.aggregate } : comparison
  return target === 'traces' ? traceComparison(aggregated) : aggregated
}

function valueOf(
  target: Target,
  { field, entity, clause }: { field: Field; entity: Entity; clause: Clause },
): Exclude<Comparison['value'], null> {
  const { value, operator } = clause
  const isList = operator === 'IN' || operator === 'NOT IN'
  const bad = (): Error => invalidParameter(field.badValue(value.text))
  if (field.type === 'assessment') return assessmentValue(entity, clause)
  if (field.type === 'text') {
    if (isList) return listOf(value)
    // Logged models take a bare number for a text.
    const text = target === 'loggedModels' && value.kind === 'number' ? value.text : textOf(value)
    if (text === undefined) throw bad()
    return text
  }
  // Versions of models and times of traces may be quoted.
  const isQuoted = value.kind === 'text' && (target === 'modelVersions' || target === 'traces')
  const written = isQuoted ? value.text.slice(1, -1) : value.text
  if (!isQuoted && value.kind !== 'number') throw bad()
  if (entity === 'metric') return Number(written)
  const number = integerOf(written) ?? Number(written)
  if (Number.isNaN(number) || written.trim() === '') throw bad()
  if (field.type === 'integer' && integerOf(written) === undefined) throw notInteger(target, clause)
  return number
}

const notInteger = (target: Target, { name, value }: Clause): Error => {
  const key = name.slice(name.indexOf('.') + 1)
  const shown = target === 'modelVersions' ? value.text : reprOf(value.text)
  return invalidParameter(`Invalid value for numeric attribute '${key}': ${shown}`)
}

const orders = ['<', '<=', '>', '>=']

function assessmentValue(entity: Entity, { operator, value }: Clause): string | number {
  if (orders.includes(operator)) {
    if (value.kind === 'number') return Number(value.text)
    throw invalidParameter(
      `Expected a numeric value for ${entity} when using comparator '${operator}'. Got value ${value.text}`,
    )
  }
  const text = textOf(value)
  if (text !== undefined) return text
  throw invalidParameter(`Expected a quoted string value for ${entity} (e.g. 'my-value'). Got value ${value.text}`)
}

function checkValue(target: Target, { key, entity, value }: Comparison): void {
  if (target !== 'experiments' || entity !== 'attribute' || key !== 'experiment_id') return
  for (const id of [value].flat()) {
    if (!/^\s*[+\-]?\d+\s*$/v.test(String(id))) {
      throw invalidParameter(`Invalid experiment ID '${String(id)}'. Experiment ID must be a valid integer.`)
    }
  }
}

const traceAttributes: Readonly<Record<string, Pick<Comparison, 'entity' | 'key'> | undefined>> = {
  name: { entity: 'tag', key: 'mlflow.traceName' },
  prompt: { entity: 'tag', key: 'mlflow.linkedPrompts' },
  run_id: { entity: 'metadata', key: 'mlflow.sourceRun' },
  text: { entity: 'span', key: 'content' },
}

/** Some attributes of a trace are tags, metadata or spans. */
function traceComparison(comparison: Comparison): Comparison {
  const mapped = comparison.entity === 'attribute' ? traceAttributes[comparison.key] : undefined
  const { operator, value } = comparison
  const read = { ...comparison, ...mapped }
  if (read.key === 'content' && operator !== 'LIKE' && operator !== 'ILIKE') {
    throw invalidParameter(`span.content comparator '${operator}' not one of '{'ILIKE', 'LIKE'}'`)
  }
  if (read.entity === 'tag' && read.key === 'mlflow.linkedPrompts') {
    if (operator !== '=') {
      throw invalidParameter(
        `Invalid comparator '${operator}' for prompts filter. Only '=' is supported with format: prompt = "name/version"`,
      )
    }
    if (String(value).split('/').length !== 2) {
      throw invalidParameter(
        `Invalid prompts filter value '${String(value)}'. Expected format: prompt = "name/version"`,
      )
    }
  }
  return read
}
