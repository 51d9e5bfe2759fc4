// What a run search may ask for: fields, operators, conditions, order. Pure.
import { z } from 'zod'
import type { Condition } from '../../platform/condition.ts'
import { DomainError } from '../../platform/errors.ts'

export const filtersMax = 200
export const ordersMax = 10
const valuesMax = 1000
const depthMax = 50
const textMax = 8000

const operators = ['=', '!=', '<', '<=', '>', '>=', 'like', 'ilike', 'in', 'not in', 'present', 'missing'] as const

/** One comparison, as HTTP carries it. */
const Comparison = z.strictObject({
  /**
   * `metrics.<key>` (the latest value), `min(metrics.<key>)`, `max(metrics.<key>)`, `params.<key>`, `tags.<key>`, `input` (a dataset version),
   * `datasets.name`, `datasets.digest`, `datasets.context`, `state`, `name`, `id`, `userId`, `artifactUri`, `startedAtMs` or `endedAtMs`.
   */
  field: z.string().min(1).max(300),
  operator: z.enum(operators),
  /** A number (or `NaN`, `Infinity`, `-Infinity`) for metrics, text or a list of texts for the rest; left out for present and missing. */
  value: z
    .union([z.number(), z.string().max(textMax), z.array(z.string().max(textMax)).min(1).max(valuesMax)])
    .optional(),
})

/** One comparison. The values of MLflow's clients may be wider than those of HTTP: any 64-bit time, longer texts and lists. */
export type RunFilter = Readonly<Omit<z.infer<typeof Comparison>, 'value'>> & {
  readonly value?: number | bigint | string | readonly string[] | undefined
}

export type RunCondition = Condition<RunFilter>

/** A comparison, or `{"all": […]}`, `{"any": […]}` or `{"not": …}` of such. */
export const RunConditionBody: z.ZodType<RunCondition> = z.union([
  Comparison,
  z.strictObject({
    get all() {
      return z.array(RunConditionBody).max(filtersMax)
    },
  }),
  z.strictObject({
    get any() {
      return z.array(RunConditionBody).max(filtersMax)
    },
  }),
  z.strictObject({
    get not() {
      return RunConditionBody
    },
  }),
])

/** @throws DomainError run_filters_too_many */
export function assertFits(condition: RunCondition): void {
  let filters = 0
  const refuse = (what: string): never => {
    throw new DomainError('invalid', 'run_filters_too_many', `${what}: ask in several searches`)
  }
  const walk = (part: RunCondition, depth: number): void => {
    if (depth > depthMax) refuse(`a search is nested at most ${depthMax} deep`)
    if ('not' in part) walk(part.not, depth + 1)
    else if ('all' in part || 'any' in part)
      for (const each of 'all' in part ? part.all : part.any) walk(each, depth + 1)
    else if (++filters > filtersMax) refuse(`a search takes at most ${filtersMax} filters`)
  }
  walk(condition, 0)
}

export const RunOrder = z.strictObject({
  /** As in a filter, but for `input` and `datasets`. */
  field: z.string().min(1).max(300),
  isAscending: z.boolean().default(false),
})
export type RunOrder = Readonly<z.infer<typeof RunOrder>>

export type Field =
  | { readonly kind: 'metric'; readonly key: string; readonly part: 'latest' | 'min_value' | 'max_value' }
  | { readonly kind: 'param' | 'tag'; readonly key: string }
  | { readonly kind: 'time'; readonly column: 'started_at_ms' | 'ended_at_ms' }
  | { readonly kind: 'text'; readonly column: 'state' | 'name' | 'id' | 'user_id' | 'artifact_uri' }
  | { readonly kind: 'input'; readonly column: 'dataset_version' | 'name' | 'digest' | 'context' }

const columns = new Map<string, Field>([
  ['startedAtMs', { kind: 'time', column: 'started_at_ms' }],
  ['endedAtMs', { kind: 'time', column: 'ended_at_ms' }],
  ['state', { kind: 'text', column: 'state' }],
  ['name', { kind: 'text', column: 'name' }],
  ['id', { kind: 'text', column: 'id' }],
  ['userId', { kind: 'text', column: 'user_id' }],
  ['artifactUri', { kind: 'text', column: 'artifact_uri' }],
  ['input', { kind: 'input', column: 'dataset_version' }],
  ['datasets.name', { kind: 'input', column: 'name' }],
  ['datasets.digest', { kind: 'input', column: 'digest' }],
  ['datasets.context', { kind: 'input', column: 'context' }],
])

/** @throws DomainError run_field */
export function parseField(text: string): Field {
  const column = columns.get(text)
  if (column) return column
  const { part, prefix, key } =
    /^(?:(?<part>min|max)\((?=metrics\..*\)$))?(?<prefix>metrics|params|tags)\.(?<key>.+)$/sv.exec(text)?.groups ?? {}
  if (prefix === 'metrics' && key !== undefined) {
    if (part === undefined) return { kind: 'metric', key, part: 'latest' }
    if (key.length > 1)
      return { kind: 'metric', key: key.slice(0, -1), part: part === 'min' ? 'min_value' : 'max_value' }
  } else if (key !== undefined) return { kind: prefix === 'params' ? 'param' : 'tag', key }
  const message = `"${text}" is no field of a run: write metrics.<key>, min(metrics.<key>), max(metrics.<key>), params.<key>, tags.<key>, ${[...columns.keys()].join(', ')}`
  throw new DomainError('invalid', 'run_field', message)
}
