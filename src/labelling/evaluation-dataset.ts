// An evaluation dataset: examples that an application is measured on, with what is expected of it. Pure.
import { createHash } from 'node:crypto'
import { DomainError } from '../platform/errors.ts'
import { isExactObject, JsonNumber, printExact, type ExactJson, type ExactObject } from '../platform/exact-json.ts'

export const datasetNameLength = 500
/** Records of one call. */
export const recordsMax = 20_000

export interface EvaluationDataset {
  /** `d-` and 32 hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** Another one after each change of the records. */
  readonly digest: string
  /** JSON: fields of the records to their types; null before the first record. */
  readonly schema: string | null
  /** JSON: how many records there are; null before the first record. */
  readonly profile: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly createdBy: string | null
  readonly updatedBy: string | null
}

/** The tag by which MLflow's clients say who they are. */
export const userTag = 'mlflow.user'

export const evaluationDatasetNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'evaluation_dataset_not_found', `there is no evaluation dataset "${id}"`, { id })

/** Of the name and the time of the last change, as MLflow's server makes it. */
export const digestOf = (name: string, updatedAtMs: number): string =>
  createHash('sha256').update(`${name}:${updatedAtMs}`).digest('hex').slice(0, 8)

export const sourceTypes = ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE'] as const

/** A record as a client sends it. A field that is absent is left as it is in a record that is there. */
export interface SentRecord {
  readonly inputs: ExactObject
  readonly outputs?: ExactJson | undefined
  readonly expectations?: ExactObject | undefined
  readonly tags: ExactObject
  readonly source: { readonly type: string; readonly data: ExactObject } | null
}

const refuse = (at: number, message: string): never => {
  throw new DomainError('invalid', 'evaluation_record', `record ${at + 1}: ${message}`)
}

/** @throws DomainError evaluation_record: which one, and what is wrong with it */
export function readRecords(json: ExactJson): SentRecord[] {
  if (!Array.isArray(json)) {
    throw new DomainError('invalid', 'evaluation_record', 'records are a list of objects with "inputs"')
  }
  if (json.length > recordsMax) {
    throw new DomainError('invalid', 'evaluation_record', `${json.length} records: send at most ${recordsMax} at once`)
  }
  return (json as readonly ExactJson[]).map(readRecord)
}

function readRecord(record: ExactJson, at: number): SentRecord {
  if (!isExactObject(record)) return refuse(at, 'it is no object')
  const fieldOf = (name: string): ExactObject => {
    const value = record[name] ?? {}
    return isExactObject(value) ? value : refuse(at, `"${name}" is no object`)
  }
  if (record['inputs'] === null) refuse(at, '"inputs" is null')
  return {
    inputs: fieldOf('inputs'),
    ...(Object.hasOwn(record, 'outputs') ? { outputs: record['outputs'] } : {}),
    expectations:
      record['expectations'] === null || record['expectations'] === undefined ? undefined : fieldOf('expectations'),
    tags: fieldOf('tags'),
    source: sourceOf(fieldOf('source'), at),
  }
}

function sourceOf(source: ExactObject, at: number): SentRecord['source'] {
  if (Object.keys(source).length === 0) return null
  const { source_type: type, source_data: data = {} } = source
  const known = sourceTypes.find((each) => typeof type === 'string' && each === type.toUpperCase())
  if (!known) {
    const sent = typeof type === 'string' ? type.toUpperCase() : 'none'
    const valid = sourceTypes.map((each) => `'${each}'`).join(', ')
    return refuse(at, `Invalid dataset record source type: ${sent}. Valid source types: [${valid}]`)
  }
  return { type: known, data: isExactObject(data) ? data : {} }
}

/** By it inputs are told apart. */
export const inputHashOf = (inputs: ExactObject): string =>
  createHash('sha256')
    .update(printExact(inputs, { isSorted: true }))
    .digest('hex')

/** What is said of a record's origin by one id. */
export function sourceIdOf({ type, data }: NonNullable<SentRecord['source']>): string | null {
  const id = data[type === 'TRACE' ? 'trace_id' : 'source_id']
  return typeof id === 'string' ? id : null
}

/** A text of a tag, whatever JSON the client gave. */
export const textOf = (value: ExactJson): string => (typeof value === 'string' ? value : printExact(value))

export function userOf(tags: ExactObject): string | null {
  const user = tags[userTag]
  return user === undefined || user === null ? null : textOf(user)
}

type Types = Readonly<Record<string, string>>
interface Schema {
  readonly inputs: Types
  readonly outputs: Types | string
  readonly expectations: Types
  readonly version: string
}

/** The schema with the fields that the records bring; a field keeps the type that it came with. Null for no records and no schema. */
export function withFieldsOf(schema: string | null, records: readonly SentRecord[]): string | null {
  if (records.length === 0) return schema
  const before = (schema === null ? null : JSON.parse(schema)) as Schema | null
  const inputs = new Map(Object.entries(before?.inputs ?? {}))
  const expectations = new Map(Object.entries(before?.expectations ?? {}))
  let outputs: Types | string = before?.outputs ?? {}
  for (const record of records) {
    addTypes(inputs, record.inputs)
    addTypes(expectations, record.expectations ?? {})
    outputs = withOutputs(outputs, record.outputs)
  }
  const after = { inputs: Object.fromEntries(inputs), outputs, expectations: Object.fromEntries(expectations) }
  return printExact({ ...after, version: before?.version ?? '1.0' })
}

function withOutputs(before: Types | string, sent: ExactJson | undefined): Types | string {
  if (sent === undefined || sent === null) return before
  if (!isExactObject(sent))
    return typeof before === 'object' && Object.keys(before).length === 0 ? typeOf(sent) : before
  if (typeof before === 'string') return before
  const types = new Map(Object.entries(before))
  addTypes(types, sent)
  return Object.fromEntries(types)
}

function addTypes(types: Map<string, string>, fields: ExactObject): void {
  for (const [key, value] of Object.entries(fields)) if (!types.has(key)) types.set(key, typeOf(value))
}

function typeOf(value: ExactJson): string {
  if (value === null) return 'null'
  if (value instanceof JsonNumber) return value.isInteger ? 'integer' : 'float'
  if (Array.isArray(value)) return 'array'
  return typeof value // boolean, string, object
}

/** JSON of `{"num_records": n}`, which is "null" once all are deleted. */
export const profileOf = (records: number): string => (records > 0 ? `{"num_records": ${records}}` : 'null')
