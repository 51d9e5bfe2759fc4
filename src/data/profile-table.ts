// Makes the profile of a table: one pass for the numbers, one for the histograms, one per column for its frequent values.
import type { Cell, Row, Tables } from '../platform/tables.ts'
import { literal, quoteName } from '../platform/tables-sql.ts'
import type { Column } from './manifest.ts'
import { histogramBins, profileQuantiles, topValuesMax, type ColumnProfile, type Profile } from './profile.ts'

/** Above this many distinct values nothing is frequent, and counting them all is not worth its time; strings are always counted. */
const topDistinctMax = 100_000

/** @param table a table or view with exactly these columns. */
export async function profileTable(
  tables: Tables,
  { table, columns }: { table: string; columns: readonly Column[] },
): Promise<Profile> {
  const selects = columns.flatMap(measureSql)
  const [row] = await tables.rows(
    `SELECT count(*) AS n${selects.map((select) => `, ${select}`).join('')} FROM ${quoteName(table)}`,
  )
  const rows = Number(row!['n'])
  const measures = columns.map((column, index) => measuresOf(row!, index))
  const histograms = await histogramsOf(tables, { table, columns, measures })
  const profiles: ColumnProfile[] = []
  for (const [index, column] of columns.entries()) {
    const { from, to, ...measure } = measures[index]!
    const top = await topValues(tables, { table, column, distinct: measure.distinct })
    const counts = histograms[index]
    const distinct = Math.min(measure.distinct, rows - measure.nulls)
    profiles.push({
      ...column,
      ...measure,
      distinct,
      top,
      histogram: counts && from !== null && to !== null ? { from, to, counts } : null,
    })
  }
  return { rows, columns: profiles }
}

const isTime = ({ type }: Column): boolean => type === 'timestamp' || type === 'date'
const isNumber = ({ type }: Column): boolean => type === 'integer' || type === 'double'

/** The column as a finite double, or null; moments in milliseconds. */
function axisSql(column: Column): string | undefined {
  const name = quoteName(column.name)
  if (column.type === 'double') return `(CASE WHEN isfinite(${name}) THEN ${name} END)`
  if (column.type === 'integer') return `${name}::DOUBLE`
  return isTime(column) ? `(CASE WHEN isfinite(${name}) THEN epoch_us(${name}) / 1000.0 END)` : undefined
}

function measureSql(column: Column, index: number): string[] {
  const name = quoteName(column.name)
  const axis = axisSql(column)
  const double = column.type === 'double'
  const present = double ? `${name} IS NOT NULL AND NOT isnan(${name})` : `${name} IS NOT NULL`
  const selects = [
    `count(*) - count(*) FILTER (WHERE ${present}) AS "c${index}_nulls"`,
    `${double ? `count(*) FILTER (WHERE isinf(${name}))` : '0'} AS "c${index}_infinite"`,
    `approx_count_distinct(${name}) AS "c${index}_distinct"`,
    `min(${name})${double ? ` FILTER (WHERE ${present})` : ''} AS "c${index}_min"`,
    `max(${name})${double ? ` FILTER (WHERE ${present})` : ''} AS "c${index}_max"`,
  ]
  if (!axis) return selects
  const shares = `[${profileQuantiles.join(', ')}]`
  selects.push(
    `min(${axis}) AS "c${index}_from"`,
    `max(${axis}) AS "c${index}_to"`,
    `approx_quantile(${axis}, ${shares}) AS "c${index}_quantiles"`,
  )
  if (isNumber(column)) selects.push(`avg(${axis}) AS "c${index}_mean"`, `stddev_samp(${axis}) AS "c${index}_sd"`)
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
const valueOf = (cell: Cell): string | number | boolean | null => (typeof cell === 'object' ? null : cell)

async function histogramsOf(
  tables: Tables,
  { table, columns, measures }: { table: string; columns: readonly Column[]; measures: readonly Measures[] },
): Promise<(number[] | undefined)[]> {
  const selects = columns.flatMap((column, index) => {
    const axis = axisSql(column)
    const { from, to } = measures[index]!
    if (!axis || from === null || to === null) return []
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

async function topValues(
  tables: Tables,
  { table, column, distinct }: { table: string; column: Column; distinct: number },
): Promise<ColumnProfile['top']> {
  if (column.type === 'double' || column.type === 'timestamp') return []
  if (column.type !== 'string' && distinct > topDistinctMax) return []
  const name = quoteName(column.name)
  const rows = await tables.rows(
    `SELECT ${name} AS v, count(*) AS n FROM ${quoteName(table)} WHERE ${name} IS NOT NULL GROUP BY 1 ORDER BY n DESC, v LIMIT ${topValuesMax}`,
  )
  return rows.map((row) => ({ value: valueOf(row['v']!), count: Number(row['n']) }))
}
