// Bins of a feature or a prediction: made once from reference values, then counted into by every gateway, so that counts merge by addition.
import { z } from 'zod'
import { rowsOf, valueCountsOf, type ValueCounts } from './value-counts.ts'

/** Most bins that a numeric feature may have, and most categories that are told apart. */
const MAX_EDGES = 1001
const MAX_CATEGORIES = 1000

/**
 * Half-open bins [edge, next edge), the last one closed; edges do not decrease. The last edge may stand twice: then the largest value of
 * the reference has a bin of its own (a value that many rows share), and one edge twice is a column with one value. No edges: a column
 * that had no values.
 */
const NumericBins = z.strictObject({
  kind: z.literal('numeric'),
  edges: z
    .array(z.number())
    .max(MAX_EDGES)
    .refine((edges) => edges.length !== 1, 'bins have two edges or more, or none')
    .refine((edges) => edges.every((edge, at) => at === 0 || edge >= edges[at - 1]!), 'edges must not decrease'),
})

/** The categories that are told apart, the most frequent of the reference first; every other one is "other". */
const CategoryBins = z.strictObject({
  kind: z.literal('category'),
  categories: z.array(z.string()).max(MAX_CATEGORIES),
})

/**
 * Bins of one column. Counts are an array of `binCount(bins)` numbers:
 * numeric: [missing, below the first edge, each bin..., above the last edge]; category: [missing, each category..., other].
 * So the first is always missing, and numeric counts have `edges.length + 2` places, category counts `categories.length + 2`.
 */
export const FeatureBins = z.discriminatedUnion('kind', [NumericBins, CategoryBins])
export type FeatureBins = Readonly<z.infer<typeof FeatureBins>>
export type NumericBins = Readonly<z.infer<typeof NumericBins>>
export type CategoryBins = Readonly<z.infer<typeof CategoryBins>>

/** Place of missing values in every counts array. */
export const MISSING = 0

/** Places of a counts array for these bins. */
export function binCount(bins: FeatureBins): number {
  return (bins.kind === 'numeric' ? bins.edges.length : bins.categories.length) + 2
}

/** Counts of nothing yet. */
export function emptyCounts(bins: FeatureBins): number[] {
  return Array.from({ length: binCount(bins) }, () => 0)
}

/**
 * Bins that hold about equally many reference rows each (deciles by default). A value that fills a bin by itself gets that bin alone, and
 * the bins left are spread over the rows left; so a column of few values has a bin for each of them, and one that is mostly 0 still tells
 * its other values apart. Values that are not finite are left out.
 */
export function quantileBins(values: ArrayLike<number>, bins = 10): NumericBins {
  return quantileBinsOfCounts(valueCountsOf(values), bins)
}

/** The same from counts by value. */
export function quantileBinsOfCounts({ values, counts }: ValueCounts, bins = 10): NumericBins {
  const distinct = values.length
  if (distinct === 0) return { kind: 'numeric', edges: [] }
  const rows = rowsOf(counts)
  const edges: number[] = []
  let at = 0
  let start = 0 // Rows below values[at].
  for (let left = Math.min(bins, MAX_EDGES - 1); at < distinct && left > 0; left--) {
    edges.push(values[at]!)
    if (left === 1) break
    // Few values left: one bin each, wherever their rows would have been cut. Else a cut near `target`, but between two values: before the
    // one that it falls on when the bin then keeps some rows, else after it.
    const isFew = distinct - at <= left
    const target = Math.min(rows - 1, start + Math.ceil((rows - start) / left))
    const first = at
    while (isFew ? at === first : start + counts[at]! <= target) start += counts[at++]!
    if (at === first) start += counts[at++]!
  }
  edges.push(values[distinct - 1]!)
  return { kind: 'numeric', edges }
}

/** `bins` bins of equal width over the finite reference values. */
export function equalWidthBins(values: ArrayLike<number>, bins = 10): NumericBins {
  let lowest = Infinity
  let highest = -Infinity
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!
    if (!Number.isFinite(value)) continue
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  if (lowest > highest) return { kind: 'numeric', edges: [] }
  if (lowest === highest) return { kind: 'numeric', edges: [lowest, lowest] }
  return { kind: 'numeric', edges: equalWidthEdges(lowest, highest, bins) }
}

/** bins + 1 edges from lowest to highest, as NumPy's `linspace` makes them. */
export function equalWidthEdges(lowest: number, highest: number, bins: number): number[] {
  const step = (highest - lowest) / bins
  const edges = Array.from({ length: bins + 1 }, (_, at) => at * step + lowest)
  edges[bins] = highest
  return edges
}

