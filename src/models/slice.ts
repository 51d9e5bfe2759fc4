// Slices of an evaluation: groups of rows by a column's values, ranges, calendar, or conditions of one's own. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import type { Frame, FrameColumn } from '../training/frame.ts'
import { derivedValue } from './baseline.ts'

const Condition = z.union([
  z.strictObject({ column: z.string(), in: z.array(z.string()).min(1).max(1000) }),
  z.strictObject({ column: z.string(), from: z.number().optional(), to: z.number().optional() }),
])

export const SliceSpec = z.union([
  /** One slice for each of the column's most frequent values. */
  z.strictObject({ column: z.string(), most: z.int().min(1).max(200).default(20) }),
  /** Half-open ranges between these edges, and one below and one above them. */
  z.strictObject({ column: z.string(), edges: z.array(z.number()).min(1).max(100) }),
  /** By hour of day (UTC) or weekday (0 = Monday) of a time column. */
  z.strictObject({ column: z.string(), calendar: z.enum(['hour', 'weekday']) }),
  /** Rows for which every condition holds; `from` is inclusive, `to` exclusive. */
  z.strictObject({ name: z.string().min(1).max(200), where: z.array(Condition).min(1).max(10) }),
])
export type SliceSpec = z.infer<typeof SliceSpec>

export interface Slice {
  readonly name: string
  /** Indices of its rows, rising. */
  readonly rows: Uint32Array
}

/** Most slices of one evaluation; more is a report that nobody reads. */
export const slicesMax = 500

/** @throws DomainError slice_column: a column is not there or of the wrong kind; too_many_slices */
export function slicesOf(frame: Frame, specs: readonly SliceSpec[]): Slice[] {
  const slices = specs.flatMap((spec) => slicesOfOne(frame, spec))
  if (slices.length <= slicesMax) return slices
  throw new DomainError(
    'invalid',
    'too_many_slices',
    `${slices.length} slices, at most ${slicesMax}: name fewer columns or values`,
  )
}

function slicesOfOne(frame: Frame, spec: SliceSpec): Slice[] {
  if ('where' in spec) return [{ name: spec.name, rows: rowsWhere(frame, spec.where) }]
  if ('edges' in spec) return rangesOf(frame, spec)
  if ('calendar' in spec) return calendarOf(frame, spec)
  const column = columnOf(frame, spec.column, 'category')
  const groups = grouped(frame, (row) => column.codes[row]!)
  const named = [...groups].map(([code, rows]) => ({
    name: `${spec.column} = ${column.categories[code] ?? 'missing'}`,
    rows,
  }))
  // By name where they tie, so that the choice does not depend on the order of rows.
  return named.toSorted((a, b) => b.rows.length - a.rows.length || (a.name < b.name ? -1 : 1)).slice(0, spec.most)
}

function rangesOf(
  frame: Frame,
  { column: name, edges: unsorted }: { column: string; edges: readonly number[] },
): Slice[] {
  const { values } = columnOf(frame, name, 'number')
  const edges = unsorted.toSorted((a, b) => a - b)
  const groups = grouped(frame, (row) => {
    const value = values[row]!
    return Number.isNaN(value) ? -1 : edges.filter((edge) => edge <= value).length
  })
  const nameOf = (index: number): string => {
    if (index < 0) return `${name} missing`
    if (index === 0) return `${name} < ${edges[0]}`
    return index === edges.length ? `${name} >= ${edges.at(-1)}` : `${edges[index - 1]} <= ${name} < ${edges[index]}`
  }
  return byKey(groups).map(([index, rows]) => ({ name: nameOf(index), rows }))
}

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

function calendarOf(
  frame: Frame,
  { column: name, calendar }: { column: string; calendar: 'hour' | 'weekday' },
): Slice[] {
  const { micros } = columnOf(frame, name, 'time')
  const groups = grouped(frame, (row) => derivedValue(micros[row]!, calendar) ?? -1)
  const nameOf = (key: number): string => {
    if (key < 0) return `${name} missing`
    return calendar === 'hour' ? `${name} at ${key}h` : `${name} on ${weekdays[key]}`
  }
  return byKey(groups).map(([key, rows]) => ({ name: nameOf(key), rows }))
}

function rowsWhere(frame: Frame, conditions: readonly z.infer<typeof Condition>[]): Uint32Array {
  const tests = conditions.map((condition): ((row: number) => boolean) => {
    if ('in' in condition) {
      const { codes, categories } = columnOf(frame, condition.column, 'category')
      const wanted = new Set(condition.in)
      return (row) => wanted.has(categories[codes[row]!] ?? '')
    }
    const { values } = columnOf(frame, condition.column, 'number')
    const { from = -Infinity, to = Infinity } = condition
    return (row) => values[row]! >= from && values[row]! < to
  })
  const rows: number[] = []
  for (let row = 0; row < frame.rowCount; row++) if (tests.every((test) => test(row))) rows.push(row)
  return Uint32Array.from(rows)
}

function grouped(frame: Frame, keyOf: (row: number) => number): Map<number, Uint32Array> {
  const rows = new Map<number, number[]>()
  for (let row = 0; row < frame.rowCount; row++) {
    const key = keyOf(row)
    const group = rows.get(key)
    if (group) group.push(row)
    else rows.set(key, [row])
  }
  return new Map([...rows].map(([key, group]) => [key, Uint32Array.from(group)]))
}

const byKey = (groups: ReadonlyMap<number, Uint32Array>): [number, Uint32Array][] =>
  [...groups].toSorted(([a], [b]) => a - b)

function columnOf<Kind extends FrameColumn['kind']>(
  frame: Frame,
  name: string,
  kind: Kind,
): FrameColumn & { kind: Kind } {
  const column = frame.columns.find((each) => each.name === name)
  if (column?.kind === kind) return column as FrameColumn & { kind: Kind }
  const found = column ? `is a ${column.kind} column` : 'is not there'
  throw new DomainError('invalid', 'slice_column', `the slice wants a ${kind} column "${name}", which ${found}`, {
    column: name,
  })
}
