// A grown tree, and how a row of features walks it.
import type { FeatureValues } from '../feature.ts'

/** Nodes side by side; node 0 is the root. */
export interface Tree {
  /** -1 for a leaf. */
  readonly feature: Int32Array
  /** A number goes left if it is <= this float32. */
  readonly threshold: Float32Array
  /** 1 if a missing value goes left. */
  readonly missingLeft: Uint8Array
  /** For a split by category: 1 for each code that goes left, the last entry for a missing value. */
  readonly goesLeft: readonly (Uint8Array | undefined)[]
  readonly left: Int32Array
  readonly right: Int32Array
  /** What a leaf adds to the score; a float32 that already contains the learning rate. */
  readonly value: Float64Array
  readonly gain: Float64Array
}

/** A sum of trees for each output. */
export interface Ensemble {
  readonly outputs: number
  /** `[outputs]`: the score before the first tree, float32. */
  readonly baseline: Float64Array
  /** By iteration, then by output. */
  readonly trees: readonly (readonly Tree[])[]
}

/** Scores of all rows, `[rows, outputs]`. */
export function ensembleScores(
  { outputs, baseline, trees }: Ensemble,
  values: readonly FeatureValues[],
  rows: number,
): Float64Array {
  const scores = new Float64Array(rows * outputs)
  for (let output = 0; output < outputs; output++) {
    for (let row = 0; row < rows; row++) scores[row * outputs + output] = baseline[output]!
    for (const iteration of trees) {
      const tree = iteration[output]!
      for (let row = 0; row < rows; row++) scores[row * outputs + output]! += tree.value[leafOf(tree, values, row)]!
    }
  }
  return scores
}

function leafOf(tree: Tree, values: readonly FeatureValues[], row: number): number {
  let node = 0
  for (let feature = tree.feature[0]!; feature >= 0; feature = tree.feature[node]!) {
    node = valueGoesLeft(tree, node, values[feature]![row]!) ? tree.left[node]! : tree.right[node]!
  }
  return node
}

function valueGoesLeft(tree: Tree, node: number, value: number): boolean {
  const categories = tree.goesLeft[node]
  if (categories) return categories[value < 0 ? categories.length - 1 : value] === 1
  return Number.isNaN(value) ? tree.missingLeft[node] === 1 : value <= tree.threshold[node]!
}
