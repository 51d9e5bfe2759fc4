// Rows as JSON writes them (lists, records, columns of lists) become columns of the signature. Shared by MLflow's protocol and V1. Pure.
import { DomainError } from '../../platform/errors.ts'
import type { Signature, SignatureColumn } from '../../models/signature.ts'
import { rowsPerRequestMax } from '../contract/gateway-limits.ts'
import { isJsonObject, type JsonObject } from './json-body.ts'
import type { NamedRows } from './request-rows.ts'

export const invalidRows = (message: string): DomainError => new DomainError('invalid', 'request_invalid', message)

export const shortName = (name: string): string => name.slice(0, 100)

/** @throws DomainError rows_too_many */
export function assertRowCount(rows: number): void {
  if (rows <= rowsPerRequestMax) return
  const message = `a request may have ${rowsPerRequestMax} rows, this one has ${rows}: send several requests`
  throw new DomainError('too_large', 'rows_too_many', message)
}

const inputsBySignature = new WeakMap<Signature, ReadonlyMap<string, SignatureColumn>>()

/** Needed at each request. */
export function inputsByName(signature: Signature): ReadonlyMap<string, SignatureColumn> {
  let found = inputsBySignature.get(signature)
  if (!found) inputsBySignature.set(signature, (found = new Map(signature.inputs.map((input) => [input.name, input]))))
  return found
}

const namesBySignature = new WeakMap<Signature, readonly string[]>()

/** The columns in their order, which values without names are in. */
export function inputNames(signature: Signature): readonly string[] {
  let found = namesBySignature.get(signature)
  if (!found) namesBySignature.set(signature, (found = signature.inputs.map(({ name }) => name)))
  return found
}

/** What becomes of a name that is no input of the model. */
export type Unknown = 'refuse' | 'ignore'

/** Without a prototype: a column may be named "constructor". */
const noColumns = (): Record<string, unknown[]> => Object.create(null) as Record<string, unknown[]>

/**
 * Rows that are lists in the order of `names`; with one name, rows that are the value itself.
 * @throws DomainError request_invalid, rows_too_many, input_column_unknown, input_column_missing
 */
export function columnsOfLists(
  rows: readonly unknown[],
  { names, signature, unknown }: { names: readonly string[]; signature: Signature; unknown: Unknown },
): NamedRows {
  assertRowCount(rows.length)
  const isSingle = names.length === 1
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]
    if (Array.isArray(row) ? row.length === names.length : isSingle) continue
    throw invalidRows(
      `row ${at} must be a list of ${names.length} values: ${names.slice(0, 20).map(shortName).join(', ')}`,
    )
  }
  const columns = noColumns()
  const inputs = inputsByName(signature)
  for (let place = 0; place < names.length; place++) {
    const name = names[place]!
    if (!inputs.has(name)) {
      if (unknown === 'ignore') continue
      throw unknownColumn(name, signature)
    }
    if (columns[name]) throw invalidRows(`the column "${shortName(name)}" stands twice in the request`)
    const values: unknown[] = []
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at]
      values.push(Array.isArray(row) ? row[place] : row)
    }
    columns[name] = values
  }
  return complete({ columns, rows: rows.length }, signature, names)
}

/**
 * Rows that are objects by column name. A key that only some of them have is missing in the others.
 * @throws DomainError request_invalid, rows_too_many, input_column_unknown, input_column_missing
 */
export function columnsOfRecords(
  rows: readonly unknown[],
  { signature, unknown }: { signature: Signature; unknown: Unknown },
): NamedRows {
  assertRowCount(rows.length)
  const columns = noColumns()
  const inputs = inputsByName(signature)
  for (let at = 0; at < rows.length; at++) {
    const record = rows[at]
    if (!isJsonObject(record)) throw invalidRows(`row ${at} must be an object: {"column": value, …}`)
    for (const name of Object.keys(record)) {
      const values = columns[name]
      if (values) values[at] = record[name]
      else if (inputs.has(name)) (columns[name] = emptyColumn(rows.length))[at] = record[name]
      else if (unknown === 'refuse') throw unknownColumn(name, signature)
    }
  }
  // No rows name no columns.
  return rows.length === 0
    ? { columns, rows: 0 }
    : complete({ columns, rows: rows.length }, signature, Object.keys(rows[0] as JsonObject))
}

const emptyColumn = (rows: number): unknown[] => Array.from({ length: rows })

