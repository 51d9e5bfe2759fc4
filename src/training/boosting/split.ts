// The best split of a leaf: what a histogram says about every feature.
import { BIN_SIZE, MAX_BIN_VALUES } from './memory.ts'

/** Sums over rows, in real units. */
export interface LeafSums {
  readonly gradient: number
  readonly hessian: number
  readonly rows: number
}

export interface Split {
  readonly feature: number
  /** Twice the drop of the loss, by its second-order approximation. */
  readonly gain: number
  /** The last bin that goes left, for a number; unused for a category. */
  readonly bin: number
  /** 1 where a bin goes left, the missing one included. */
  readonly goesLeft: Uint8Array
  readonly left: LeafSums
  readonly right: LeafSums
}

export interface SplitRules {
  readonly binCounts: Int32Array
  readonly binOffsets: Int32Array
  readonly isCategory: readonly boolean[]
  readonly minSamplesLeaf: number
  readonly l2: number
  /** What one step of the histogram's gradients and hessians is worth. */
  readonly gradientStep: number
  readonly hessianStep: number
}

/** A leaf must keep this much curvature, or its value means nothing. */
const LEAST_HESSIAN = 1e-3

/** A category with fewer rows in the leaf is not moved to the left on its own evidence. */
const LEAST_CATEGORY_ROWS = 10

/** Hessian added when categories are ordered by their mean gradient, so that rare ones do not lead. */
const CATEGORY_SMOOTHING = 10

interface Candidate {
  gain: number
  feature: number
  bin: number
  missingLeft: boolean
  categories: readonly number[] | undefined
  left: LeafSums
}

/** The split of the largest gain, or undefined if none helps. The first feature and the lowest bin win a tie. */
export function findBestSplit(histogram: Float64Array, leaf: LeafSums, rules: SplitRules): Split | undefined {
  const best: Candidate = { gain: 0, feature: -1, bin: -1, missingLeft: false, categories: undefined, left: leaf }
  const search: Search = { histogram, leaf, rules, best, parentScore: score(leaf.gradient, leaf.hessian, rules.l2) }
  for (let feature = 0; feature < rules.binCounts.length; feature++) {
    if (rules.isCategory[feature]!) searchCategories(search, feature)
    else searchNumber(search, feature)
  }
  return best.feature < 0 ? undefined : describe(best, leaf, rules)
}

/** The value that minimises the loss in a leaf, before the learning rate. */
export function leafValue({ gradient, hessian }: LeafSums, l2: number): number {
  return -gradient / (Math.max(hessian, LEAST_HESSIAN) + l2)
}

interface Search {
  readonly histogram: Float64Array
  readonly leaf: LeafSums
  readonly rules: SplitRules
  readonly best: Candidate
  readonly parentScore: number
}

const score = (gradient: number, hessian: number, l2: number): number => (gradient * gradient) / (hessian + l2)

/** Gain of a split, or 0 if it may not be made. */
function gainOf(
  { leaf, rules, parentScore }: Search,
  gradient: number,
  [hessian, rows]: readonly [number, number],
): number {
  const { minSamplesLeaf, l2 } = rules
  const otherHessian = leaf.hessian - hessian
  if (
    rows < minSamplesLeaf ||
    leaf.rows - rows < minSamplesLeaf ||
    hessian < LEAST_HESSIAN ||
    otherHessian < LEAST_HESSIAN
  )
    return 0
  return score(gradient, hessian, l2) + score(leaf.gradient - gradient, otherHessian, l2) - parentScore
}

