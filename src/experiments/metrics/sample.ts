// Choosing a few points that stand for many: points in order are cut into parts that are as equal as can be, the first ones a point longer.

export interface Parts {
  readonly points: number
  readonly count: number
  /** Points of a part; the first `longer` parts have one more. */
  readonly size: number
  readonly longer: number
}

/** Of more points than parts. */
export const partsOf = (points: number, count: number): Parts => ({
  points,
  count,
  size: Math.floor(points / count),
  longer: points % count,
})

/** The places of `count` of `points` points: the first of each part, but for the last part's the last of all. All where there are no more. */
export function samplePlaces(points: number, count: number): number[] {
  if (points <= count) return Array.from({ length: points }, (_, place) => place)
  const { size, longer } = partsOf(points, count)
  const starts = Array.from({ length: count }, (_, part) => part * size + Math.min(part, longer))
  return [...starts.slice(0, -1), points - 1]
}