/**
 * Columns by name, each a list of as many values; a value that is alone is a column of one row, and `[[1], [2]]` one of two.
 * @throws DomainError rows_too_many, input_column_unknown, input_column_missing, input_rows_unequal
 */
export function columnsOfObject(
  value: JsonObject,
  { signature, unknown }: { signature: Signature; unknown: Unknown },
): NamedRows {
  const columns = noColumns()
  const inputs = inputsByName(signature)
  let rows = -1
  for (const name of Object.keys(value)) {
    if (!inputs.has(name)) {
      if (unknown === 'ignore') continue
      throw unknownColumn(name, signature)
    }
    const cells = value[name]
    const values = Array.isArray(cells) ? unwrapped(cells as unknown[]) : [cells]
    if (rows !== -1 && values.length !== rows) {
      const message = `column "${shortName(name)}" has ${values.length} rows, and the columns before it have ${rows}`
      throw new DomainError('invalid', 'input_rows_unequal', message)
    }
    rows = values.length
    columns[name] = values
  }
  assertRowCount(rows)
  return complete({ columns, rows: Math.max(rows, 0) }, signature, Object.keys(value))
}

/** Values that come as lists of one, `[rows, 1]`. */
const unwrapped = (cells: unknown[]): unknown[] =>
  cells.some(isListOfOne) ? cells.map((cell) => (isListOfOne(cell) ? cell[0] : cell)) : cells

/** Whole numbers are milliseconds, however long: as bigints they would be a batch's own microseconds. */
export function timesAsNumbers(cells: unknown[]): void {
  for (let row = 0; row < cells.length; row++) if (typeof cells[row] === 'bigint') cells[row] = Number(cells[row])
}

export const isListOfOne = (cell: unknown): cell is readonly [unknown] => Array.isArray(cell) && cell.length === 1

/**
 * Has every column that the model needs, and at least one where there are rows: it is by the columns that they are counted.
 * @param given the names of the request, for the message: a column that is missing may be there under a wrong one
 * @throws DomainError input_column_missing
 */
export function complete(
  { columns, rows }: { columns: Record<string, unknown[]>; rows: number },
  signature: Signature,
  given: readonly string[] = [],
): NamedRows {
  const { inputs } = signature
  let missing: string[] | undefined
  let hasAny = false
  for (const { name, required } of inputs) {
    if (columns[name]) hasAny = true
    else if (required) (missing ??= []).push(name)
  }
  if (missing) {
    const extra = given.filter((name) => !inputsByName(signature).has(name))
    const note = extra.length > 0 ? ` Note that there were extra inputs: ${quotedNames(extra)}.` : ''
    const message = `Model is missing inputs ${quotedNames(missing)}: send a column of each.${note}`
    throw new DomainError('invalid', 'input_column_missing', message)
  }
  if (!hasAny) columns[inputs[0]!.name] = emptyColumn(rows)
  return { columns, rows }
}

const namesShownMax = 20

function quotedNames(names: readonly string[]): string {
  const shown = names.slice(0, namesShownMax).map((name) => `'${shortName(name)}'`)
  return `[${shown.join(', ')}]${names.length > namesShownMax ? ` and ${names.length - namesShownMax} more` : ''}`
}

/**
 * All records have the names of the first.
 * @throws DomainError request_invalid
 */
export function assertSameNames(rows: readonly unknown[]): void {
  const [first] = rows
  const names = isJsonObject(first) ? Object.keys(first) : []
  for (let at = 1; at < rows.length; at++) {
    const row = rows[at]
    const isSame =
      isJsonObject(row) && Object.keys(row).length === names.length && names.every((name) => Object.hasOwn(row, name))
    if (isSame) continue
    const shown = names.slice(0, namesShownMax).map(shortName).join(', ')
    throw invalidRows(
      `The length of values for each input/column name are not the same: row ${at} must have the names of row 0, ${shown}`,
    )
  }
}

export function unknownColumn(name: string, signature: Signature): DomainError {
  const names = inputNames(signature)
  const shown = names.slice(0, namesShownMax).map((each) => `"${shortName(each)}"`)
  const rest = names.length > namesShownMax ? ` and ${names.length - namesShownMax} more` : ''
  const message = `column "${shortName(name)}" is no input of the model, which takes ${shown.join(', ')}${rest}`
  return new DomainError('invalid', 'input_column_unknown', message, { column: shortName(name) })
}
