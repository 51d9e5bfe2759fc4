// One call of a replay, and how a plan of them is written down: what both servers are sent, with `{{name}}` where an id stands that each makes itself.
import type { Generator } from '../../../../src/statistics/random.ts'

export interface Call {
  /** Whose part of the API it is, such as `runs`. */
  readonly area: string
  /** Unique in its area; the table of differences names calls by it. */
  readonly label: string
  readonly method: string
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: Readonly<Record<string, string>>
  /** A string is sent as it is, anything else as JSON. */
  readonly body: unknown
  /** Name of an id to where the answer has it, such as `run.info.run_id`. */
  readonly take: Readonly<Record<string, string>>
}

export type CallOptions = Partial<Pick<Call, 'query' | 'headers' | 'take'>>

// oxlint-disable-next-line max-params -- a plan reads as a table: label, path, body
type SendBody = (label: string, path: string, body: unknown, options?: CallOptions) => void
// oxlint-disable-next-line max-params
type Get = (label: string, path: string, query?: Query, options?: CallOptions) => void

export interface Plan {
  readonly random: Generator
  readonly calls: readonly Call[]
  readonly add: (method: string, path: string, call: CallOptions & { label: string; body?: unknown }) => void
  /** Paths that do not begin with a slash are below `/api/2.0/mlflow/`. */
  readonly post: SendBody
  readonly patch: SendBody
  readonly delete: SendBody
  readonly get: Get
  readonly pick: <T>(values: readonly T[]) => T
  /** Some of the values, in their order. */
  readonly some: <T>(values: readonly T[], count: number) => T[]
}

export type Query = Readonly<Record<string, string | readonly string[]>>

const json = { 'content-type': 'application/json' }

export function openPlan(area: string, random: Generator): Plan {
  const calls: Call[] = []
  const labels = new Set<string>()
  const add: Plan['add'] = (method, path, { label: name, body, query = [], headers = {}, take = {} }) => {
    // A file of differences with control characters in it is none that grep reads.
    const label = name.replaceAll(/\p{Cc}/gv, '␀')
    if (labels.has(label)) throw new Error(`the plan of ${area} has two calls "${label}"`)
    labels.add(label)
    const full = path.startsWith('/') ? path : `/api/2.0/mlflow/${path}`
    // Every experiment has a name here, since its number is another on each server.
    const taken = full.endsWith('experiments/create')
      ? { [`experiment${calls.length}`]: 'experiment_id', ...take }
      : take
    calls.push({ area, label, method, path: full, query, headers, body, take: taken })
  }
  const withBody =
    (method: string): SendBody =>
    // oxlint-disable-next-line max-params -- a plan reads as a table: label, path, body
    (label, path, body, options = {}) =>
      add(method, path, { ...options, label, body, headers: { ...json, ...options.headers } })
  return {
    random,
    calls,
    add,
    post: withBody('POST'),
    patch: withBody('PATCH'),
    delete: withBody('DELETE'),
    // oxlint-disable-next-line max-params
    get(label, path, query = {}, options = {}) {
      const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const))
      add('GET', path, { ...options, label, query: pairs })
    },
    pick: (values) => values[random.integer(values.length)]!,
    some(values, count) {
      const chosen = new Set<number>()
      while (chosen.size < Math.min(count, values.length)) chosen.add(random.integer(values.length))
      return values.filter((_, at) => chosen.has(at))
    },
  }
}

/** The text or value with each `{{name}}` replaced; a name that is not known stays, so that both servers see the same. */
export function filled<T>(value: T, known: ReadonlyMap<string, string>): T {
  if (typeof value === 'string')
    return value.replaceAll(/\{\{(?<name>\w+)\}\}/gv, (text, name: string) => known.get(name) ?? text) as T
  if (Array.isArray(value)) return value.map((one) => filled(one, known)) as T
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [filled(key, known), filled(one, known)])) as T
  return value
}
