// What each target of a search can be filtered by: how a name is read, which operators and values it takes, and MLflow's words for what it does not.
import { invalidParameter } from '../wire/errors.ts'
import { numericOperators, type Entity, type Target } from './comparison.ts'
import { reprOf, reprOfList, reprOfSet, reprOfTuple } from './python.ts'
import { severalExpressions, type Refusals } from './syntax.ts'

/** What a comparison of one entity and key may say. */
export interface Field {
  readonly type: 'number' | 'integer' | 'text' | 'assessment'
  readonly operators: readonly string[]
  readonly badOperator: (operator: string) => string
  readonly badValue: (written: string) => string
  /** `IS NULL` is asked before the operators are. */
  readonly badNull?: string
}

export interface TargetRules extends Refusals {
  /** Spellings before the first dot. */
  readonly entities: Readonly<Record<string, Entity>>
  readonly badEntity: (written: string) => string
  readonly attributes: readonly string[]
  /** Spelling of an attribute to its name. */
  readonly aliases?: Readonly<Record<string, string>>
  readonly badAttribute: (key: string, valid: readonly string[]) => string
  readonly fieldOf: (entity: Entity, key: string) => Field
}

const numbers: readonly string[] = numericOperators
const lists = ['IN', 'NOT IN']
const texts = ['=', '!=', 'LIKE', 'ILIKE', ...lists]
const nulls = ['IS NULL', 'IS NOT NULL']

/** MLflow's own names, where its texts tell them. */
const nameOf = (entity: Entity): string =>
  ({ param: 'parameter', metadata: 'request_metadata' })[entity as string] ?? entity

const quotedWanted = (entity: Entity) => (written: string) =>
  `Expected a quoted string value for ${nameOf(entity)} (e.g. 'my-value'). Got value ${written}`
const attributeWanted = (written: string): string =>
  `Expected a quoted string value for attributes. Got value ${written}`
const attributeOrListWanted = (written: string): string =>
  `Expected a quoted string value or a list of quoted string values for attributes. Got value ${written}`
const numberWanted = (key: string) => (written: string) =>
  `Expected numeric value type for numeric attribute: ${key}. Found ${written}`

const notOneOf =
  (valid: readonly string[], end: string = "'") =>
  (operator: string): string =>
    `Invalid comparator '${operator}' not one of '${reprOfSet(valid)}${end}`
const notFor = (what: string) => (operator: string) => `Invalid comparator for ${what}: ${operator}`

const clausesIn = (_source: string, clause: readonly string[]): string =>
  `Invalid clause(s) in filter string: ${clause.map((each) => `'${each}'`).join(', ')}`
const plainClausesIn = (_source: string, clause: readonly string[]): string =>
  `Invalid clause(s) in filter string: ${clause.join(', ')}`
const badAttribute = (key: string, valid: readonly string[]): string =>
  `Invalid attribute key '${key}' specified. Valid keys are '${reprOfSet(valid)}'`

const fewEntities = {
  entities: { attribute: 'attribute', tag: 'tag', tags: 'tag' },
  badEntity: (written: string): string =>
    `Invalid entity type '${written}'. Valid entity types are ('attribute', 'tag', 'tags')`,
  badAttribute,
  unreadable: plainClausesIn,
  several: severalExpressions,
} as const

const onlyNull = (entity: Entity, key: string): string =>
  `IS NULL / IS NOT NULL is only supported for tags and params, not for '${nameOf(entity)}' '${key}'`

const stringComparators = ['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN']
const keyedComparators = ['=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL']
const datasetKeys = ['name', 'digest', 'context']
const runTimes = ['start_time', 'end_time']

const runs: TargetRules = {
  entities: {
    metric: 'metric',
    metrics: 'metric',
    parameter: 'param',
    parameters: 'param',
    param: 'param',
    params: 'param',
    tag: 'tag',
    tags: 'tag',
    attribute: 'attribute',
    attributes: 'attribute',
    attr: 'attribute',
    run: 'attribute',
    dataset: 'dataset',
    datasets: 'dataset',
  },
  badEntity: (written) =>
    `Invalid entity type '${written}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']`,
  attributes: ['run_id', 'run_name', 'user_id', 'status', 'start_time', 'end_time', 'artifact_uri'],
  aliases: {
    created: 'start_time',
    Created: 'start_time',
    'run name': 'run_name',
    'Run name': 'run_name',
    'Run Name': 'run_name',
  },
  badAttribute,
  unreadable: clausesIn,
  several: severalExpressions,
  fieldOf(entity, key) {
    if (entity === 'metric') {
      const badValue = (written: string): string => `Expected numeric value type for metric. Found ${written}`
      return { type: 'number', operators: [...numbers, ...nulls], badOperator: notOneOf(numbers, ''), badValue }
    }
    if (entity === 'param' || entity === 'tag') {
      const badOperator = notOneOf(keyedComparators, entity === 'tag' ? '' : "'")
      return { type: 'text', operators: [...texts, ...nulls], badOperator, badValue: quotedWanted(entity) }
    }
    const badNull = onlyNull(entity, key)
    if (entity === 'dataset') {
      if (!datasetKeys.includes(key)) {
        throw invalidParameter(`Invalid dataset key '${key}' specified. Valid keys are '${reprOfSet(datasetKeys)}'`)
      }
      const badValue = (written: string): string =>
        `Expected a quoted string value for dataset attributes. Got value ${written}`
      return { type: 'text', operators: texts, badOperator: notOneOf(stringComparators, ''), badValue, badNull }
    }
    if (runTimes.includes(key)) {
      const badOperator = notOneOf(stringComparators, '')
      return { type: 'number', operators: numbers, badOperator, badValue: numberWanted(key), badNull }
    }
    return {
      type: 'text',
      operators: texts,
      badOperator: notOneOf(stringComparators),
      badValue: attributeWanted,
      badNull,
    }
  },
}

