// Two tables compared column by column: with the reference's own bins, as monitors do, and by Evidently's definitions. Pure.
import {
  binCount,
  categoryBins,
  compileBins,
  comparedCounts,
  countRates,
  emptyCounts,
  quantileBins,
  type BinnedValue,
  type FeatureBins,
} from '../statistics/binning.ts'
import { chiSquaredHomogeneity, jensenShannon, populationStability, type ChiSquared } from '../statistics/divergence.ts'
import { adjustPValues } from '../statistics/benjamini-hochberg.ts'
import {
  EVIDENTLY_DRIFT_SHARE,
  evidentlyDrift,
  type EvidentlyDrift,
  type EvidentlyMethod,
} from '../statistics/evidently.ts'
import { DomainError } from '../platform/errors.ts'

/** A column's values: numbers (NaN: missing), or texts (null: missing). */
export type Column =
  | { readonly name: string; readonly kind: 'numeric'; readonly values: ArrayLike<number>; readonly integer?: boolean }
  | { readonly name: string; readonly kind: 'category'; readonly values: readonly (string | null)[] }

export interface Rates {
  readonly rows: number
  readonly missingRate: number
  /** Of present values, outside the reference's range (numeric). */
  readonly outOfRangeRate: number
  /** Of present values, other than the reference's categories that are told apart. */
  readonly otherRate: number
}

export interface ColumnComparison {
  readonly name: string
  readonly bins: FeatureBins
  /** Counts in the layout of statistics/binning.ts. */
  readonly referenceCounts: readonly number[]
  readonly currentCounts: readonly number[]
  readonly reference: Rates
  readonly current: Rates
  readonly populationStability: number
  /** Distance, natural logarithm. */
  readonly jensenShannon: number
  readonly chiSquared: ChiSquared
  /** The chi-squared p-value, adjusted by Benjamini and Hochberg over the columns compared. */
  readonly adjustedPValue: number
}

/** A histogram of a column in bins that the reference made: enough to compare, and it merges by addition. */
export interface ColumnProfile {
  readonly name: string
  readonly bins: FeatureBins
  readonly counts: readonly number[]
}

/** Bins from these values (deciles; the 50 most frequent categories), and their counts. */
export function profileOf(column: Column): ColumnProfile {
  const bins = column.kind === 'numeric' ? quantileBins(column.values) : categoryBins(column.values)
  return countInto({ name: column.name, bins }, column)
}

/** The column's counts in the bins of another profile. */
export function countInto({ name, bins }: Pick<ColumnProfile, 'name' | 'bins'>, column: Column): ColumnProfile {
  const place = compileBins(bins)
  const counts = emptyCounts(bins)
  const values: ArrayLike<BinnedValue> = column.values
  for (let row = 0; row < values.length; row++) counts[place(values[row])]!++
  return { name, bins, counts }
}

/**
 * Compares profiles pair by pair, in the reference's order.
 * @throws DomainError comparison_columns_differ when a column is missing on a side, or its bins are others
 */
export function compareProfiles(
  reference: readonly ColumnProfile[],
  current: readonly ColumnProfile[],
): ColumnComparison[] {
  const byName = new Map(current.map((profile) => [profile.name, profile]))
  const compared = reference.map((before) => {
    const now = byName.get(before.name)
    if (!now) throw differing(before.name, 'the current side has no such column')
    if (now.counts.length !== binCount(before.bins) || before.counts.length !== now.counts.length) {
      throw differing(before.name, 'it was counted into other bins; count both sides into the same')
    }
    return compareColumn(before, now)
  })
  const adjusted = adjustPValues(compared.map(({ chiSquared }) => chiSquared.pValue))
  return compared.map((column, at) => ({ ...column, adjustedPValue: adjusted[at]! }))
}

function compareColumn(before: ColumnProfile, now: ColumnProfile): Omit<ColumnComparison, 'adjustedPValue'> {
  const r = comparedCounts(before.bins, before.counts)
  const c = comparedCounts(before.bins, now.counts)
  return {
    name: before.name,
    bins: before.bins,
    referenceCounts: before.counts,
    currentCounts: now.counts,
    reference: countRates(before.bins, before.counts),
    current: countRates(before.bins, now.counts),
    populationStability: populationStability(r, c),
    jensenShannon: jensenShannon(r, c),
    chiSquared: chiSquaredHomogeneity(r, c),
  }
}

/** Compares two tables with bins made from the reference. @throws DomainError comparison_columns_differ */
export function compareTables(reference: readonly Column[], current: readonly Column[]): ColumnComparison[] {
  const profiles = reference.map(profileOf)
  const counted = pairUp(reference, current).map(([, now], at) => countInto(profiles[at]!, now))
  return compareProfiles(profiles, counted)
}

export interface EvidentlyComparison {
  readonly columns: readonly (EvidentlyDrift & { readonly name: string })[]
  readonly driftedColumns: number
  readonly driftShare: number
  /** At least half of the columns drifted: what Evidently calls dataset drift. */
  readonly datasetDrift: boolean
}

/**
 * Compares two tables as Evidently's drift preset does by default, or with one method named.
 * @throws DomainError comparison_columns_differ, drift_column_empty, drift_method_unsuited
 */
export function compareTablesLikeEvidently(
  reference: readonly Column[],
  current: readonly Column[],
  options: { method?: EvidentlyMethod; threshold?: number } = {},
): EvidentlyComparison {
  const columns = pairUp(reference, current).map(([before, now]) => {
    const drift =
      before.kind === 'numeric' && now.kind === 'numeric'
        ? evidentlyDrift(
            { kind: 'numeric', reference: before.values, current: now.values, integer: before.integer === true },
            options,
          )
        : evidentlyDrift({ kind: 'category', reference: textOf(before), current: textOf(now) }, options)
    return { name: before.name, ...drift }
  })
  const driftedColumns = columns.filter(({ drifted }) => drifted).length
  const driftShare = columns.length > 0 ? driftedColumns / columns.length : 0
  return { columns, driftedColumns, driftShare, datasetDrift: driftShare >= EVIDENTLY_DRIFT_SHARE }
}

const textOf = (column: Column): ArrayLike<string | number | null> => column.values

const differing = (name: string, problem: string): DomainError =>
  new DomainError('invalid', 'comparison_columns_differ', `column "${name}" cannot be compared: ${problem}`, { name })

function pairUp(reference: readonly Column[], current: readonly Column[]): [Column, Column][] {
  const byName = new Map(current.map((column) => [column.name, column]))
  return reference.map((before) => {
    const now = byName.get(before.name)
    if (!now) throw differing(before.name, 'the current side has no such column')
    if (now.kind !== before.kind)
      throw differing(before.name, `it is ${before.kind} on one side and ${now.kind} on the other`)
    return [before, now]
  })
}
