// From JSON or a query to a message: fields by either of their names, numbers as text, enums as numbers; what is unknown is left out.
import { enums, messages } from '../generated/descriptors.ts'

/** What a field holds is not of its type. */
export class FieldError extends Error {
  /** Empty: the value itself. */
  field: string
  readonly value: unknown

  constructor(field: string, value: unknown, wanted: string) {
    super(`${wanted} is wanted`)
    this.field = field
    this.value = value
  }
}

export interface Field {
  readonly name: string
  readonly kind: Kind
  readonly isRepeated: boolean
  readonly isMap: boolean
}
type Kind =
  | { readonly is: 'scalar'; readonly type: string }
  | { readonly is: 'enum'; readonly values: Readonly<Record<string, number>> }
  | { readonly is: 'message'; readonly type: string }

type Descriptors = Readonly<Record<string, Readonly<Record<string, string>>>>
const described: Descriptors = messages
const enumerated: Readonly<Record<string, Readonly<Record<string, number>>>> = enums

/** `experiment_id` is `experimentId` in proto JSON. */
export const jsonNameOf = (name: string): string =>
  name.replaceAll(/_(?<letter>[a-z0-9])/gv, (_all, letter: string) => letter.toUpperCase())

function kindOf(type: string): Kind {
  if (type in enumerated) return { is: 'enum', values: enumerated[type]! }
  if (type in described) return { is: 'message', type }
  return { is: 'scalar', type }
}

function fieldOf(name: string, text: string): Field {
  const isRepeated = text.endsWith('[]')
  const isMap = text.startsWith('map<')
  const type = isRepeated ? text.slice(0, -2) : isMap ? text.slice('map<'.length, -1) : text
  return { name, kind: kindOf(type), isRepeated, isMap }
}

const fieldsOfMessage = new Map<string, ReadonlyMap<string, Field>>()

/** By both names. */
export function fieldsOf(message: string): ReadonlyMap<string, Field> {
  const known = fieldsOfMessage.get(message)
  if (known) return known
  const fields = Object.entries(described[message]!).flatMap(([name, text]): [string, Field][] => {
    const field = fieldOf(name, text)
    return [
      [jsonNameOf(name), field],
      [name, field],
    ]
  })
  const made = new Map(fields)
  fieldsOfMessage.set(message, made)
  return made
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws FieldError naming the field, such as `metrics[2].step` */
export function parseMessage(message: string, json: unknown): Record<string, unknown> {
  if (!isObject(json)) throw new FieldError('', json, 'an object')
  const fields = fieldsOf(message)
  const parsed: Record<string, unknown> = {}
  for (const key of Object.keys(json)) {
    const field = fields.get(key)
    const value = json[key]
    if (!field || value === null || value === undefined) continue
    try {
      const read = parseField(field, value)
      if (read !== undefined) parsed[field.name] = read
    } catch (error) {
      throw placedIn(field.name, error)
    }
  }
  return parsed
}

/** The error with what it is in before its field: paths are put together only when there is something to tell. */
function placedIn(outer: string, error: unknown): unknown {
  if (!(error instanceof FieldError)) return error
  const { field } = error
  error.field = field === '' || field.startsWith('[') ? outer + field : `${outer}.${field}`
  return error
}

function parseField(field: Field, value: unknown): unknown {
  if (field.isRepeated) return parseList(field.kind, value)
  if (!field.isMap) return parseValue(field.kind, value)
  if (!isObject(value)) throw new FieldError('', value, 'an object')
  const entries = Object.entries(value).map(([key, each]) => {
    try {
      return [key, parseValue(field.kind, each)]
    } catch (error) {
      throw placedIn(key, error)
    }
  })
  return Object.fromEntries(entries)
}

function parseList(kind: Kind, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new FieldError('', value, 'a list')
  const list: unknown[] = []
  for (let index = 0; index < value.length; index++) {
    try {
      const each = parseValue(kind, value[index])
      if (each !== undefined) list.push(each)
    } catch (error) {
      throw placedIn(`[${index}]`, error)
    }
  }
  return list
}

function parseValue(kind: Kind, value: unknown): unknown {
  if (kind.is === 'message') return parseMessage(kind.type, value)
  if (kind.is === 'enum') return parseEnum(kind.values, value)
  switch (kind.type) {
    case 'string':
      // Half of a surrogate pair has no place in UTF-8, and would be stored as another text.
      if (typeof value === 'string' && value.isWellFormed()) return value
      throw new FieldError('', value, 'a text')
    case 'int64':
      return parseInteger(value, 63n)
    case 'int32':
      return parseInteger(value, 31n)
    case 'double':
      return parseDouble(value)
    case 'bool':
      if (typeof value === 'boolean') return value
      throw new FieldError('', value, 'true or false')
    case 'json':
      return plain(value)
    default:
      if (typeof value === 'string') return value
      throw new FieldError('', value, `a text (${kind.type})`)
  }
}

/** The name; a name that is not known is as good as none, as in proto JSON that ignores what it does not know. */
function parseEnum(values: Readonly<Record<string, number>>, value: unknown): string | undefined {
  if (typeof value === 'string' && !/^-?\d+$/v.test(value)) return Object.hasOwn(values, value) ? value : undefined
  if (typeof value !== 'number' && typeof value !== 'string') throw new FieldError('', value, 'a name')
  const found = Object.entries(values).find(([, number]) => number === Number(value))
  if (!found) throw new FieldError('', value, `one of ${Object.keys(values).join(', ')}`)
  return found[0]
}

function parseInteger(value: unknown, bits: bigint): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && (bits > 31n || Math.abs(value) < 2 ** 31))
    return value
  const text = typeof value === 'string' ? value.trim() : value
  if (typeof text === 'bigint' || (typeof text === 'string' && /^-?\d{1,20}$/v.test(text))) {
    const integer = BigInt(text)
    if (integer >= -(1n << bits) && integer < 1n << bits) {
      return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
    }
  }
  throw new FieldError('', value, `an integer of ${bits + 1n} bits`)
}

const notFinite = new Set(['NaN', 'Infinity', '-Infinity'])
const decimal = /^\s*[+\-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?\s*$/v

function parseDouble(value: unknown): number | string {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string') {
    if (notFinite.has(value)) return value
    if (decimal.test(value)) return Number(value)
  }
  throw new FieldError('', value, 'a number')
}

/** Numbers inside of free JSON are doubles in the protocol. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

/** The name of a field that the JSON spells in both ways, at any depth: one of the two would win in silence. */
export function findTwiceNamed(message: string, json: unknown): string | undefined {
  if (!isObject(json)) return undefined
  const fields = fieldsOf(message)
  for (const key of Object.keys(json)) {
    const field = fields.get(key)
    if (!field) continue
    if (field.name !== key && Object.hasOwn(json, field.name)) return field.name
    if (field.kind.is !== 'message' || field.isMap) continue
    const value = json[key]
    for (const each of Array.isArray(value) ? value : [value]) {
      const found = findTwiceNamed(field.kind.type, each)
      if (found) return found
    }
  }
  return undefined
}