const experiments: TargetRules = {
  ...fewEntities,
  attributes: ['name', 'experiment_id', 'creation_time', 'last_update_time'],
  fieldOf(entity, key) {
    if (entity === 'tag') {
      return {
        type: 'text',
        operators: [...texts, ...nulls],
        badOperator: notFor('tag'),
        badValue: quotedWanted('tag'),
      }
    }
    const badNull = `IS NULL / IS NOT NULL is only supported for tags, not for attribute '${key}'`
    if (key === 'experiment_id') {
      const operators = ['=', '!=', ...lists]
      return { type: 'text', operators, badOperator: notFor(key), badValue: attributeWanted, badNull }
    }
    if (key === 'name') {
      return {
        type: 'text',
        operators: texts,
        badOperator: notOneOf(stringComparators),
        badValue: attributeWanted,
        badNull,
      }
    }
    const badOperator = notOneOf(stringComparators, '')
    return { type: 'integer', operators: numbers, badOperator, badValue: numberWanted(key), badNull }
  },
}

const registeredModels: TargetRules = {
  ...fewEntities,
  attributes: ['name'],
  fieldOf: (entity) => ({
    type: 'text',
    operators: texts,
    badOperator: notFor(entity),
    badValue: entity === 'tag' ? quotedWanted('tag') : attributeOrListWanted,
  }),
}

const modelVersions: TargetRules = {
  ...fewEntities,
  attributes: ['name', 'version_number', 'run_id', 'source_path'],
  fieldOf(entity, key) {
    if (key === 'version_number' && entity === 'attribute') {
      const badOperator = notFor(`attribute ${key}`)
      return { type: 'integer', operators: numbers, badOperator, badValue: (written) => badVersionValue(key, written) }
    }
    const badValue = (written: string): string => {
      if (!/^[+\-]?[\d.]/v.test(written)) return attributeOrListWanted(written)
      const numeric = reprOfSet(['version_number', 'creation_timestamp', 'last_updated_timestamp'])
      return `Only the '${numeric}' attributes support comparison with numeric values.`
    }
    return { ...registeredModels.fieldOf(entity, key), ...(entity === 'tag' ? {} : { badValue }) }
  },
}

const badVersionValue = (key: string, written: string): string =>
  written.startsWith('(')
    ? "Only ['name', 'run_id'] attributes support comparison with a list of quoted string values."
    : `Invalid value for numeric attribute '${key}': ${written}`

const loggedEntities = { attributes: 'attribute', metrics: 'metric', params: 'param', tags: 'tag' } as const
const loggedTimes = ['creation_timestamp_ms', 'last_updated_timestamp_ms']

const loggedModels: TargetRules = {
  entities: loggedEntities,
  badEntity: (written) =>
    `Invalid entity type: ${reprOf(written)}. Expected one of ${reprOfList(Object.keys(loggedEntities))}.`,
  attributes: [
    'name',
    'model_id',
    'model_type',
    'status',
    'source_run_id',
    'experiment_id',
    'status_message',
    ...loggedTimes,
  ],
  aliases: {
    creation_time: 'creation_timestamp_ms',
    creation_timestamp: 'creation_timestamp_ms',
    last_updated_timestamp: 'last_updated_timestamp_ms',
    last_updated_time: 'last_updated_timestamp_ms',
  },
  badAttribute,
  unreadable: (source) =>
    `Invalid filter string: ${reprOf(source)}. Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').`,
  several: (source) => `Invalid filter string: ${reprOf(source)}. Expected a single SQL expression.`,
  fieldOf(entity, key) {
    const isNumber = entity === 'metric' || (entity === 'attribute' && loggedTimes.includes(key))
    const operators = isNumber ? numbers : texts
    const written = Object.entries(loggedEntities).find(([, each]) => each === entity)![0]
    const shown = isNumber ? ['<', '<=', '>', '>=', '=', '!='] : stringComparators
    return {
      type: isNumber ? 'number' : 'text',
      operators,
      badOperator: (operator) =>
        `Invalid comparison operator for ${written}.${key}: ${reprOf(operator)}. Expected one of ${reprOfTuple(shown)}.`,
      badValue: isNumber
        ? (value) => `Expected numeric value type for ${written}.${key}. Found ${value}`
        : quotedWanted(entity),
    }
  },
}

