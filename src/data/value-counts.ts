// The rows of a column by distinct value, from one GROUP BY: of one table, or of several side by side.
import type { Cell, Tables } from '../platform/tables.ts'
import type { ColumnArray } from '../platform/tables-columnar.ts'
import { quoteName } from '../platform/tables-sql.ts'
import { alignCounts, valueCountsOf, type ValueCounts } from '../statistics/value-counts.ts'
import type { Column, ColumnType } from './manifest.ts'

export interface CountInput {
  /** Tables or views that have the column. */
  readonly sides: readonly string[]
  readonly name: string
  /** Of the column on every side; `double` where some have integers and some doubles. */
  readonly type: ColumnType
}

/** The rows of one side. */
export interface CountedSide {
  /** By value; 0 where only another side has it. */
  readonly counts: Float64Array
  /** Null or NaN. */
  readonly missing: number
  readonly negativeInfinite: number
  readonly positiveInfinite: number
}

export interface NumberCounts {
  /** Finite, upwards; moments in milliseconds since 1970. Integers beyond 2^53 lose digits, and may then stand twice. */
  readonly values: Float64Array
  readonly sides: readonly CountedSide[]
}

/** Both infinities, NaN and null. */
const specialValues = 4

/** Numbers or moments by value; undefined when all sides together have more than `distinctMax`. */
export async function countNumbers(
  tables: Tables,
  { distinctMax = Infinity, ...input }: CountInput & { distinctMax?: number },
): Promise<NumberCounts | undefined> {
  const counts = input.sides.map((_, side) => `n${side}::DOUBLE AS n${side}`).join(', ')
  const limit = Number.isFinite(distinctMax) ? ` LIMIT ${distinctMax + specialValues + 1}` : ''
  const { columns } = await tables.columnar(
    `SELECT ${axisSql('v', input.type)} AS v, ${counts} FROM (${countedSql(input)}) ORDER BY v NULLS LAST${limit}`,
  )
  const values = numbersOf(columns.get('v'))
  // The least infinity stands first; the greatest, NaN and null stand last.
  const from = values[0] === -Infinity ? 1 : 0
  let to = values.length
  while (to > from && !Number.isFinite(values[to - 1])) to--
  if (to - from > distinctMax) return undefined
  const sides = input.sides.map((_, side): CountedSide => {
    const rows = numbersOf(columns.get(`n${side}`))
    let missing = 0
    for (let at = to; at < rows.length; at++) if (Number.isNaN(values[at])) missing += rows[at]!
    return {
      counts: rows.slice(from, to),
      missing,
      negativeInfinite: from === 1 ? rows[0]! : 0,
      positiveInfinite: values[to] === Infinity ? rows[to]! : 0,
    }
  })
  return { values: values.slice(from, to), sides }
}

/**
 * As {@link countNumbers}, but every row is read and sorted here, 8 bytes each and as much again: several times faster where nearly each has a
 * value of its own.
 */
export async function sortNumbers(tables: Tables, { sides, name, type }: CountInput): Promise<NumberCounts> {
  const read: { side: Omit<CountedSide, 'counts'>; finite: ValueCounts }[] = []
  for (const side of sides) {
    const { columns } = await tables.columnar(`SELECT ${axisSql(quoteName(name), type)} AS v FROM ${quoteName(side)}`)
    const list = numbersOf(columns.get('v'))
    const rowsWith = (is: (value: number) => boolean): number =>
      list.reduce((rows, value) => (is(value) ? rows + 1 : rows), 0)
    read.push({
      side: {
        missing: rowsWith(Number.isNaN),
        negativeInfinite: rowsWith((value) => value === -Infinity),
        positiveInfinite: rowsWith((value) => value === Infinity),
      },
      finite: valueCountsOf(list),
    })
  }
  const { values, counts } = alignCounts(read.map(({ finite }) => finite))
  return { values, sides: read.map(({ side }, at) => ({ ...side, counts: counts[at]! })) }
}

/** The first rows of a table, which tell whether its values repeat. */
const headRows = 32_768
/** With more different values than this share of them, counting is slower than other ways. */
const headDistinctShare = 0.98

/** Columns of which nearly every one of the first rows has another value; none of a table of fewer rows. */
export async function nearlyUnique(
  tables: Tables,
  { view, columns }: { view: string; columns: readonly Column[] },
): Promise<Set<Column>> {
  if (columns.length === 0) return new Set()
  const names = columns.map(({ name }) => quoteName(name))
  const counts = names.map((name, index) => `count(DISTINCT ${name}) AS "d${index}"`)
  const [row] = await tables.rows(
    `SELECT ${counts.join(', ')} FROM (SELECT ${names.join(', ')} FROM ${quoteName(view)} LIMIT ${headRows})`,
  )
  return new Set(columns.filter((_, index) => Number(row![`d${index}`]) > headRows * headDistinctShare))
}

