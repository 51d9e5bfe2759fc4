// Has one table drifted from another? Counts each column of both where the tables are, and compares the counts.
import type { Column } from '../data/manifest.ts'
import {
  countCategories,
  countNumbers,
  countUnnamed,
  nearlyUnique,
  sortNumbers,
  type CountInput,
} from '../data/value-counts.ts'
import { DomainError } from '../platform/errors.ts'
import { namesHint } from '../platform/near-names.ts'
import type { Tables } from '../platform/tables.ts'
import { quoteName } from '../platform/tables-sql.ts'
import { EVIDENTLY_DRIFT_SHARE, type EvidentlyDrift } from '../statistics/evidently.ts'
import { rowsOf } from '../statistics/value-counts.ts'
import {
  binCategories,
  binNumbers,
  categoriesMost,
  compareBinned,
  evidentlyCategories,
  evidentlyNumbers,
  type BinnedColumn,
  type ColumnComparison,
  type Sides,
} from './comparison.ts'

/** `monitors`: PSI in the reference's own bins. `evidently`: the test that Evidently takes by default, its bins, its threshold. */
export const comparisonDefinitions = ['monitors', 'evidently'] as const
export type ComparisonDefinitions = (typeof comparisonDefinitions)[number]

export interface ComparedSide {
  /** A table or view. */
  readonly view: string
  /** What a person calls it. */
  readonly title: string
  readonly columns: readonly Column[]
}

export interface ComparisonInput {
  readonly sides: Sides<ComparedSide>
  /** By default all that both sides have and that can be compared. */
  readonly columns?: readonly string[]
  readonly definitions: ComparisonDefinitions
}

export interface ComparedColumn {
  readonly name: string
  readonly test: 'psi' | EvidentlyDrift['method']
  readonly value: number
  /** Drifted is above it; below it where the test gives a p-value (`ks`, `chisquare`, `z`). */
  readonly threshold: number
  readonly drifted: boolean
  /** By the monitors' definitions: bins, counts, rates and the other distances. */
  readonly detail?: Omit<ColumnComparison, 'name'>
}

