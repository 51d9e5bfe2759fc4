// Rows on their way into a model: named columns, checked against the signature, written into a batch.
import { DomainError } from '../platform/errors.ts'
import { reserveRows, type Batch, type BatchColumn } from './batch.ts'
import { shortened, writeMissing, writeValue } from './cell.ts'

// Whoever writes rows needs the batch that they are written into.
export { appendRows, batchRowsMax, cellAt, clearBatch, createBatch } from './batch.ts'
export type { Batch } from './batch.ts'
export { missingMicros } from './cell.ts'

/**
 * Values of one column, a row each. In plain arrays null and undefined are missing. Typed arrays are taken as they are: NaN is missing, and
 * a BigInt64Array of a datetime column holds microseconds.
 */
export type ColumnInput = readonly unknown[] | Float32Array | Float64Array | Int32Array | BigInt64Array

/** `refuse` a column that the signature does not name (a misspelt name would else be a missing value), or `ignore` it. */
export type ExtraColumns = 'refuse' | 'ignore'

/**
 * Appends rows given as columns. All or nothing: after an error the batch is as it was.
 *
 * In JSON a datetime is ISO 8601 text (without an offset: UTC) or a whole number of milliseconds since 1970; a bigint is microseconds.
 * Integer and long columns take whole numbers of their range, boolean true, false, 1 and 0. Missing values become NaN, '' and
 * {@link missingMicros}; whole numbers of the graph's own cannot be missing.
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
  reserveRows(batch, start + rows)
  for (const column of batch.columns) {
    const { name, required } = column.spec
    const values = Object.hasOwn(input, name) ? input[name] : undefined
    if (values) writeColumn(column, values, start)
    else if (required && rows > 0) throw missingColumn(batch, name)
    else for (let row = 0; row < rows; row++) writeMissing(column, { at: start + row, row })
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
  reserveRows(batch, at + 1)
  let used = 0
  for (const column of batch.columns) {
    const { name, required } = column.spec
    const isGiven = Object.hasOwn(record, name)
    if (isGiven) used++
    else if (required) throw missingColumn(batch, name)
    if (isGiven) writeValue(column, record[name], { at, row })
    else writeMissing(column, { at, row })
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

function writeColumn(column: BatchColumn, values: ColumnInput, start: number): void {
  // Typed arrays that need no look at each value are copied.
  if (isExact(column, values)) return copyColumn(column, values, start)
  for (let row = 0; row < values.length; row++) writeValue(column, values[row], { at: start + row, row })
}

/** Whatever the array holds, the column takes it. */
function isExact(column: BatchColumn, values: ColumnInput): values is Float32Array {
  if (column.kind === 'number') {
    if (values instanceof Float32Array) return column.takesMissing
    return values instanceof Float64Array && column.tensor.values instanceof Float64Array && !column.isWhole
  }
  if (!(values instanceof BigInt64Array)) return false
  return column.kind === 'time' || (column.kind === 'long' && column.spec.type === 'long')
}

function copyColumn({ tensor, offset }: BatchColumn, values: Float32Array, start: number): void {
  const { width } = tensor
  const memory = tensor.values as Float32Array
  if (width === 1) return memory.set(values, start)
  for (let row = 0, index = start * width + offset; row < values.length; row++, index += width) {
    memory[index] = values[row]!
  }
}

function invalid(code: string, message: string, detail?: Record<string, unknown>): DomainError {
  return new DomainError('invalid', code, message, detail)
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