/** The `most` most frequent categories (ties by name, so that the result does not depend on row order), null and undefined left out. */
export function categoryBins(values: Iterable<string | null | undefined>, most = 50): CategoryBins {
  const counts = new Map<string, number>()
  for (const value of values) {
    if (value !== null && value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return categoryBinsOf(counts, most)
}

/** The same from counts by category. */
export function categoryBinsOf(counts: ReadonlyMap<string, number>, most = 50): CategoryBins {
  const ranked = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : a > b ? 1 : 0))
  return { kind: 'category', categories: ranked.slice(0, Math.min(most, MAX_CATEGORIES)).map(([category]) => category) }
}

/** A value as it is binned. Booleans and numbers are categories by their text. */
export type BinnedValue = number | bigint | string | boolean | null | undefined

function numericPlace(edges: readonly number[], value: number): number {
  if (Number.isNaN(value)) return MISSING
  const last = edges.length - 1
  if (last < 0 || value < edges[0]!) return 1
  if (value > edges[last]!) return last + 2
  let low = 0
  let high = last
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (edges[middle]! <= value) low = middle
    else high = middle - 1
  }
  return (low === last ? last - 1 : low) + 2
}

/**
 * A function from a value to its place in the counts: made once for each column, called for each row, without allocation.
 * NaN, null and undefined are missing, as is text in a numeric column that is no number.
 */
export function compileBins(bins: FeatureBins): (value: BinnedValue) => number {
  if (bins.kind === 'numeric') {
    const { edges } = bins
    return (value) => {
      if (typeof value === 'number') return numericPlace(edges, value)
      if (value === null || value === undefined || value === '') return MISSING
      return numericPlace(edges, Number(value))
    }
  }
  const places = new Map(bins.categories.map((category, at) => [category, at + 1]))
  const other = bins.categories.length + 1
  return (value) => {
    if (value === null || value === undefined) return MISSING
    if (typeof value === 'string') return places.get(value) ?? other
    return Number.isNaN(value) ? MISSING : (places.get(String(value)) ?? other)
  }
}

/** The place of one value. For many values of a category column, `compileBins` once. */
export function binIndex(bins: FeatureBins, value: BinnedValue): number {
  return compileBins(bins)(value)
}

/** Counts of many values. */
export function countValues(bins: FeatureBins, values: Iterable<BinnedValue>): number[] {
  const place = compileBins(bins)
  const counts = emptyCounts(bins)
  for (const value of values) counts[place(value)]!++
  return counts
}

/** Adds `more` into `counts`, which it returns. */
export function addCounts(counts: number[], more: ArrayLike<number>): number[] {
  if (counts.length !== more.length) throw new RangeError(`cannot add ${more.length} counts to ${counts.length}`)
  for (let at = 0; at < counts.length; at++) counts[at]! += more[at]!
  return counts
}

/**
 * The counts that a divergence compares. Missing values are left out (their rate is a signal of its own) unless `missing: 'bin'`; for
 * numeric bins, values below and above the edges join the outermost bins, as is usual for PSI with open outer bins.
 */
export function comparedCounts(
  bins: FeatureBins,
  counts: ArrayLike<number>,
  missing: 'leave_out' | 'bin' = 'leave_out',
): number[] {
  const compared = Array.from(counts).slice(1)
  if (bins.kind === 'numeric' && compared.length >= 3) {
    compared[1]! += compared[0]!
    compared[compared.length - 2]! += compared[compared.length - 1]!
    compared.shift()
    compared.pop()
  }
  return missing === 'bin' ? [counts[MISSING]!, ...compared] : compared
}

/** What the counts say besides divergence: rows, and the shares of missing, out-of-range (numeric) and unseen or rare (category) values. */
export function countRates(
  bins: FeatureBins,
  counts: ArrayLike<number>,
): { rows: number; missingRate: number; outOfRangeRate: number; otherRate: number } {
  const rows = rowsOf(counts)
  const present = rows - counts[MISSING]!
  const share = (part: number): number => (present > 0 ? part / present : 0)
  const last = counts[counts.length - 1]!
  const numeric = bins.kind === 'numeric'
  return {
    rows,
    missingRate: rows > 0 ? counts[MISSING]! / rows : 0,
    outOfRangeRate: numeric && bins.edges.length > 0 ? share(counts[1]! + last) : 0,
    otherRate: numeric ? 0 : share(last),
  }
}

/** A stand-in value for each compared bin of numeric bins (its middle), for distances that need positions. */
export function binMiddles(bins: NumericBins): number[] {
  return bins.edges.slice(1).map((edge, at) => (edge + bins.edges[at]!) / 2)
}