const traceTimes = ['timestamp_ms', 'execution_time_ms', 'end_time_ms']
const traceTexts = [...texts, 'RLIKE']
const shownTraceTexts = [...stringComparators, 'RLIKE']
const shownKeyed = [...keyedComparators, 'RLIKE']
const spanKeys = ['name', 'type', 'status']

const traceEntities: Readonly<Record<string, Entity>> = {
  tag: 'tag',
  tags: 'tag',
  attribute: 'attribute',
  attributes: 'attribute',
  trace: 'attribute',
  request_metadata: 'metadata',
  metadata: 'metadata',
  span: 'span',
  feedback: 'feedback',
  expectation: 'expectation',
  issue: 'issue',
}

const traces: TargetRules = {
  entities: traceEntities,
  badEntity: (written) => `Invalid entity type '${written}'. Valid values are ${reprOfSet(Object.keys(traceEntities))}`,
  attributes: ['request_id', ...traceTimes, 'status', 'client_request_id', 'name', 'run_id', 'prompt', 'text'],
  aliases: { timestamp: 'timestamp_ms', execution_time: 'execution_time_ms', end_time: 'end_time_ms' },
  badAttribute,
  unreadable: clausesIn,
  several: severalExpressions,
  fieldOf(entity, key) {
    if (entity === 'span') return spanField(key)
    if (entity === 'issue') return issueField(key)
    if (entity === 'feedback' || entity === 'expectation') return assessmentField(entity, key)
    if (entity === 'tag' || entity === 'metadata') {
      const badOperator = notOneOf(shownKeyed, entity === 'tag' ? '' : "'")
      return { type: 'text', operators: [...traceTexts, ...nulls], badOperator, badValue: quotedWanted(entity) }
    }
    if (!traceTimes.includes(key)) {
      const badOperator = notOneOf(shownTraceTexts)
      return { type: 'text', operators: traceTexts, badOperator, badValue: attributeOrListWanted }
    }
    return { type: 'number', operators: numbers, badOperator: notOneOf(numbers), badValue: numberWanted(key) }
  },
}

function spanField(key: string): Field {
  const badValue = quotedWanted('span')
  const isKnown = spanKeys.includes(key) || key.startsWith('attributes.')
  if (key === 'attributes.') throw invalidParameter("Span attribute name cannot be empty after 'attributes.'")
  if (!isKnown && key !== 'content') {
    const supported = spanKeys.toSorted().join(', ')
    throw invalidParameter(
      `Invalid span attribute '${key}'. Supported attributes: ${supported}, attributes.<attribute_name>.`,
    )
  }
  const operators = isKnown ? traceTexts : ['LIKE', 'ILIKE']
  const badOperator = (operator: string): string =>
    `span.${key} comparator '${operator}' not one of '${reprOfSet(operators)}'`
  return { type: 'text', operators, badOperator, badValue }
}

function issueField(key: string): Field {
  if (key !== 'id') throw invalidParameter(`Invalid issue attribute '${key}'. Supported attributes: id`)
  const badOperator = (operator: string): string => `issue.id comparator '${operator}' not one of '{'='}'`
  return { type: 'text', operators: ['='], badOperator, badValue: quotedWanted('issue') }
}

function assessmentField(entity: 'feedback' | 'expectation', key: string): Field {
  const operators = ['=', '!=', '<', '<=', '>', '>=', 'LIKE', 'ILIKE', 'RLIKE', ...nulls]
  const badOperator = (operator: string): string =>
    `assessment.${key} comparator '${operator}' not one of '${reprOfSet(operators)}'`
  return { type: 'assessment', operators, badOperator, badValue: quotedWanted(entity) }
}

const evaluationTimes = ['created_time', 'last_update_time']

const evaluationDatasets: TargetRules = {
  ...fewEntities,
  entities: { tags: 'tag' },
  badEntity: (written) => `Invalid identifier token '${written}' specified`,
  attributes: ['name', ...evaluationTimes, 'created_by', 'last_updated_by'],
  badAttribute: (key, valid) => `Invalid attribute key '${key}' specified. Valid keys are: ${reprOfSet(valid)}`,
  fieldOf(entity, key) {
    if (entity === 'tag') {
      return { type: 'text', operators: texts, badOperator: notFor('tag'), badValue: quotedWanted('tag') }
    }
    if (!evaluationTimes.includes(key)) {
      return { type: 'text', operators: texts, badOperator: notFor('string attribute'), badValue: attributeWanted }
    }
    return {
      type: 'integer',
      operators: numbers,
      badOperator: notFor('numeric attribute'),
      badValue: numberWanted(key),
    }
  },
}

export const rulesOf: Readonly<Record<Target, TargetRules>> = {
  runs,
  experiments,
  registeredModels,
  modelVersions,
  loggedModels,
  traces,
  evaluationDatasets,
}
