// The profile of one column from its value counts: every number in it is exact.
import type { Cell, Tables } from '../../platform/tables.ts'
import { literal } from '../../platform/tables-sql.ts'
import { varianceOf } from '../../statistics/moments.ts'
import {
  frequentOfCounts,
  histogramOfCounts,
  momentsOfCounts,
  quantilesOfCounts,
  type ValueCounts,
} from '../../statistics/value-counts.ts'
import type { Column } from '../manifest.ts'
import { histogramBins, profileQuantiles, topValuesMax, type ColumnProfile } from '../profile.ts'
import { countCategories, countNumbers, type CountedSide } from '../value-counts.ts'

/** Above this many distinct values none is frequent. */
export const topDistinctMax = 100_000

type Value = ColumnProfile['min']

/** Of texts and booleans. */
export async function profileCategories(
  tables: Tables,
  { table, column }: { table: string; column: Column },
): Promise<ColumnProfile> {
  const { distinct, least, greatest, sides, frequent } = await countCategories(tables, {
    ...column,
    sides: [table],
    most: topValuesMax,
  })
  return {
    ...column,
    nulls: sides[0]!.missing,
    infinite: 0,
    distinct,
    exact: true,
    min: valueOf(least),
    max: valueOf(greatest),
    mean: null,
    sd: null,
    quantiles: [],
    top: frequent.map(({ value, counts }) => ({ value: valueOf(value), count: counts[0]! })),
    histogram: null,
  }
}

/** Of numbers and moments; undefined where there are more than `distinctMax`, or where a double does not hold them exactly. */
export async function profileCounted(
  tables: Tables,
  { table, column, distinctMax }: { table: string; column: Column; distinctMax: number },
): Promise<ColumnProfile | undefined> {
  const counted = await countNumbers(tables, { ...column, sides: [table], distinctMax })
  if (!counted) return undefined
  const { values } = counted
  const side = counted.sides[0]!
  if (column.type !== 'double' && !isExact(column, values)) return undefined
  const finite = { values, counts: side.counts }
  const isNumber = column.type === 'double' || column.type === 'integer'
  const moments = momentsOfCounts(finite)
  const { ends, top } = isNumber
    ? { ends: endsOf(values, side), top: topOf(column, finite) }
    : await inWords(tables, { column, ends: endsOf(values, side), top: topOf(column, finite) })
  return {
    ...column,
    nulls: side.missing,
    infinite: column.type === 'double' ? side.negativeInfinite + side.positiveInfinite : 0,
    distinct: values.length + Math.sign(side.negativeInfinite) + Math.sign(side.positiveInfinite),
    exact: true,
    min: ends[0],
    max: ends[1],
    mean: isNumber && moments.n > 0 ? moments.mean : null,
    sd: isNumber && moments.n > 1 ? Math.sqrt(varianceOf(moments)) : null,
    quantiles: values.length > 0 ? quantilesOfCounts(finite, profileQuantiles) : [],
    top,
    histogram:
      values.length > 0
        ? { from: values[0]!, to: values.at(-1)!, counts: histogramOfCounts(finite, histogramBins) }
        : null,
  }
}

/** Integers, or the microseconds of moments, within 2^53. */
function isExact({ type }: Column, values: Float64Array): boolean {
  const scale = type === 'integer' ? 1 : 1000
  return [values[0] ?? 0, values.at(-1) ?? 0].every((value) => Math.abs(value * scale) <= Number.MAX_SAFE_INTEGER)
}

/** The least and the greatest value, infinite ones as text. */
function endsOf(values: Float64Array, { negativeInfinite, positiveInfinite }: CountedSide): [Value, Value] {
  if (values.length === 0 && negativeInfinite + positiveInfinite === 0) return [null, null]
  const least = negativeInfinite > 0 ? '-Infinity' : (values[0] ?? 'Infinity')
  const greatest = positiveInfinite > 0 ? 'Infinity' : (values.at(-1) ?? '-Infinity')
  return [least, greatest]
}

function topOf({ type }: Column, counts: ValueCounts): ColumnProfile['top'] {
  const isListed = (type === 'integer' || type === 'date') && counts.values.length <= topDistinctMax
  return isListed ? frequentOfCounts(counts, topValuesMax) : []
}

interface Shown {
  readonly ends: readonly [Value, Value]
  readonly top: ColumnProfile['top']
}

/** Moments as text, as the table engine writes them. */
async function inWords(tables: Tables, { column, ends, top }: Shown & { column: Column }): Promise<Shown> {
  const sql = [...ends, ...top.map(({ value }) => value)].map((value) => `${momentSql(value)}::${column.type}`)
  const [row] = await tables.rows(`SELECT [${sql.join(', ')}] AS words`)
  const [least = null, greatest = null, ...rest] = (row!['words'] as Cell[]).map(valueOf)
  return { ends: [least, greatest], top: top.map(({ count }, index) => ({ value: rest[index] ?? null, count })) }
}

function momentSql(value: Value): string {
  if (typeof value === 'number') return `make_timestamp${literal(BigInt(Math.round(value * 1000)))}`
  return value === null ? 'NULL' : value === 'Infinity' ? "'infinity'" : "'-infinity'"
}

export const valueOf = (cell: Cell): Value => (typeof cell === 'object' ? null : cell)
