// JSON of people who are not ours: every number comes back as it was written (1.0, 2^63, NaN), as Python's json module writes and reads it.
import { replaceBareNumbers } from './bare-numbers.ts'
import { DomainError } from './errors.ts'

/** A number as its text. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  get isInteger(): boolean {
    return /^-?\d+$/v.test(this.text)
  }
}

export type ExactJson = null | boolean | string | JsonNumber | readonly ExactJson[] | ExactObject
export interface ExactObject {
  readonly [key: string]: ExactJson
}

export const isExactObject = (value: ExactJson | undefined): value is ExactObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)

const depthMax = 200
/** Numbers that JSON has not travel through the parser as texts that no client writes. */
const mark = '\u0000number:'

interface Source {
  readonly source?: string
}

/** @throws DomainError json_invalid: it is no JSON, or nested too deeply. */
export function parseExact(text: string): ExactJson {
  const isOdd = text.includes('NaN') || text.includes('Infinity')
  const marked = isOdd ? replaceBareNumbers(text, (found) => JSON.stringify(mark + found)) : text
  // The third argument is ES2025's; the library's types do not have it yet.
  const revive = ((_key: string, value: unknown, { source }: Source) => {
    if (typeof value === 'number') return new JsonNumber(source ?? String(value))
    return typeof value === 'string' && value.startsWith(mark) ? new JsonNumber(value.slice(mark.length)) : value
  }) as (key: string, value: unknown) => unknown
  try {
    return JSON.parse(marked, revive) as ExactJson
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
    throw new DomainError('invalid', 'json_invalid', `"${shown}" is no JSON: ${error.message}`)
  }
}

/** With a space after comma and colon and ASCII only, as Python prints it. @throws DomainError json_invalid: nested too deeply */
export function printExact(value: ExactJson, options: { isSorted?: boolean } = {}, depth = 0): string {
  if (depth > depthMax) {
    throw new DomainError('invalid', 'json_invalid', `JSON may be nested ${depthMax} levels deep: make it flatter`)
  }
  if (value instanceof JsonNumber) return value.text
  if (typeof value === 'string') return printString(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    return `[${(value as readonly ExactJson[]).map((each) => printExact(each, options, depth + 1)).join(', ')}]`
  }
  const entries = Object.entries(value as ExactObject)
  const ordered = options.isSorted ? entries.toSorted(([a], [b]) => (a < b ? -1 : 1)) : entries
  return `{${ordered.map(([key, each]) => `${printString(key)}: ${printExact(each, options, depth + 1)}`).join(', ')}}`
}

const printString = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[\u007F-\uFFFF]/g, // oxlint-disable-line require-unicode-regexp -- each half of a pair apart, as Python writes them
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