export interface TableComparison {
  readonly definitions: ComparisonDefinitions
  readonly titles: Sides<string>
  readonly rows: Sides<number>
  readonly columns: readonly ComparedColumn[]
  readonly driftedColumns: number
  /** Of the columns compared. */
  readonly driftShare: number
  /** At least half of the columns: what Evidently calls drift of the whole. */
  readonly datasetDrift: boolean
  /** Columns that were not asked for by name and cannot be compared. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[]
}

/** Common practice for PSI: much has changed. The monitors' default too. */
const populationStabilityMost = 0.2
/** Different values of a column, on both sides together, that fit in memory: 24 bytes each. */
const distinctMax = 10_000_000

/**
 * Compares the second table with the first, the reference.
 * @throws DomainError column_not_found, comparison_columns_differ, comparison_side_empty, comparison_values_many
 */
export async function compareTables(tables: Tables, input: ComparisonInput): Promise<TableComparison> {
  const { sides, definitions } = input
  const rows = [await rowsOfSide(tables, sides[0]), await rowsOfSide(tables, sides[1])] as const
  const leftOut: { name: string; reason: string }[] = []
  const leaveOut = (name: string, reason: string): void => {
    if (input.columns) throw differing(name, reason)
    leftOut.push({ name, reason })
  }
  const counted: Counted[] = []
  const common = namesOf(input).map((name) => [name, commonColumn(sides, name)] as const)
  const sorted = await columnsToSort(tables, { sides, rows, columns: common.map(([, column]) => column) })
  for (const [name, column] of common) {
    const found =
      'reason' in column
        ? column
        : await countColumn(tables, { ...column, sides, definitions, isSorted: sorted.has(column) })
    if ('reason' in found) leaveOut(name, found.reason)
    else counted.push(found)
  }
  if (counted.length === 0) {
    const reasons = leftOut.map(({ name, reason }) => `${name} (${reason})`).join(', ')
    throw new DomainError('invalid', 'comparison_columns_differ', `no column can be compared: ${reasons}`)
  }
  const columns = verdicts(counted)
  const driftedColumns = columns.filter(({ drifted }) => drifted).length
  const driftShare = driftedColumns / columns.length
  return {
    definitions,
    titles: [sides[0].title, sides[1].title],
    rows,
    columns,
    driftedColumns,
    driftShare,
    datasetDrift: driftShare >= EVIDENTLY_DRIFT_SHARE,
    leftOut,
  }
}

async function rowsOfSide(tables: Tables, { view, title }: ComparedSide): Promise<number> {
  const [row] = await tables.rows(`SELECT count(*) AS n FROM ${quoteName(view)}`)
  const rows = Number(row!['n'])
  if (rows > 0) return rows
  throw new DomainError('invalid', 'comparison_side_empty', `${title} has no rows: compare one that has some`)
}

/** In the order of the reference, or as asked. @throws DomainError column_not_found */
function namesOf({ sides, columns }: ComparisonInput): string[] {
  const names = sides.map((side) => side.columns.map(({ name }) => name))
  if (!columns) return [...new Set(names.flat())]
  for (const name of columns) {
    for (const [at, side] of sides.entries()) {
      if (names[at]!.includes(name)) continue
      throw new DomainError(
        'invalid',
        'column_not_found',
        `${side.title} has no column "${name}": ${namesHint(name, names[at]!)}`,
        { column: name },
      )
    }
  }
  return [...new Set(columns)]
}

const differing = (name: string, reason: string): DomainError =>
  new DomainError('invalid', 'comparison_columns_differ', `column "${name}" cannot be compared: ${reason}`, {
    column: name,
  })

interface NotComparable {
  readonly reason: string
}

/** The column as both sides have it: integers beside doubles are doubles. */
function commonColumn(sides: Sides<ComparedSide>, name: string): Column | NotComparable {
  const [before, now] = sides.map(({ columns }) => columns.find((column) => column.name === name))
  if (!before || !now) return { reason: `${before ? sides[1].title : sides[0].title} has no such column` }
  const types = [before.type, now.type]
  if (types.every((type) => type === 'timestamp' || type === 'date')) {
    return { reason: 'it holds times, which always differ; compare a number made of them, such as the hour' }
  }
  if (before.type === now.type) return before
  if (types.every((type) => type === 'integer' || type === 'double')) return { name, type: 'double' }
  return { reason: `it is ${before.type} in ${sides[0].title} and ${now.type} in ${sides[1].title}` }
}

/** What a verdict is made of. */
type Counted = { readonly binned: BinnedColumn } | { readonly name: string; readonly evidently: EvidentlyDrift }

interface ColumnInput extends Column, Pick<ComparisonInput, 'sides' | 'definitions'> {
  /** Numbers of which each row has another. */
  readonly isSorted: boolean
}

/** @throws DomainError comparison_values_many */
async function countColumn(tables: Tables, input: ColumnInput): Promise<Counted | NotComparable> {
  const { name, type, definitions } = input
  const from: CountInput = { sides: input.sides.map(({ view }) => view), name, type }
  const empty = (present: readonly number[]): NotComparable | undefined => {
    const side = present.indexOf(0)
    return side < 0 ? undefined : { reason: `${input.sides[side === 0 ? 0 : 1].title} has no value in it` }
  }
  if (type === 'string' || type === 'boolean') {
    if (definitions === 'evidently') {
      const [reference, current] = await countUnnamed(tables, from)
      const sides = [reference!, current!] as const
      return empty(sides.map(rowsOf)) ?? { name, evidently: evidentlyCategories(sides) }
    }
    const counts = await countCategories(tables, { ...from, most: categoriesMost })
    return empty(counts.sides.map(({ rows, missing }) => rows - missing)) ?? { binned: binCategories(name, counts) }
  }
  const counts = input.isSorted ? await sortNumbers(tables, from) : await countNumbers(tables, { ...from, distinctMax })
  if (!counts) throw tooMany(name)
  const nothing = empty(counts.sides.map((side) => rowsOf(side.counts)))
  if (nothing) return nothing
  if (definitions === 'monitors') return { binned: binNumbers(name, counts) }
  return { name, evidently: evidentlyNumbers(counts, { isInteger: type === 'integer' }) }
}

/** Numbers that are sooner sorted than counted: nearly every row of the larger side has another. */
async function columnsToSort(
  tables: Tables,
  {
    sides,
    rows,
    columns,
  }: { sides: Sides<ComparedSide>; rows: Sides<number>; columns: readonly (Column | NotComparable)[] },
): Promise<ReadonlySet<Column>> {
  if (rows[0] + rows[1] > distinctMax) return new Set()
  const { view } = sides[rows[0] > rows[1] ? 0 : 1]
  const isNumber = (column: Column | NotComparable): column is Column =>
    'type' in column && (column.type === 'integer' || column.type === 'double')
  return await nearlyUnique(tables, { view, columns: columns.filter(isNumber) })
}

const tooMany = (name: string): DomainError =>
  new DomainError(
    'too_large',
    'comparison_values_many',
    `column "${name}" has more than ${distinctMax} different values: round them, or compare fewer rows`,
    { column: name },
  )

function verdicts(counted: readonly Counted[]): ComparedColumn[] {
  const compared = compareBinned(counted.flatMap((one) => ('binned' in one ? [one.binned] : [])))
  const byName = new Map(compared.map((column) => [column.name, column]))
  return counted.map((one): ComparedColumn => {
    if ('evidently' in one) {
      const { method, score, threshold, drifted } = one.evidently
      return { name: one.name, test: method, value: score, threshold, drifted }
    }
    const { name, ...detail } = byName.get(one.binned.name)!
    const value = detail.populationStability
    const threshold = populationStabilityMost
    return { name, test: 'psi', value, threshold, drifted: value > threshold, detail }
  })
}
