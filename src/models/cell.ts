// One value into one cell of a batch: what each type of column takes, and what is said of a value that it does not take.
import { DomainError } from '../platform/errors.ts'
import { MISSING_MICROS } from '../training/frame.ts'
import type { BatchColumn, LongColumn, NumberColumn } from './batch.ts'
import type { SignatureType } from './signature.ts'
import { microsOf } from './time-value.ts'

/** Stands for a missing time: the least int64, as the trainers' graphs expect it. */
export const missingMicros = MISSING_MICROS

export interface CellPlace {
  /** Row in the batch. */
  readonly at: number
  /** Row in the request, for messages. */
  readonly row: number
}

/** @throws DomainError input_value: a whole number of the graph cannot be missing */
export function writeMissing(column: BatchColumn, place: CellPlace): void {
  const index = place.at * column.tensor.width + column.offset
  if (column.kind === 'number' && column.takesMissing) column.tensor.values[index] = Number.NaN
  else if (column.kind === 'time') column.tensor.values[index] = missingMicros
  else if (column.kind === 'string') column.tensor.values[index] = ''
  else throw cannotBeMissing(column, place.row)
}

/** Null and undefined are missing. @throws DomainError input_value */
export function writeValue(column: BatchColumn, value: unknown, place: CellPlace): void {
  if (value === null || value === undefined) return writeMissing(column, place)
  const index = place.at * column.tensor.width + column.offset
  switch (column.kind) {
    case 'number':
      column.tensor.values[index] = numberOf(column, value, place.row)
      return
    case 'string':
      column.tensor.values[index] = textOf(column, value, place.row)
      return
    case 'time': {
      const micros = microsOf(value)
      if (micros === undefined) throw wrongType(column, value, place.row)
      column.tensor.values[index] = micros
      return
    }
    case 'long':
      column.tensor.values[index] = longOf(column, value, place.row)
  }
}

function numberOf(column: NumberColumn, value: unknown, row: number): number {
  const { type } = column.spec
  if (typeof value === 'number') {
    if (value >= column.low && value <= column.high && (!column.isWhole || Number.isInteger(value))) return value
    if (Number.isNaN(value)) {
      if (column.takesMissing) return value
      throw cannotBeMissing(column, row)
    }
    if (column.isWhole && !Number.isInteger(value)) throw wrongType(column, value, row)
    throw outOfRange(column, value, row)
  }
  if (typeof value === 'boolean' && type === 'boolean') return value ? 1 : 0
  if (typeof value === 'bigint' && type !== 'boolean') return numberOf(column, Number(value), row)
  throw wrongType(column, value, row)
}

function longOf(column: LongColumn, value: unknown, row: number): bigint {
  if (typeof value === 'boolean' && column.spec.type === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number' && Number.isNaN(value)) throw cannotBeMissing(column, row)
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  if (!isWhole) throw wrongType(column, value, row)
  const whole = BigInt(value)
  if (whole >= column.low && whole <= column.high) return whole
  throw outOfRange(column, value, row)
}

function textOf(column: BatchColumn, value: unknown, row: number): string {
  if (typeof value !== 'string') throw wrongType(column, value, row)
  if (!value.includes('\0')) return value
  const message = `column "${column.spec.name}", row ${row}: ${shown(value)} holds the character U+0000, at which ONNX Runtime cuts text: leave it out`
  throw invalid(message, column, row)
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

function invalid(message: string, { spec }: BatchColumn, row: number): DomainError {
  return new DomainError('invalid', 'input_value', message, { column: spec.name, row })
}

function wrongType(column: BatchColumn, value: unknown, row: number): DomainError {
  const { name, type } = column.spec
  const orNull = column.kind === 'long' || (column.kind === 'number' && !column.takesMissing) ? '' : ' (or null)'
  return invalid(`column "${name}", row ${row}: ${shown(value)} is not ${expectations[type]}${orNull}`, column, row)
}

function outOfRange(column: BatchColumn, value: number | bigint, row: number): DomainError {
  const { name, type } = column.spec
  const { elementType } = column.tensor
  const within = elementType.startsWith('float') || elementType === 'int64' ? '' : ` (${elementType} in the graph)`
  const message = `column "${name}", row ${row}: ${value} is out of range for ${type}${within}: expected ${expectations[type]}`
  return invalid(message, column, row)
}

function cannotBeMissing(column: BatchColumn, row: number): DomainError {
  const { elementType } = column.tensor
  const message = `column "${column.spec.name}", row ${row}: a value is missing, and the model takes ${elementType}, which has none for that: send a value, or convert the model with a float input`
  return invalid(message, column, row)
}

const shownMax = 60
export const shortened = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shortened(value))
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? `${value}` : 'a value'
}
