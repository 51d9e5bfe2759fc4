// The split search against trying everything.
import { expect, test } from 'vitest'
import { createGenerator } from '../../statistics/random.ts'
import { findBestSplit, type SplitRules } from './split.ts'

const bins = 6
const rules = (isCategory: boolean): SplitRules => ({
  binCounts: Int32Array.of(bins),
  binOffsets: Int32Array.of(0, (bins + 1) * 3),
  isCategory: [isCategory],
  minSamplesLeaf: 15,
  l2: 0.5,
  gradientStep: 1,
  hessianStep: 1,
})

interface Sums {
  gradient: number
  hessian: number
  rows: number
}

function drawHistogram(seed: number, missing: boolean): { histogram: Float64Array; leaf: Sums } {
  const random = createGenerator(seed)
  const histogram = new Float64Array((bins + 1) * 3)
  const leaf = { gradient: 0, hessian: 0, rows: 0 }
  for (let bin = 0; bin < bins + (missing ? 1 : 0); bin++) {
    const rows = 12 + random.integer(30)
    histogram.set([random.normal() * rows, rows * (0.5 + random.uniform()), rows], bin * 3)
    leaf.gradient += histogram[bin * 3]!
    leaf.hessian += histogram[bin * 3 + 1]!
    leaf.rows += rows
  }
  return { histogram, leaf }
}

/** The gain of sending these bins left, or -Infinity if a side is too small. */
function gainOf(histogram: Float64Array, leaf: Sums, left: readonly number[]): number {
  const sum = (part: number) => left.reduce((total, bin) => total + histogram[bin * 3 + part]!, 0)
  const [gradient, hessian, rows] = [sum(0), sum(1), sum(2)]
  if (rows < 15 || leaf.rows - rows < 15) return -Infinity
  const score = (g: number, h: number) => (g * g) / (h + 0.5)
  return (
    score(gradient, hessian) +
    score(leaf.gradient - gradient, leaf.hessian - hessian) -
    score(leaf.gradient, leaf.hessian)
  )
}

test.each([false, true])(
  'of all thresholds, and both ways for missing values, the best one is found (missing: %s)',
  (missing) => {
    for (let seed = 0; seed < 200; seed++) {
      const { histogram, leaf } = drawHistogram(seed, missing)
      const lefts = Array.from({ length: bins }, (_, last) => Array.from({ length: last + 1 }, (_bin, bin) => bin))
      const candidates = missing ? lefts.flatMap((left) => [left, [...left, bins]]) : lefts.slice(0, -1)
      const best = Math.max(...candidates.map((left) => gainOf(histogram, leaf, left)))
      const split = findBestSplit(histogram, leaf, rules(false))!
      expect(split.gain).toBeCloseTo(best, 8)
      const left = [...split.goesLeft.keys()].filter((bin) => split.goesLeft[bin] === 1 && (bin < bins || missing))
      expect(gainOf(histogram, leaf, left)).toBeCloseTo(best, 8)
      expect(split.left.rows + split.right.rows).toBe(leaf.rows)
    }
  },
)

test('of all sets of categories a good one is found: mostly the best, as the order is smoothed and half of the categories stay', () => {
  let found = 0
  for (let seed = 0; seed < 200; seed++) {
    const { histogram, leaf } = drawHistogram(seed, true)
    const sets = Array.from({ length: 2 ** (bins + 1) }, (_, mask) =>
      Array.from({ length: bins + 1 }, (_bin, bin) => bin).filter((bin) => (mask >> bin) & 1),
    )
    const best = Math.max(...sets.map((left) => gainOf(histogram, leaf, left)))
    const split = findBestSplit(histogram, leaf, rules(true))!
    const left = [...split.goesLeft.keys()].filter((bin) => split.goesLeft[bin] === 1)
    expect(gainOf(histogram, leaf, left)).toBeCloseTo(split.gain, 8)
    expect(split.gain).toBeLessThanOrEqual(best + 1e-8)
    if (split.gain > best - 1e-8) found++
  }
  expect(found).toBeGreaterThan(150)
})

test('a leaf that no split improves is left alone', () => {
  const histogram = new Float64Array((bins + 1) * 3)
  for (let bin = 0; bin < bins; bin++) histogram.set([20, 20, 20], bin * 3)
  expect(
    findBestSplit(histogram, { gradient: 120, hessian: 120, rows: 120 }, { ...rules(false), l2: 0 }),
  ).toBeUndefined()
})
