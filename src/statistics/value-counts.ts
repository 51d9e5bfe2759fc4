// A column as its distinct values and how many rows have each: all that moments, quantiles, histograms and distances need, in far fewer numbers.
import type { Moments } from './moments.ts'

/** Finite values, upwards, each once, and the rows that have each (more than 0). */
export interface ValueCounts {
  readonly values: Float64Array
  readonly counts: Float64Array
}

/**
 * The rows of two samples by distinct value, upwards; each value occurs on one side at least. Categories have no `values`: only that they
 * are told apart, and their order, counts.
 */
export interface PairedCounts {
  readonly values?: Float64Array
  readonly reference: Float64Array
  readonly current: Float64Array
}

/** Counts of the finite values of a list. */
export function valueCountsOf(list: ArrayLike<number>): ValueCounts {
  const sorted = sortedFinite(list)
  const values = new Float64Array(sorted.length)
  const counts = new Float64Array(sorted.length)
  let distinct = 0
  for (const value of sorted) {
    if (distinct === 0 || values[distinct - 1] !== value) values[distinct++] = value + 0 // -0 is 0.
    counts[distinct - 1]!++
  }
  return { values: values.slice(0, distinct), counts: counts.slice(0, distinct) }
}

function sortedFinite(list: ArrayLike<number>): Float64Array {
  const finite = new Float64Array(list.length)
  let rows = 0
  for (let row = 0; row < list.length; row++) {
    const value = list[row]!
    if (Number.isFinite(value)) finite[rows++] = value
  }
  return finite.subarray(0, rows).sort()
}

/** Samples side by side: the counts of each, 0 where only another one has the value. */
export function alignCounts(sides: readonly ValueCounts[]): { values: Float64Array; counts: Float64Array[] } {
  const most = sides.reduce((sum, { values }) => sum + values.length, 0)
  const values = new Float64Array(most)
  const counts = sides.map(() => new Float64Array(most))
  const at = sides.map(() => 0)
  let distinct = 0
  for (;;) {
    let value = Infinity
    for (let side = 0; side < sides.length; side++) value = Math.min(value, sides[side]!.values[at[side]!] ?? Infinity)
    if (value === Infinity) break
    values[distinct] = value
    for (let side = 0; side < sides.length; side++) {
      if (sides[side]!.values[at[side]!] === value) counts[side]![distinct] = sides[side]!.counts[at[side]!++]!
    }
    distinct++
  }
  return { values: values.slice(0, distinct), counts: counts.map((one) => one.slice(0, distinct)) }
}

/** Two samples side by side. */
export function pairCounts(reference: ValueCounts, current: ValueCounts): PairedCounts & { values: Float64Array } {
  const { values, counts } = alignCounts([reference, current])
  return { values, reference: counts[0]!, current: counts[1]! }
}

/** Of counts of any kind. */
export function rowsOf(counts: ArrayLike<number>): number {
  let rows = 0
  for (let at = 0; at < counts.length; at++) rows += counts[at]!
  return rows
}

/** How many values have any row. */
export function distinctOf(counts: ArrayLike<number>): number {
  let distinct = 0
  for (let at = 0; at < counts.length; at++) if (counts[at]! > 0) distinct++
  return distinct
}

/** In two passes: the second one's squares are of differences from the mean, so that large values lose no digits. */
export function momentsOfCounts({ values, counts }: ValueCounts): Moments {
  const n = rowsOf(counts)
  if (n === 0) return { n, mean: 0, m2: 0 }
  const centre = values[0]!
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += counts[at]! * (values[at]! - centre)
  const mean = centre + sum / n
  let m2 = 0
  for (let at = 0; at < values.length; at++) m2 += counts[at]! * (values[at]! - mean) ** 2
  return { n, mean, m2 }
}

/** Quantiles of ascending shares, straight between the two rows that a share falls between, as NumPy has it by default. NaN without rows. */
export function quantilesOfCounts({ values, counts }: ValueCounts, shares: readonly number[]): number[] {
  const rows = rowsOf(counts)
  if (rows === 0) return shares.map(() => Number.NaN)
  let at = 0
  let end = counts[0]! // Rows up to and with values[at].
  return shares.map((share) => {
    const position = share * (rows - 1)
    const row = Math.floor(position)
    while (end <= row) end += counts[++at]!
    const low = values[at]!
    const high = row + 1 < end ? low : (values[at + 1] ?? low)
    return low + (high - low) * (position - row)
  })
}

/** Rows in equal bins from the least value to the greatest, the last one closed; all in the first where there is but one value. */
export function histogramOfCounts({ values, counts }: ValueCounts, bins: number): number[] {
  const histogram = Array.from({ length: bins }, () => 0)
  const from = values[0] ?? 0
  const width = ((values.at(-1) ?? 0) - from) / bins
  const isWide = width > 0 && Number.isFinite(width)
  for (let at = 0; at < values.length; at++) {
    const bin = isWide ? Math.min(bins - 1, Math.floor((values[at]! - from) / width)) : 0
    histogram[bin]! += counts[at]!
  }
  return histogram
}

/** The values that most rows have, the most frequent first, the least of equally frequent ones first. */
export function frequentOfCounts({ values, counts }: ValueCounts, most: number): { value: number; count: number }[] {
  const frequent: { value: number; count: number }[] = []
  for (let at = 0; at < values.length; at++) {
    const count = counts[at]!
    if (frequent.length === most && frequent[most - 1]!.count >= count) continue
    const place = frequent.findIndex((one) => one.count < count)
    frequent.splice(place < 0 ? frequent.length : place, 0, { value: values[at]!, count })
    if (frequent.length > most) frequent.pop()
  }
  return frequent
}
