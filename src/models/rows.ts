// Rows on their way into a model: named columns, checked against the signature, in the memory that the tensors look at.
import { DomainError } from '../platform/errors.ts'
import { MISSING_MICROS } from '../training/frame.ts'
import type { Signature, SignatureColumn, SignatureType } from './signature.ts'
import { microsOf } from './time-value.ts'

/** Stands for a missing time: the least int64, as the trainers' graphs expect it. */
export const missingMicros = MISSING_MICROS

/** Most rows of one batch. The gateway caps what it runs at once far below. */
export const batchRowsMax = 131_072

/**
 * Values of one column, a row each. In plain arrays null and undefined are missing. Typed arrays are taken as they are: NaN is missing, and
 * a BigInt64Array of a datetime column holds microseconds.
 */
export type ColumnInput = readonly unknown[] | Float32Array | Float64Array | Int32Array | BigInt64Array

/** The memory of one column, in the order of the signature. Rows from `Batch.rows` on are unused. */
export type BatchColumn =
  | { readonly kind: 'number'; readonly spec: SignatureColumn; values: Float32Array }
  | { readonly kind: 'time'; readonly spec: SignatureColumn; values: BigInt64Array }
  | { readonly kind: 'string'; readonly spec: SignatureColumn; readonly values: string[] }

/** Rows of one signature, appended to and run; `clear` it and use it again. */
export interface Batch {
  readonly signature: Signature
  readonly columns: readonly BatchColumn[]
  readonly byName: ReadonlyMap<string, BatchColumn>
  rows: number
}

/** An empty batch with room for `capacity` rows; it grows up to {@link batchRowsMax}. */
export function createBatch(signature: Signature, capacity = 64): Batch {
  const columns = signature.inputs.map((spec): BatchColumn => {
    if (spec.type === 'string') return { kind: 'string', spec, values: [] }
    if (spec.type === 'datetime') return { kind: 'time', spec, values: new BigInt64Array(capacity) }
    return { kind: 'number', spec, values: new Float32Array(capacity) }
  })
  return { signature, columns, byName: new Map(columns.map((column) => [column.spec.name, column])), rows: 0 }
}

export function clearBatch(batch: Batch): void {
  batch.rows = 0
  // A string tensor looks at the whole array, so it holds no more than the rows.
  for (const column of batch.columns) if (column.kind === 'string') column.values.length = 0
}

/** `refuse` a column that the signature does not name (a misspelt name would else be a missing value), or `ignore` it. */
export type ExtraColumns = 'refuse' | 'ignore'

/**
 * Appends rows given as columns. All or nothing: after an error the batch is as it was.
 *
 * In JSON a datetime is ISO 8601 text (without an offset: UTC) or a whole number of milliseconds since 1970; a bigint is microseconds.
 * Integer and long columns take whole numbers of their range, boolean true, false, 1 and 0. Missing values become NaN, '' and
 * {@link missingMicros}.
 * @throws DomainError input_column_missing, input_column_unknown, input_value, input_rows_unequal, too_many_rows
 */
export function appendColumns(
  batch: Batch,
  input: Readonly<Record<string, ColumnInput>>,
  extra: ExtraColumns = 'refuse',
): number {
  const start = batch.rows
  let rows = -1
  for (const name in input) {
    if (!Object.hasOwn(input, name)) continue
    const { length } = input[name]!
    if (rows >= 0 && length !== rows) {
      throw invalid('input_rows_unequal', `column "${name}" has ${length} rows, the columns before it ${rows}`)
    }
    rows = length
    if (extra === 'refuse' && !batch.byName.has(name)) throw unknownColumn(batch, name)
  }
  if (rows < 0) rows = 0
  reserve(batch, start + rows)
  for (const column of batch.columns) {
    const { name, required } = column.spec
    const values = Object.hasOwn(input, name) ? input[name] : undefined
    if (values) writeColumn(column, values, start)
    else if (required && rows > 0) throw missingColumn(batch, name)
    else for (let row = 0; row < rows; row++) writeMissing(column, start + row)
  }
  batch.rows = start + rows
  return rows
}

export interface RowOptions {
  /** For messages: which of the request's rows it is, from 0 (default 0). */
  readonly row?: number
  readonly extra?: ExtraColumns
}
const rowDefaults: RowOptions = {}

/**
 * Appends one row given as an object. All or nothing; values as in {@link appendColumns}.
 * @throws DomainError as {@link appendColumns}
 */
export function appendRow(
  batch: Batch,
  record: Readonly<Record<string, unknown>>,
  { row = 0, extra = 'refuse' }: RowOptions = rowDefaults,
): void {
  const at = batch.rows
  reserve(batch, at + 1)
  let used = 0
  for (const column of batch.columns) {
    const { name, required } = column.spec
    const isGiven = Object.hasOwn(record, name)
    if (isGiven) used++
    else if (required) throw missingColumn(batch, name)
    if (isGiven) writeValue(column, record[name], { at, row })
    else writeMissing(column, at)
  }
  if (extra === 'refuse') {
    let given = 0
    for (const name in record) if (Object.hasOwn(record, name)) given++
    if (given > used)
      throw unknownColumn(
        batch,
        Object.keys(record).find((name) => !batch.byName.has(name))!,
      )
  }
  batch.rows = at + 1
}

