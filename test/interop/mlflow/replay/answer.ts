// What a server answered, in a form that two servers can share: ids by their names in the plan, times and random names by their kind.
import type { RawAnswer } from '../http.ts'

export interface Answer {
  readonly status: number
  readonly contentType: string
  /** JSON where it is JSON; else text. */
  readonly body: unknown
}

/** Stock hands on what its database said, with the statement and its values. */
export const databaseText = '<text of the database>'

const nowSlackMs = 3_600_000
const times: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)/gv, '<time>'],
]
const ids: readonly (readonly [RegExp, string])[] = [
  [/\b(?:m|tr|sch|rq|a|d|ld|is|iss|s|w)-[0-9a-f]{32}\b/gv, '<id>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gv, '<id>'],
  [/\b[0-9a-f]{32}\b/gv, '<id>'],
  [/^[a-z]+-[a-z]+-\d{1,4}$/gv, '<random name>'],
]

const numberedId =
  /(?<=(?:mlflow-artifacts:\/|\bid[ =:]|experiment|artifact:|file:|invalid value) ?['"]?)\d+\b(?!\.\d)/giv

/** A set of strings as Python prints it, in an order that changes with each process. */
const pythonSet = /\{'[^']*'(?:, '[^']*')*\}/gv

/** Python's JSON has them. */
const notNumbers = /(?<=[:\[,]\s*)(?:NaN|-?Infinity)(?=\s*[,\]\}])/gv

/** Reads numbers without loss: what a double cannot hold becomes the text of it. */
function parse(text: string): unknown {
  return JSON.parse(text.replaceAll(notNumbers, '"$&"'), (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' &&
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    /^-?\d+$/v.test(context?.source ?? '')
      ? `int ${context!.source}`
      : value,
  )
}

/** The body of an answer as it is, for taking ids from it. */
export function bodyOf({ body }: RawAnswer): unknown {
  const text = body.toString('utf8')
  try {
    return parse(text)
  } catch {
    return text
  }
}

/** The value at a path of names and positions, such as `runs.0.info.run_id`. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((found, name) => (found as Readonly<Record<string, unknown>> | undefined)?.[name], value)
}

export interface Normalising {
  /** Ids that this server made, to their names in the plan. */
  readonly names: ReadonlyMap<string, string>
  readonly url: string
  readonly directory: string
  readonly nowMs: number
}

export function normalised(raw: RawAnswer, context: Normalising): Answer {
  const contentType = (raw.headers['content-type'] ?? '').replace(/;.*/v, '').trim()
  return { status: raw.status, contentType, body: plain(bodyOf(raw), context) }
}

function plain(value: unknown, context: Normalising, key = ''): unknown {
  if (typeof value === 'string') return madeUp(key, value, context) ?? plainText(value, context)
  if (typeof value === 'number')
    return madeUp(key, String(value), context) ?? (Math.abs(value - context.nowMs) < nowSlackMs ? '<now>' : value)
  if (Array.isArray(value)) return inOrder(value.map((one) => plain(one, context, key)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [plainText(name, context), plain(one, context, name)]),
  )
}

/** What a server makes up as it likes, and clients only hand back. */
function madeUp(key: string, value: string, { names }: Normalising): string | undefined {
  if (key.endsWith('page_token') && value !== '') return '<token>'
  if (/experiment_?id/iv.test(key) && names.has(value)) return `{{${names.get(value)}}}`
  return key === 'digest' && /^[0-9a-f]{8}$/v.test(value) ? '<digest>' : undefined
}

function plainText(text: string, { names, url, directory, nowMs }: Normalising): string {
  if (/\((?:sqlite3|psycopg2)\./v.test(text)) return databaseText
  let found = text.replaceAll(url, '<url>').replaceAll(directory, '<folder>')
  // A number, such as an experiment's, is an id only where the text says so.
  for (const [id, name] of names) if (!/^\d+$/v.test(id)) found = found.replaceAll(id, `{{${name}}}`)
  found = found.replaceAll(numberedId, (id) => (names.has(id) ? `{{${names.get(id)}}}` : id))
  for (const [pattern, kind] of [...times, ...ids]) found = found.replaceAll(pattern, kind)
  found = found.replaceAll(pythonSet, (set) => `{${set.slice(1, -1).split(', ').toSorted().join(', ')}}`)
  return found.replaceAll(/\b1\d{12}\b/gv, (number) =>
    Math.abs(Number(number) - nowMs) < nowSlackMs ? '<now>' : number,
  )
}

/** Stock answers tags, params, latest metrics, aliases and assessments in whatever order its database has them. */
function inOrder(list: unknown[]): unknown[] {
  const isAssessment = (one: unknown): boolean => typeof one === 'object' && one !== null && 'assessment_id' in one
  if (list.every(isAssessment)) return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  const keyOf = (one: unknown): unknown => {
    const { key, alias } = (one ?? {}) as Readonly<Record<string, unknown>>
    return key ?? alias
  }
  const keys = list.map(keyOf)
  // The points of a history have one key; their order means something.
  const isMap = keys.every((key) => typeof key === 'string') && new Set(keys).size === keys.length
  return isMap ? list.toSorted((a, b) => (String(keyOf(a)) < String(keyOf(b)) ? -1 : 1)) : list
}
