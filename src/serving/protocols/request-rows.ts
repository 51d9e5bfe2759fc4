// The rows of a request and of its answer, between a protocol's bytes and a model's tensors.
import { appendMatrix, type Matrix } from '../../models/matrix.ts'
import type { Predictions } from '../../models/inference.ts'
import { appendColumns, type Batch, type ColumnInput } from '../../models/rows.ts'

/** Columns by input name, all of the same length. */
export type ColumnsByName = Readonly<Record<string, ColumnInput>>
export type RequestColumns = ColumnsByName | MatrixColumns

export interface RequestRows {
  readonly columns: RequestColumns
  readonly rows: number
}

/** Rows whose protocol names the columns of each. */
export interface NamedRows extends RequestRows {
  readonly columns: ColumnsByName
}

/** All columns of a request in one matrix: most of them go to a model that reads a matrix, and are never cut apart. */
export class MatrixColumns implements Matrix {
  readonly names: readonly string[]
  readonly rows: number
  readonly values: Matrix['values']
  #byName: ColumnsByName | undefined

  constructor({ names, rows, values }: Matrix) {
    this.names = names
    this.rows = rows
    this.values = values
  }

  get byName(): ColumnsByName {
    return (this.#byName ??= cutApart(this))
  }
}

/**
 * An object without a prototype's names, since an input may be named "constructor". One made by `Object.create(null)` is a hash table from
 * the start, which costs several times as much for a handful of columns.
 */
export const Columns = function Columns() {} as unknown as new () => Record<string, ColumnInput>
Columns.prototype = Object.create(null)

function cutApart({ names, rows, values }: Matrix): ColumnsByName {
  const columns = new Columns()
  for (const [place, name] of names.entries())
    columns[name] = columnOfMatrix(values, { rows, width: names.length, place })
  return columns
}

/** One column of a matrix, in an array of the matrix's own kind. */
export function columnOfMatrix<Values extends ColumnInput>(
  values: Values,
  { rows, width, place }: { rows: number; width: number; place: number },
): Values {
  if (Array.isArray(values)) {
    const part: unknown[] = []
    for (let at = place; part.length < rows; at += width) part.push(values[at])
    return part as unknown as Values
  }
  const part = new (values.constructor as new (length: number) => Float32Array)(rows)
  for (let row = 0; row < rows; row++) part[row] = (values as Float32Array)[row * width + place]!
  return part as unknown as Values
}

export const columnsByName = (columns: RequestColumns): ColumnsByName =>
  columns instanceof MatrixColumns ? columns.byName : columns

/** Appends a request's rows to a batch, all or nothing. @throws DomainError as models/rows.ts `appendColumns` */
export function appendRequest(batch: Batch, columns: RequestColumns): void {
  if (columns instanceof MatrixColumns && appendMatrix(batch, columns)) return
  appendColumns(batch, columnsByName(columns))
}

/** `rows` rows of a run's predictions, from `offset` on. */
export interface AnswerRows {
  readonly predictions: Predictions
  readonly offset: number
  readonly rows: number
}
