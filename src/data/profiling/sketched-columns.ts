// The profile of columns with too many distinct numbers or moments to count: one pass for the numbers, one for the histograms.
import type { Cell, Row, Tables } from '../../platform/tables.ts'
import { literal, quoteName } from '../../platform/tables-sql.ts'
import type { Column } from '../manifest.ts'
import { histogramBins, profileQuantiles, topValuesMax, type ColumnProfile } from '../profile.ts'
import { axisSql, countCategories } from '../value-counts.ts'
import { topDistinctMax, valueOf } from './counted-column.ts'

/** Exact but for distinct counts and quantiles. */
export async function profileSketched(
  tables: Tables,
  { table, columns, rows }: { table: string; columns: readonly Column[]; rows: number },
): Promise<ColumnProfile[]> {
  if (columns.length === 0) return []
  const [row] = await tables.rows(`SELECT ${columns.flatMap(measureSql).join(', ')} FROM ${quoteName(table)}`)
  const measures = columns.map((_, index) => measuresOf(row!, index))
  const histograms = await histogramsOf(tables, { table, columns, measures })
  const profiles: ColumnProfile[] = []
  for (const [index, column] of columns.entries()) {
    const { from, to, ...measure } = measures[index]!
    const counts = histograms[index]
    profiles.push({
      ...column,
      ...measure,
      distinct: Math.min(measure.distinct, rows - measure.nulls),
      exact: false,
      top: await topValues(tables, { table, column, distinct: measure.distinct }),
      histogram: counts && from !== null && to !== null ? { from, to, counts } : null,
    })
  }
  return profiles
}

/** Integers beyond 2^53 may be few. */
async function topValues(
  tables: Tables,
  { table, column, distinct }: { table: string; column: Column; distinct: number },
): Promise<ColumnProfile['top']> {
  if (column.type === 'double' || column.type === 'timestamp' || distinct > topDistinctMax) return []
  const { frequent } = await countCategories(tables, { ...column, sides: [table], most: topValuesMax })
  return frequent.map(({ value, counts }) => ({ value: valueOf(value), count: counts[0]! }))
}

/** The column as a finite double, or null; moments in milliseconds. */
function finiteSql(column: Column): string {
  const name = quoteName(column.name)
  const axis = axisSql(name, column.type)
  return column.type === 'integer' ? axis : `(CASE WHEN isfinite(${name}) THEN ${axis} END)`
}

function measureSql(column: Column, index: number): string[] {
  const name = quoteName(column.name)
  const axis = finiteSql(column)
  const isDouble = column.type === 'double'
  const present = isDouble ? `${name} IS NOT NULL AND NOT isnan(${name})` : `${name} IS NOT NULL`
  const selects = [
    `count(*) - count(*) FILTER (WHERE ${present}) AS "c${index}_nulls"`,
    `${isDouble ? `count(*) FILTER (WHERE isinf(${name}))` : '0'} AS "c${index}_infinite"`,
    `approx_count_distinct(${name}) AS "c${index}_distinct"`,
    `min(${name})${isDouble ? ` FILTER (WHERE ${present})` : ''} AS "c${index}_min"`,
    `max(${name})${isDouble ? ` FILTER (WHERE ${present})` : ''} AS "c${index}_max"`,
    `min(${axis}) AS "c${index}_from"`,
    `max(${axis}) AS "c${index}_to"`,
    `approx_quantile(${axis}, [${profileQuantiles.join(', ')}]) AS "c${index}_quantiles"`,
  ]
  if (column.type === 'double' || column.type === 'integer')
    selects.push(`avg(${axis}) AS "c${index}_mean"`, `stddev_samp(${axis}) AS "c${index}_sd"`)
  return selects
}

interface Measures extends Pick<
  ColumnProfile,
  'nulls' | 'infinite' | 'distinct' | 'min' | 'max' | 'mean' | 'sd' | 'quantiles'
> {
  readonly from: number | null
  readonly to: number | null
}

function measuresOf(row: Row, index: number): Measures {
  const at = (what: string): Cell => row[`c${index}_${what}`] ?? null
  const number = (what: string): number | null => numberOf(at(what))
  const quantiles = at('quantiles')
  return {
    nulls: Number(at('nulls')),
    infinite: Number(at('infinite')),
    distinct: Number(at('distinct')),
    min: valueOf(at('min')),
    max: valueOf(at('max')),
    mean: number('mean'),
    sd: number('sd'),
    from: number('from'),
    to: number('to'),
    quantiles: Array.isArray(quantiles) ? quantiles.map(numberOf) : [],
  }
}

const numberOf = (cell: Cell): number | null => (typeof cell === 'number' ? cell : null)

async function histogramsOf(
  tables: Tables,
  { table, columns, measures }: { table: string; columns: readonly Column[]; measures: readonly Measures[] },
): Promise<(number[] | undefined)[]> {
  const selects = columns.flatMap((column, index) => {
    const axis = finiteSql(column)
    const { from, to } = measures[index]!
    if (from === null || to === null) return []
    const width = (to - from) / histogramBins
    const bin =
      width > 0 && Number.isFinite(width)
        ? `least(${histogramBins - 1}, floor((${axis} - ${literal(from)}) / ${literal(width)}))`
        : '0'
    // Said aloud, because least() passes over a null.
    return [`map_entries(histogram((CASE WHEN ${axis} IS NOT NULL THEN ${bin} END)::UTINYINT)) AS "h${index}"`]
  })
  if (selects.length === 0) return columns.map(() => undefined)
  const [row] = await tables.rows(`SELECT ${selects.join(', ')} FROM ${quoteName(table)}`)
  return columns.map((_, index) => {
    const entries = row![`h${index}`]
    if (!Array.isArray(entries)) return undefined
    const counts = Array.from({ length: histogramBins }, () => 0)
    for (const entry of entries as unknown as { key: number; value: number }[]) counts[entry.key] = entry.value
    return counts
  })
}
