// The flights of the package vega-datasets as training tables, for the tests and the bench that put the trainers beside scikit-learn.
import { DuckDBInstance } from '@duckdb/node-api'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Frame, FrameColumn } from '../../src/training/frame.ts'

const root = join(import.meta.dirname, '..', '..')
const flightsFile = join(root, 'node_modules', 'vega-datasets', 'data', 'flights-3m.parquet')

/** Flights of a month of 2001: when, how far, from where to where; the target is whether it came more than 15 minutes late. */
export async function flightsOfMonth(month: number): Promise<Frame> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const reader = await connection.runAndReadAll(
    `
    select epoch_us(date) as date, distance::double as distance, origin, destination, (delay > 15)::double as target
    from read_parquet($file) where year(date) = 2001 and month(date) = $month
    order by date, origin, destination, distance, delay`,
    { file: flightsFile, month },
  )
  const [date, distance, origin, destination, target] = reader.getColumns() as [
    bigint[],
    number[],
    string[],
    string[],
    number[],
  ]
  connection.closeSync()
  const columns: FrameColumn[] = [
    { kind: 'time', name: 'date', micros: BigInt64Array.from(date) },
    { kind: 'number', name: 'distance', values: Float64Array.from(distance) },
    categoryColumn('origin', origin),
    categoryColumn('destination', destination),
  ]
  return { rowCount: target.length, columns, target: Float64Array.from(target) }
}

/**
 * Writes a table as raw columns for the Python side, `<name>.<column>`; categories by their codes in `like`, the training table, and one beyond them
 * all for a category that is not there.
 */
export async function writeRawTable(
  directory: string,
  name: string,
  { frame, like }: { frame: Frame; like: Frame },
): Promise<void> {
  const write = (column: string, values: BigInt64Array | Float64Array | Int32Array) =>
    writeFile(join(directory, `${name}.${column}`), values)
  for (const [index, column] of frame.columns.entries()) {
    if (column.kind === 'number') await write(column.name, column.values)
    if (column.kind === 'time') await write(column.name, column.micros)
    const known = like.columns[index]!
    if (column.kind !== 'category' || known.kind !== 'category') continue
    const codes = new Map(known.categories.map((category, code) => [category, code]))
    await write(
      column.name,
      column.codes.map((code) => codes.get(column.categories[code]!) ?? known.categories.length),
    )
  }
  await write('target', frame.target)
}

function categoryColumn(name: string, values: readonly string[]): FrameColumn {
  const categories = [...new Set(values)].toSorted()
  const codeByCategory = new Map(categories.map((category, code) => [category, code]))
  return { kind: 'category', name, codes: Int32Array.from(values, (value) => codeByCategory.get(value)!), categories }
}
