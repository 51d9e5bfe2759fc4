// The page token of a search of logged models: it belongs to one search, and says where the page before ended.
import { z } from 'zod'
import type { LoggedModelPlace } from '../../experiments/logged-model-search.ts'
import { invalidParameter } from '../wire/errors.ts'
import { reprOf } from '../filter/python.ts'

/** What must be the same from page to page, as MLflow's own tokens hold it. */
export interface Sought {
  readonly experimentIds: readonly string[]
  readonly filter: string | null
  readonly orderBy: readonly Readonly<Record<string, string | boolean | null>>[] | null
}

const Token = z.object({
  experimentIds: z.array(z.string()),
  filter: z.string().nullable(),
  orderBy: z.array(z.record(z.string(), z.union([z.string(), z.boolean(), z.null()]))).nullable(),
  place: z.array(z.union([z.number(), z.string(), z.null()])),
})

export const tokenOf = (place: LoggedModelPlace, sought: Sought): string =>
  Buffer.from(JSON.stringify({ ...sought, place })).toString('base64')

const mismatches = [
  ['experimentIds', 'Experiment IDs in the page token do not match the requested experiment IDs'],
  ['filter', 'Filter string in the page token does not match the requested filter string'],
  ['orderBy', 'Order by in the page token does not match the requested order by'],
] as const

/** @throws MlflowError INVALID_PARAMETER_VALUE for junk, and for the token of another search */
export function readToken(text: string, sought: Sought): LoggedModelPlace {
  const parsed = Token.safeParse(parsedJson(Buffer.from(text, 'base64').toString()))
  if (!parsed.success) throw invalidParameter(`Invalid page token: ${text}`)
  const { place, ...found } = parsed.data
  for (const [key, mismatch] of mismatches) {
    if (JSON.stringify(found[key]) === JSON.stringify(sought[key])) continue
    throw invalidParameter(`${mismatch}. Expected: ${shown(sought[key])}. Found: ${shown(found[key])}`)
  }
  return place
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // No token either way; the schema says so.
  }
}

/** As Python prints it; a text by itself stands as it is. */
const shown = (value: unknown): string => (typeof value === 'string' ? value : python(value))

function python(value: unknown): string {
  if (typeof value === 'string') return reprOf(value)
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object' || value === null) return 'None'
  return `{${Object.entries(value)
    .map(([key, each]) => `${reprOf(key)}: ${python(each)}`)
    .join(', ')}}`
}
