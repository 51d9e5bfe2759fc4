// Many tests at once: the false discovery rate of Benjamini and Hochberg (1995).

/**
 * P-values adjusted so that rejecting those at or below q keeps the expected share of false ones among the rejected at most q (tests
 * independent or positively dependent). Same order as given; NaN stays NaN and does not count as a test.
 */
export function adjustPValues(pValues: readonly number[]): number[] {
  const tested = pValues.map((_, at) => at).filter((at) => !Number.isNaN(pValues[at]!))
  const order = tested.toSorted((a, b) => pValues[b]! - pValues[a]!)
  const adjusted = pValues.map(() => Number.NaN)
  let least = 1
  for (const [fromTop, at] of order.entries()) {
    least = Math.min(least, (pValues[at]! * order.length) / (order.length - fromTop))
    adjusted[at] = least
  }
  return adjusted
}
