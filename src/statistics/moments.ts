// Mean and variance of a stream, mergeable: Welford's update, Chan's merge. What confidence sequences need and nothing more.
import { z } from 'zod'

/** Rows, their mean, and the sum of their squared distances from it. */
export const Moments = z.strictObject({ n: z.number().nonnegative(), mean: z.number(), m2: z.number().nonnegative() })
export type Moments = z.infer<typeof Moments>

export function emptyMoments(): Moments {
  return { n: 0, mean: 0, m2: 0 }
}

/** Adds one value in place. */
export function addValue(moments: Moments, value: number): void {
  moments.n++
  const before = value - moments.mean
  moments.mean += before / moments.n
  moments.m2 += before * (value - moments.mean)
}

/** Moments of both streams together. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const n = a.n + b.n
  if (n === 0) return emptyMoments()
  const difference = b.mean - a.mean
  return {
    n,
    mean: a.mean + (difference * b.n) / n,
    m2: a.m2 + b.m2 + (difference * difference * a.n * b.n) / n,
  }
}

/** Sample variance (denominator n − 1); 0 below two rows. */
export function varianceOf(moments: Moments): number {
  return moments.n > 1 ? moments.m2 / (moments.n - 1) : 0
}

/** Moments of a list. */
/** From counts, sums and sums of squares, each part of its own. Digits are lost where the spread is far smaller than the mean. */
export function momentsOfSums(parts: readonly (readonly [n: number, sum: number, squares: number])[]): Moments {
  let [n, sum, squares] = [0, 0, 0]
  for (const [count, of, ofSquares] of parts) {
    n += count
    sum += of
    squares += ofSquares
  }
  return n > 0 ? { n, mean: sum / n, m2: Math.max(0, squares - (sum * sum) / n) } : { n: 0, mean: 0, m2: 0 }
}

export function momentsOf(values: Iterable<number>): Moments {
  const moments = emptyMoments()
  for (const value of values) addValue(moments, value)
  return moments
}