export interface CategoryCounts {
  /** Values on all sides together, and the first and the last of them; null where there are none. */
  readonly distinct: number
  readonly least: Cell
  readonly greatest: Cell
  readonly sides: readonly { readonly rows: number; readonly missing: number }[]
  /** Those that most rows of the first side have, the most frequent first, equally frequent ones upwards; with the rows of each side. */
  readonly frequent: readonly { readonly value: Cell; readonly counts: readonly number[] }[]
}

/** Texts and booleans, only the `most` frequent by name, so that a column where every row differs brings no more than any other. */
export async function countCategories(
  tables: Tables,
  { most, ...input }: CountInput & { most: number },
): Promise<CategoryCounts> {
  const perSide = (sql: (n: string, side: number) => string): string[] =>
    input.sides.map((_, side) => sql(`n${side}`, side))
  const totals = perSide(
    (n, side) =>
      `coalesce(sum(${n}), 0)::BIGINT AS rows${side}, coalesce(sum(${n}) FILTER (WHERE v IS NULL), 0)::BIGINT AS missing${side}`,
  )
  const [row] = await tables.rows(
    `WITH counted AS MATERIALIZED (${countedSql(input)}),
     frequent AS (SELECT * FROM counted WHERE v IS NOT NULL AND n0 > 0 ORDER BY n0 DESC, v LIMIT ${most})
     SELECT count(v) AS distinct_values, min(v) AS least, max(v) AS greatest, ${totals.join(', ')},
     (SELECT list(struct_pack(v := v, counts := [${perSide((n) => `${n}::BIGINT`).join(', ')}]) ORDER BY n0 DESC, v) FROM frequent) AS frequent
     FROM counted`,
  )
  const { frequent } = row!
  return {
    distinct: Number(row!['distinct_values']),
    least: row!['least'] ?? null,
    greatest: row!['greatest'] ?? null,
    sides: input.sides.map((_, side) => ({
      rows: Number(row![`rows${side}`]),
      missing: Number(row![`missing${side}`]),
    })),
    frequent: (Array.isArray(frequent) ? frequent : []).map((one) => {
      const { v, counts } = one as { v: Cell; counts: number[] }
      return { value: v, counts }
    }),
  }
}

/** Rows of each side by category, in the order of the categories, without their names. */
export async function countUnnamed(tables: Tables, input: CountInput): Promise<Float64Array[]> {
  const counts = input.sides.map((_, side) => `n${side}::DOUBLE AS n${side}`).join(', ')
  const { columns } = await tables.columnar(
    `SELECT ${counts} FROM (${countedSql(input)}) WHERE v IS NOT NULL ORDER BY v`,
  )
  return input.sides.map((_, side) => numbersOf(columns.get(`n${side}`)))
}

/** Columns `v` and `n0`, `n1`, …: each value once, and null. */
function countedSql({ sides, name }: CountInput): string {
  const column = quoteName(name)
  const [only] = sides
  if (sides.length === 1) return `SELECT ${column} AS v, count(*) AS n0 FROM ${quoteName(only!)} GROUP BY 1`
  const apart = sides.map(
    (side, at) => `SELECT ${column} AS v, ${at} AS side, count(*) AS n FROM ${quoteName(side)} GROUP BY 1`,
  )
  const rows = sides.map((_, at) => `coalesce(sum(n) FILTER (WHERE side = ${at}), 0) AS n${at}`)
  return `SELECT v, ${rows.join(', ')} FROM (${apart.join(' UNION ALL ')}) GROUP BY 1`
}

/** A number as a double; a moment as milliseconds since 1970, infinite ones included. */
export function axisSql(expression: string, type: ColumnType): string {
  if (type !== 'timestamp' && type !== 'date') return `${expression}::DOUBLE`
  const infinite = `(CASE WHEN ${expression} > DATE '1970-01-01' THEN 'inf' ELSE '-inf' END)::DOUBLE`
  return `(CASE WHEN ${expression} IS NULL THEN NULL WHEN isfinite(${expression}) THEN epoch_us(${expression}) / 1000.0 ELSE ${infinite} END)`
}

function numbersOf(array: ColumnArray | undefined): Float64Array {
  if (array?.kind === 'number') return array.values
  throw new Error('a column of counts was not read as numbers')
}
