// How much two properties of traces go together: normalised pointwise mutual information (Bouma 2009).
import type { Together } from './search.ts'

/** Jeffreys' prior: half an observation in each cell, so that small counts do not say too much. */
const prior = 0.5

export interface Correlation {
  /** -1: never together; 0: independent; 1: always together; NaN where one of them never occurs. */
  readonly npmi: number
  readonly smoothed: number
}

export function correlationOf(counts: Together): Correlation {
  const { total, first, second, both } = counts
  const neither = total - first - second + both
  const cells = [both, first - both, second - both, neither] as const
  if (total <= 0 || first === 0 || second === 0 || Math.min(...cells) < 0) {
    return { npmi: Number.NaN, smoothed: Number.NaN }
  }
  return { npmi: both === 0 ? -1 : npmiOf(cells, 0), smoothed: npmiOf(cells, prior) }
}

type Cells = readonly [both: number, onlyFirst: number, onlySecond: number, neither: number]

function npmiOf([both, onlyFirst, onlySecond, neither]: Cells, smoothing: number): number {
  if (onlyFirst === 0 && onlySecond === 0 && neither === 0) return 1
  const together = Math.log(both + smoothing)
  const total = Math.log(both + onlyFirst + onlySecond + neither + 4 * smoothing)
  const first = Math.log(both + onlyFirst + 2 * smoothing)
  const second = Math.log(both + onlySecond + 2 * smoothing)
  const value = (together + total - (first + second)) / (total - together)
  return Math.max(-1, Math.min(1, value))
}
