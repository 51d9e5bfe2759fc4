// The checks of a request that MLflow's server makes beside its types, in its words: clients and their tests know them.
import { invalidParameter, type MlflowError } from './errors.ts'

/** Names of fields to the checks that each must pass, in order (generated/descriptors.ts). */
export type Checks = Readonly<Record<string, readonly string[]>>

/** Made only where the request did not parse: then they name the field that is of a wrong type. */
const ofType = new Set(['intlike', 'string', 'bool', 'floatlike', 'array', 'item-type-string'])

const hint = ' See the API docs for more information about request parameters.'
const missing = (path: string): MlflowError =>
  invalidParameter(`Missing value for required parameter '${path}'.${hint}`)

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === ''

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function check(checks: Checks, json: Readonly<Record<string, unknown>>, hasParsed: boolean): void {
  for (const [field, rules] of Object.entries(checks)) {
    if (!Object.hasOwn(json, field) && !rules.includes('required')) continue
    const value = json[field] ?? (field === 'run_id' ? json['run_uuid'] : undefined)
    for (const rule of rules) if (!(hasParsed && ofType.has(rule))) assertHolds(rule, field, value)
  }
}

const elements: Readonly<Record<string, readonly string[] | undefined>> = {
  'metrics-fields-present': ['key', 'value', 'timestamp'],
  'params-fields-present': ['key'],
  'tags-fields-present': ['key'],
}

function assertHolds(rule: string, field: string, value: unknown): void {
  if (rule === 'required') {
    if (isMissing(value)) throw missing(field)
    return
  }
  if (rule === 'secret-value') {
    if (isMissing(value)) throw invalidParameter(`Missing value for required parameter '${field}'.`)
    return
  }
  const keys = elements[rule]
  if (keys) return assertPresent({ field, value, keys })
  if (rule === 'map-key-present') {
    const entries: unknown[] = Array.isArray(value) ? value : []
    if (!entries.every((entry) => !isMissing((entry as Record<string, unknown> | null)?.['key'])))
      throw unfit(field, value)
    return
  }
  const [bounds = '', ...message] = rule.split(': ')
  if (isKept(bounds, value)) return
  throw message.length > 0
    ? invalidParameter(message.join(': ').replace('{count}', String((value as unknown[]).length)) + hint)
    : unfit(field, value)
}

function assertPresent({ field, value, keys }: { field: string; value: unknown; keys: readonly string[] }): void {
  if (!Array.isArray(value)) return
  for (const [index, entry] of value.entries()) {
    for (const key of keys) {
      if (isMissing((entry as Record<string, unknown> | null)?.[key])) throw missing(`${field}[${index}].${key}`)
    }
  }
}

function isKept(rule: string, value: unknown): boolean {
  const [kind = '', ...numbers] = rule.split(' ')
  const [first = 0, second = 0] = numbers.map(Number)
  switch (kind) {
    case 'string':
      return typeof value === 'string'
    case 'bool':
      return typeof value === 'boolean'
    case 'array':
      return Array.isArray(value)
    case 'item-type-string':
      return Array.isArray(value) && value.every((each) => typeof each === 'string')
    case 'intlike':
      return ['number', 'bigint', 'boolean'].includes(typeof value) || /^\s*[+\-]?\d+\s*$/v.test(String(value))
    case 'floatlike':
      return !Number.isNaN(Number(value)) || /^[+\-]?(?:nan|inf|infinity)$/iv.test(String(value))
    case 'max':
      return Number(value) <= first
    case 'max-items':
      return (value as unknown[]).length <= first
    case 'range':
      return Number(value) >= first && Number(value) <= second
    default:
      throw new Error(`the check "${rule}" is not known here`)
  }
}

const unfit = (field: string, value: unknown): MlflowError =>
  invalidParameter(
    `Invalid value ${pythonJson(value)} for parameter '${field}' supplied:  Hint: Value was of type '${pythonType(value)}'.${hint}`,
  )

/** As Python prints it: keys in order, nothing beyond ASCII. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, each]) => `${pythonJson(key)}:${pythonJson(each)}`).join(',')}}`
  }
  if (typeof value === 'bigint') return String(value)
  return (JSON.stringify(value) ?? 'null').replaceAll(
    /[\u007F-\uFFFF]/g, // oxlint-disable-line require-unicode-regexp -- each half of a pair apart, as Python writes them
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function pythonType(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType'
  if (Array.isArray(value)) return 'list'
  const names = { string: 'str', boolean: 'bool', bigint: 'int', object: 'dict' }
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return names[typeof value as keyof typeof names]
}