/** Every threshold, with the missing rows on the right, then on the left if the leaf has any. */
function searchNumber(search: Search, feature: number): void {
  const { histogram, leaf, rules, best } = search
  const { gradientStep, hessianStep } = rules
  const bins = rules.binCounts[feature]!
  const offset = rules.binOffsets[feature]!
  const missing = offset + bins * BIN_SIZE
  const missingRows = histogram[missing + 2]!
  for (let direction = 0; direction < (missingRows > 0 ? 2 : 1); direction++) {
    const missingLeft = direction === 1
    let gradient = missingLeft ? histogram[missing]! : 0
    let hessian = missingLeft ? histogram[missing + 1]! : 0
    let rows = missingLeft ? missingRows : 0
    // The last bin is a candidate only if it parts the missing rows from the others.
    const candidates = missingRows > 0 && !missingLeft ? bins : bins - 1
    for (let bin = 0; bin < candidates; bin++) {
      const at = offset + bin * BIN_SIZE
      gradient += histogram[at]!
      hessian += histogram[at + 1]!
      rows += histogram[at + 2]!
      if (rows < rules.minSamplesLeaf) continue
      if (leaf.rows - rows < rules.minSamplesLeaf) break
      const gain = gainOf(search, gradient * gradientStep, [hessian * hessianStep, rows])
      if (gain <= best.gain) continue
      best.gain = gain
      best.feature = feature
      best.bin = bin
      // Where the leaf saw no missing value, a later one follows the majority.
      best.missingLeft = missingRows > 0 ? missingLeft : 2 * rows > leaf.rows
      best.categories = undefined
      best.left = { gradient: gradient * gradientStep, hessian: hessian * hessianStep, rows }
    }
  }
}

/**
 * Sets of categories: in the order of their mean gradients the best set is a run from one end (Fisher, 1958), so both ends are tried, up to
 * half of the categories each. Missing is a category too.
 */
function searchCategories(search: Search, feature: number): void {
  const { histogram, rules, best } = search
  const { gradientStep, hessianStep } = rules
  const offset = rules.binOffsets[feature]!
  const order: { bin: number; mean: number }[] = []
  for (let bin = 0; bin <= rules.binCounts[feature]!; bin++) {
    const at = offset + bin * BIN_SIZE
    if (histogram[at + 2]! < LEAST_CATEGORY_ROWS) continue
    order.push({ bin, mean: (histogram[at]! * gradientStep) / (histogram[at + 1]! * hessianStep + CATEGORY_SMOOTHING) })
  }
  order.sort((a, b) => a.mean - b.mean || a.bin - b.bin)
  for (const ends of [order, order.toReversed()]) {
    let [gradient, hessian, rows] = [0, 0, 0]
    for (let count = 1; count <= (ends.length + 1) >> 1; count++) {
      const at = offset + ends[count - 1]!.bin * BIN_SIZE
      gradient += histogram[at]!
      hessian += histogram[at + 1]!
      rows += histogram[at + 2]!
      const gain = gainOf(search, gradient * gradientStep, [hessian * hessianStep, rows])
      if (gain <= best.gain) continue
      best.gain = gain
      best.feature = feature
      best.categories = ends.slice(0, count).map(({ bin }) => bin)
      best.left = { gradient: gradient * gradientStep, hessian: hessian * hessianStep, rows }
      const missing = offset + rules.binCounts[feature]! * BIN_SIZE
      best.missingLeft = histogram[missing + 2] === 0 && 2 * rows > search.leaf.rows
    }
  }
}

function describe(
  { feature, gain, bin, missingLeft, categories, left }: Candidate,
  leaf: LeafSums,
  rules: SplitRules,
): Split {
  const goesLeft = new Uint8Array(MAX_BIN_VALUES)
  const missing = rules.binCounts[feature]!
  if (categories) for (const category of categories) goesLeft[category] = 1
  else goesLeft.fill(1, 0, bin + 1)
  if (!categories || missingLeft) goesLeft[missing] = missingLeft ? 1 : 0
  const right = {
    gradient: leaf.gradient - left.gradient,
    hessian: leaf.hessian - left.hessian,
    rows: leaf.rows - left.rows,
  }
  return { feature, gain, bin, goesLeft, left, right }
}
