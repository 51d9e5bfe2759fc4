// What the tests of this folder share: SciPy's numbers, the samples they were made from, and what "equal" means.
import scipy from './scipy.json' with { type: 'json' }

/** The numbers that test/interop/statistics_reference.py wrote. */
export const reference = scipy

/** |a - b| relative to the larger of |b| and 1e-300; 0 for equal infinities. JSON holds an infinity as text. */
export function relativeError(actual: number, expected: number | string): number {
  const wanted = Number(String(expected).replace('inf', 'Infinity'))
  if (actual === wanted) return 0
  return Math.abs(actual - wanted) / Math.max(Math.abs(wanted), 1e-300)
}

/** The pseudo-random numbers that the reference script made too (Numerical Recipes' linear congruential generator). */
export function sample(
  rows: number,
  seed: number,
  map: (uniform: number) => number = (uniform) => uniform,
): Float64Array {
  let state = seed
  return Float64Array.from({ length: rows }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0
    return map(state / 2 ** 32)
  })
}
