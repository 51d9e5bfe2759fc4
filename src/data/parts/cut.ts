// Where one part ends and the next begins, decided by the rows themselves, so that the same rows are cut the same way beside any others. Pure.

/** A place where a part may end: before the row with this number. A strong one ends it, a weak one only when the part is getting large. */
export interface CutPoint {
  readonly row: number
  readonly strong: boolean
}

/** Rows `from` to `to` (exclusive). */
export interface RowRange {
  readonly from: number
  readonly to: number
}

export interface CutSizes {
  readonly min: number
  readonly max: number
}

/** One row in so many begins with a weak cut, one in so many with a strong one. */
export const weakEvery = 4_096
export const strongEvery = 131_072
export const defaultCutSizes: CutSizes = { min: 32_768, max: 524_288 }

/**
 * Cuts rows 0 to `rowCount` at the points, which are in ascending order. Reading from the start of any part gives the same parts from there
 * on, so a change in the middle cuts anew only up to the next strong point that both sides reach.
 */
export function cutRows(rowCount: number, points: readonly CutPoint[], sizes: CutSizes = defaultCutSizes): RowRange[] {
  const ranges: RowRange[] = []
  let from = 0
  for (const { row, strong } of points) {
    const size = row - from
    if (row >= rowCount || size < sizes.min || (!strong && size < sizes.max)) continue
    ranges.push({ from, to: row })
    from = row
  }
  if (from < rowCount) ranges.push({ from, to: rowCount })
  return ranges
}
