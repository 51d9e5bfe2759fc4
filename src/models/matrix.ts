// Rows of numbers as one matrix, on their way into a model that reads them as one: written as they are, without being cut into columns.
import { reserveRows, type Batch, type BatchTensor, type NumberArray, type NumberColumn } from './batch.ts'
import { writeValue } from './cell.ts'

export interface Matrix {
  /** Of its columns; the same list for the same columns, since what is known of one is remembered. */
  readonly names: readonly string[]
  readonly rows: number
  /** Row after row. What they mean is as in rows.ts. */
  readonly values: readonly unknown[] | Float32Array
}

/** Where a whole matrix goes. */
interface Place {
  readonly tensor: BatchTensor<NumberArray>
  readonly columns: readonly NumberColumn[]
}

/**
 * Appends all rows at once, or after an error none.
 * @returns false, with nothing appended: the batch does not take these columns as one matrix of floats, and nothing else; see rows.ts `appendColumns`
 * @throws DomainError input_value, too_many_rows
 */
export function appendMatrix(batch: Batch, { names, rows, values }: Matrix): boolean {
  const place = placeOf(batch, names)
  if (!place) return false
  const { tensor, columns } = place
  const first = batch.rows * tensor.width
  reserveRows(batch, batch.rows + rows)
  // Floats are taken as they are, as in a column.
  if (values instanceof Float32Array) tensor.values.set(values, first)
  else {
    const memory = tensor.values
    const { low, high } = columns[0]!
    for (let at = 0; at < values.length; at++) {
      const value = values[at]
      if (typeof value === 'number' && value >= low && value <= high) memory[first + at] = value
      else writeOther(place, value, { at, start: batch.rows })
    }
  }
  batch.rows += rows
  return true
}

/** Missing, or nothing that the column takes. */
function writeOther({ tensor, columns }: Place, value: unknown, { at, start }: { at: number; start: number }): void {
  const row = Math.floor(at / tensor.width)
  writeValue(columns[at % tensor.width]!, value, { at: start + row, row })
}

interface Looked {
  readonly names: readonly string[]
  readonly place: Place | undefined
}

const looked = new WeakMap<Batch, Looked>()

function placeOf(batch: Batch, names: readonly string[]): Place | undefined {
  let found = looked.get(batch)
  if (found?.names !== names) looked.set(batch, (found = { names, place: findPlace(batch, names) }))
  return found.place
}

function findPlace({ tensors, columns: all, byName }: Batch, names: readonly string[]): Place | undefined {
  const [tensor, second] = tensors
  if (!tensor || second || names.length !== all.length || names.length !== tensor.width) return undefined
  const columns: NumberColumn[] = []
  for (const [offset, name] of names.entries()) {
    const column = byName.get(name)
    if (column?.kind !== 'number' || column.isWhole || !column.takesMissing || column.offset !== offset)
      return undefined
    columns.push(column)
  }
  return { tensor: columns[0]!.tensor, columns }
}