/** Appends rows `from` (inclusive) to `to` (exclusive) of a batch of the same signature. @throws DomainError too_many_rows */
export function appendRows(batch: Batch, source: Batch, [from, to]: readonly [number, number]): void {
  const start = batch.rows
  reserve(batch, start + to - from)
  batch.columns.forEach((column, index) => {
    const other = source.columns[index]!
    for (let row = from; row < to; row++) column.values[start + row - from] = other.values[row]!
  })
  batch.rows = start + to - from
}

/** Makes room for `rows` rows in all. */
function reserve(batch: Batch, rows: number): void {
  if (rows > batchRowsMax) {
    throw new DomainError(
      'too_large',
      'too_many_rows',
      `${rows} rows in one batch, at most ${batchRowsMax}: send them in parts`,
    )
  }
  for (const column of batch.columns) {
    if (column.kind === 'string' || column.values.length >= rows) continue
    const capacity = Math.min(batchRowsMax, Math.max(rows, column.values.length * 2))
    if (column.kind === 'number') column.values = grown(new Float32Array(capacity), column.values)
    else column.values = grown(new BigInt64Array(capacity), column.values)
  }
}

function grown<T extends { set(values: T): void }>(larger: T, values: T): T {
  larger.set(values)
  return larger
}

interface Place {
  /** In the batch. */
  readonly at: number
  /** In the request, for messages. */
  readonly row: number
}

function writeColumn(column: BatchColumn, values: ColumnInput, start: number): void {
  // Typed arrays that need no look at each value are copied whole.
  if (column.kind === 'number' && values instanceof Float32Array) return column.values.set(values, start)
  if (column.kind === 'time' && values instanceof BigInt64Array) return column.values.set(values, start)
  for (let row = 0; row < values.length; row++) writeValue(column, values[row], { at: start + row, row })
}

function writeMissing(column: BatchColumn, at: number): void {
  if (column.kind === 'number') column.values[at] = Number.NaN
  else if (column.kind === 'time') column.values[at] = missingMicros
  else column.values[at] = ''
}

function writeValue(column: BatchColumn, value: unknown, place: Place): void {
  if (value === null || value === undefined) return writeMissing(column, place.at)
  if (column.kind === 'number') {
    column.values[place.at] = numberOf(column.spec, value, place.row)
  } else if (column.kind === 'string') {
    if (typeof value !== 'string') throw wrongType(column.spec, value, place.row)
    column.values[place.at] = value
  } else {
    const micros = microsOf(value)
    if (micros === undefined) throw wrongType(column.spec, value, place.row)
    column.values[place.at] = micros
  }
}

/** Largest float32; what is beyond would become an infinity. */
const float32Max = 3.4028234663852886e38
const ranges: Partial<Record<SignatureType, number>> = { integer: 2 ** 31, long: 2 ** 63 }

function numberOf(spec: SignatureColumn, value: unknown, row: number): number {
  if (typeof value === 'number') {
    if (spec.type === 'double' || spec.type === 'float') {
      if (value <= float32Max && value >= -float32Max) return value
      if (Number.isNaN(value)) return value
      throw outOfRange(spec, value, row)
    }
    if (Number.isNaN(value)) return value
    if (!Number.isInteger(value)) throw wrongType(spec, value, row)
    if (spec.type === 'boolean' && value !== 0 && value !== 1) throw outOfRange(spec, value, row)
    const limit = ranges[spec.type]
    if (limit !== undefined && (value >= limit || value < -limit)) throw outOfRange(spec, value, row)
    return value
  }
  if (typeof value === 'boolean' && spec.type === 'boolean') return value ? 1 : 0
  if (typeof value === 'bigint' && spec.type !== 'boolean') return numberOf(spec, Number(value), row)
  throw wrongType(spec, value, row)
}

const expectations: Record<SignatureType, string> = {
  boolean: 'true or false',
  integer: 'a whole number of 32 bits',
  long: 'a whole number of 64 bits',
  float: 'a number',
  double: 'a number',
  string: 'text',
  datetime: 'an ISO 8601 time or whole milliseconds since 1970',
}

function invalid(code: string, message: string, detail?: Record<string, unknown>): DomainError {
  return new DomainError('invalid', code, message, detail)
}

function wrongType(spec: SignatureColumn, value: unknown, row: number): DomainError {
  const message = `column "${spec.name}", row ${row}: ${shown(value)} is not ${expectations[spec.type]} (or null)`
  return invalid('input_value', message, { column: spec.name, row })
}

function outOfRange(spec: SignatureColumn, value: number, row: number): DomainError {
  const message = `column "${spec.name}", row ${row}: ${value} is out of range for ${spec.type}: expected ${expectations[spec.type]}`
  return invalid('input_value', message, { column: spec.name, row })
}

function missingColumn(batch: Batch, name: string): DomainError {
  const message = `column "${name}" is missing: the model takes ${columnList(batch)}`
  return invalid('input_column_missing', message, { column: name })
}

function unknownColumn(batch: Batch, name: string): DomainError {
  const message = `column "${shortened(name)}" is no input of the model, which takes ${columnList(batch)}`
  return invalid('input_column_unknown', message, { column: shortened(name) })
}

const columnListMax = 30

function columnList(batch: Batch): string {
  const names = batch.columns.slice(0, columnListMax).map(({ spec }) => `"${spec.name}" (${spec.type})`)
  const rest = batch.columns.length - names.length
  return rest > 0 ? `${names.join(', ')} and ${rest} more` : names.join(', ')
}

const shownMax = 60
const shortened = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shortened(value))
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? `${value}` : 'a value'
}
