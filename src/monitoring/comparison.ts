// Two tables compared column by column, from counts: with the reference's own bins, as monitors do, and by Evidently's definitions. Pure.
import type { CategoryCounts, NumberCounts } from '../data/value-counts.ts'
import { cellText } from '../platform/tables.ts'
import { adjustPValues } from '../statistics/benjamini-hochberg.ts'
import {
  comparedCounts,
  compileBins,
  countRates,
  emptyCounts,
  MISSING,
  quantileBinsOfCounts,
  type CategoryBins,
  type FeatureBins,
} from '../statistics/binning.ts'
import { chiSquaredHomogeneity, jensenShannon, populationStability, type ChiSquared } from '../statistics/divergence.ts'
import { evidentlyDrift, type EvidentlyDrift } from '../statistics/evidently.ts'
import { distinctOf, rowsOf, type PairedCounts } from '../statistics/value-counts.ts'

export type Sides<T> = readonly [reference: T, current: T]

/** A column counted on both sides into the reference's bins, in the layout of statistics/binning.ts; it merges by addition. */
export interface BinnedColumn {
  readonly name: string
  readonly bins: FeatureBins
  readonly counts: Sides<readonly number[]>
}

export interface Rates {
  readonly rows: number
  readonly missingRate: number
  /** Of present values, outside the reference's range (numeric). */
  readonly outOfRangeRate: number
  /** Of present values, other than the reference's categories that are told apart. */
  readonly otherRate: number
}

export interface ColumnComparison extends BinnedColumn {
  readonly rates: Sides<Rates>
  readonly populationStability: number
  /** Distance, natural logarithm. */
  readonly jensenShannon: number
  readonly chiSquared: ChiSquared
  /** The chi-squared p-value, adjusted by Benjamini and Hochberg over the columns compared. */
  readonly adjustedPValue: number
}

/** Categories of the reference that are told apart. */
export const categoriesMost = 50

/** Deciles of the reference, or a bin for each of few values. */
export function binNumbers(name: string, { values, sides }: NumberCounts): BinnedColumn {
  const [reference, current] = bothOf(sides)
  const has = (_: number, at: number): boolean => reference.counts[at]! > 0
  const bins = quantileBinsOfCounts({ values: values.filter(has), counts: reference.counts.filter(has) })
  const place = compileBins(bins)
  const places = Uint32Array.from(values, place)
  const count = (side: NumberCounts['sides'][number]): number[] => {
    const counts = emptyCounts(bins)
    for (let at = 0; at < places.length; at++) counts[places[at]!]! += side.counts[at]!
    counts[place(-Infinity)]! += side.negativeInfinite
    counts[place(Infinity)]! += side.positiveInfinite
    counts[MISSING]! += side.missing
    return counts
  }
  return { name, bins, counts: [count(reference), count(current)] }
}

/** The reference's most frequent categories, and all others together. */
export function binCategories(name: string, { sides, frequent }: CategoryCounts): BinnedColumn {
  const bins: CategoryBins = { kind: 'category', categories: frequent.map(({ value }) => cellText(value)) }
  const count = ({ rows, missing }: CategoryCounts['sides'][number], side: 0 | 1): number[] => {
    const named = frequent.map(({ counts }) => counts[side]!)
    return [missing, ...named, rows - missing - rowsOf(named)]
  }
  const [reference, current] = bothOf(sides)
  return { name, bins, counts: [count(reference, 0), count(current, 1)] }
}

function bothOf<T>(sides: readonly T[]): Sides<T> {
  const [reference, current] = sides
  if (reference === undefined || current === undefined) throw new Error('a comparison wants counts of two sides')
  return [reference, current]
}

/** All columns of a comparison at once, for their p-values are adjusted together. */
export function compareBinned(columns: readonly BinnedColumn[]): ColumnComparison[] {
  const compared = columns.map((column) => {
    const { bins, counts } = column
    const reference = comparedCounts(bins, counts[0])
    const current = comparedCounts(bins, counts[1])
    return {
      ...column,
      rates: [countRates(bins, counts[0]), countRates(bins, counts[1])] as const,
      populationStability: populationStability(reference, current),
      jensenShannon: jensenShannon(reference, current),
      chiSquared: chiSquaredHomogeneity(reference, current),
    }
  })
  const adjusted = adjustPValues(compared.map(({ chiSquared }) => chiSquared.pValue))
  return compared.map((column, at) => ({ ...column, adjustedPValue: adjusted[at]! }))
}

/** Integers without nulls that have no more different values than this are categories to Evidently. */
const fewIntegers = 10

/** A column of numbers by Evidently's definitions. @throws DomainError drift_column_empty */
export function evidentlyNumbers(
  { values, sides }: NumberCounts,
  { isInteger }: { isInteger: boolean },
): EvidentlyDrift {
  const [reference, current] = bothOf(sides)
  const counts: PairedCounts = { values, reference: reference.counts, current: current.counts }
  // In pandas, integers with a null among them are doubles.
  const isCategory = isInteger && current.missing === 0 && distinctOf(counts.current) <= fewIntegers
  if (isCategory) return evidentlyCategories([counts.reference, counts.current])
  return evidentlyDrift({ counts, isInteger: isInteger && reference.missing + current.missing === 0 })
}

/** Rows by category, the same ones in the same order on both sides. @throws DomainError drift_column_empty */
export const evidentlyCategories = ([reference, current]: Sides<Float64Array>): EvidentlyDrift =>
  evidentlyDrift({ counts: { reference, current } })
