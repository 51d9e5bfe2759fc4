// What a run search may ask for: fields, operators, order. Pure.
import { z } from 'zod'
import { DomainError } from '../../platform/errors.ts'

export const filtersMax = 20
const valuesMax = 100

export const RunFilter = z.strictObject({
  /** `metrics.<key>`, `params.<key>`, `tags.<key>`, `input` (a dataset version), `state`, `name`, `id`, `startedAtMs` or `endedAtMs`. */
  field: z.string().min(1).max(300),
  operator: z.enum(['=', '!=', '<', '<=', '>', '>=', 'like', 'ilike', 'in', 'present', 'missing']),
  /** A number (or `NaN`, `Infinity`, `-Infinity`) for metrics, text or a list of texts for the rest; left out for present and missing. */
  value: z.union([z.number(), z.string().max(8000), z.array(z.string().max(8000)).min(1).max(valuesMax)]).optional(),
})
export type RunFilter = Readonly<z.infer<typeof RunFilter>>

export const RunOrder = z.strictObject({
  /** As in a filter, but for `input`. */
  field: z.string().min(1).max(300),
  isAscending: z.boolean().default(false),
})
export type RunOrder = Readonly<z.infer<typeof RunOrder>>

export type Field =
  | { readonly kind: 'metric' | 'param' | 'tag'; readonly key: string }
  | { readonly kind: 'time'; readonly column: 'started_at_ms' | 'ended_at_ms' }
  | { readonly kind: 'text'; readonly column: 'state' | 'name' | 'id' }
  | { readonly kind: 'input' }

const columns = new Map<string, Field>([
  ['startedAtMs', { kind: 'time', column: 'started_at_ms' }],
  ['endedAtMs', { kind: 'time', column: 'ended_at_ms' }],
  ['state', { kind: 'text', column: 'state' }],
  ['name', { kind: 'text', column: 'name' }],
  ['id', { kind: 'text', column: 'id' }],
  ['input', { kind: 'input' }],
])
const prefixes = [
  ['metrics.', 'metric'],
  ['params.', 'param'],
  ['tags.', 'tag'],
] as const

/** @throws DomainError run_field */
export function parseField(text: string): Field {
  for (const [prefix, kind] of prefixes) {
    if (text.startsWith(prefix) && text.length > prefix.length) return { kind, key: text.slice(prefix.length) }
  }
  const column = columns.get(text)
  if (column) return column
  const message = `"${text}" is no field of a run: write metrics.<key>, params.<key>, tags.<key>, ${[...columns.keys()].join(', ')}`
  throw new DomainError('invalid', 'run_field', message)
}
