// Grows one tree leaf by leaf, always splitting the leaf that gains most.
import type { FeatureBins } from './binning.ts'
import { histogramSize, MAX_BIN_VALUES, OPERATION, type BoostingMemory } from './memory.ts'
import { findBestSplit, leafValue, type LeafSums, type Split, type SplitRules } from './split.ts'
import type { Team } from './team.ts'
import type { Tree } from './tree.ts'

export interface GrowthInput {
  readonly memory: BoostingMemory
  readonly team: Team
  readonly bins: readonly FeatureBins[]
  readonly rules: SplitRules
  readonly histograms: HistogramPool
  readonly learningRate: number
  readonly maxDepth: number
}

interface Leaf {
  readonly slot: number
  readonly node: number
  readonly depth: number
  readonly sums: LeafSums
  readonly histogram: Float64Array | undefined
  readonly split: Split | undefined
}

/** Histograms of leaves, used again for the next tree. */
export interface HistogramPool {
  take(): Float64Array
  give(histogram: Float64Array): void
}

export function createHistogramPool(size: number): HistogramPool {
  const free: Float64Array[] = []
  return { take: () => free.pop() ?? new Float64Array(size), give: (histogram) => void free.push(histogram) }
}

/** Grows the tree of one output and leaves it in the shared memory too, for {@link OPERATION.update}. */
export function growTree(input: GrowthInput, output: number): Tree {
  const { memory, team, histograms } = input
  const nodes = createNodes(memory)
  team.run(OPERATION.root, output)
  const histogram = sumOfThreads(input)
  const sums = sumsOfLeaf(histogram, input)
  let leaves: Leaf[] = [openLeaf(input, { slot: 0, node: nodes.add(), depth: 0, sums, histogram })]
  while (leaves.length < memory.shape.maxLeaves) {
    const leaf = leaves.reduce((best, other) => ((other.split?.gain ?? 0) > (best.split?.gain ?? 0) ? other : best))
    if (!leaf.split) break
    const children = splitLeaf(input, nodes, { leaf, output, otherSlot: leaves.length })
    leaves = [...leaves.map((other) => (other === leaf ? children[0] : other)), children[1]]
  }
  for (const { node, slot, sums: leafSums, histogram: held } of leaves) {
    const value = Math.fround(input.learningRate * leafValue(leafSums, input.rules.l2))
    memory.nodeValue[node] = value
    memory.slotValue[slot] = value
    if (held) histograms.give(held)
  }
  team.run(OPERATION.update, output, [leaves.length, 0, 0])
  return nodes.finish(input.bins)
}

function splitLeaf(
  input: GrowthInput,
  nodes: Nodes,
  { leaf, output, otherSlot }: { leaf: Leaf; output: number; otherSlot: number },
): [Leaf, Leaf] {
  const { memory, team, histograms } = input
  const split = leaf.split!
  const [left, right] = [nodes.add(), nodes.add()]
  nodes.split(leaf.node, split, [left, right])
  // Only the smaller child is counted; the other one is what is left of the parent. Neither, if this was the last split.
  const last = otherSlot + 1 === memory.shape.maxLeaves
  const smallerIsLeft = split.left.rows <= split.right.rows
  team.run(OPERATION.split, leaf.slot | (output << 16), [leaf.node, otherSlot, last ? 2 : smallerIsLeft ? 0 : 1])
  let smaller: Float64Array | undefined
  let larger: Float64Array | undefined
  if (last) histograms.give(leaf.histogram!)
  else {
    smaller = sumOfThreads(input)
    larger = leaf.histogram!
    for (let index = 0; index < larger.length; index++) larger[index]! -= smaller[index]!
  }
  const depth = leaf.depth + 1
  const histogramOf = (isLeft: boolean) => (isLeft === smallerIsLeft ? smaller : larger)
  return [
    openLeaf(input, { slot: leaf.slot, node: left, depth, sums: split.left, histogram: histogramOf(true) }),
    openLeaf(input, { slot: otherSlot, node: right, depth, sums: split.right, histogram: histogramOf(false) }),
  ]
}

/** A leaf with its best split, if it may be split at all; one that may not gives its histogram back. */
function openLeaf({ histograms, rules, maxDepth }: GrowthInput, leaf: Omit<Leaf, 'split'>): Leaf {
  const { histogram, sums, depth } = leaf
  if (!histogram) return { ...leaf, split: undefined }
  const mayHold = depth < maxDepth && sums.rows >= 2 * rules.minSamplesLeaf
  const split = mayHold ? findBestSplit(histogram, sums, rules) : undefined
  if (split) return { ...leaf, split }
  histograms.give(histogram)
  return { ...leaf, histogram: undefined, split: undefined }
}

function sumOfThreads({ memory, histograms }: GrowthInput): Float64Array {
  const size = histogramSize(memory.shape)
  const sum = histograms.take()
  sum.set(memory.histograms.subarray(0, size))
  for (let thread = 1; thread < memory.shape.threads; thread++) {
    const part = memory.histograms.subarray(thread * size, (thread + 1) * size)
    for (let index = 0; index < size; index++) sum[index]! += part[index]!
  }
  return sum
}

/** Every feature's bins hold all rows, so the first feature's do. */
function sumsOfLeaf(histogram: Float64Array, { rules }: GrowthInput): LeafSums {
  let [gradient, hessian, rows] = [0, 0, 0]
  for (let at = 0; at < rules.binOffsets[1]!; at += 3) {
    gradient += histogram[at]!
    hessian += histogram[at + 1]!
    rows += histogram[at + 2]!
  }
  return { gradient: gradient * rules.gradientStep, hessian: hessian * rules.hessianStep, rows }
}

interface Nodes {
  add(): number
  split(node: number, split: Split, children: readonly [number, number]): void
  finish(bins: readonly FeatureBins[]): Tree
}

function createNodes({ nodeFeature, nodeLeft, nodeRight, nodeBins, nodeValue }: BoostingMemory): Nodes {
  const splits: (Split | undefined)[] = []
  return {
    add() {
      const node = splits.push(undefined) - 1
      nodeFeature[node] = -1
      nodeValue[node] = 0
      return node
    },
    split(node, split, [left, right]) {
      splits[node] = split
      nodeFeature[node] = split.feature
      nodeLeft[node] = left
      nodeRight[node] = right
      nodeBins.set(split.goesLeft, node * MAX_BIN_VALUES)
    },
    finish(bins) {
      const count = splits.length
      return {
        feature: Int32Array.from(nodeFeature.subarray(0, count)),
        left: Int32Array.from(nodeLeft.subarray(0, count)),
        right: Int32Array.from(nodeRight.subarray(0, count)),
        value: Float64Array.from(nodeValue.subarray(0, count)),
        gain: Float64Array.from(splits, (split) => split?.gain ?? 0),
        threshold: Float32Array.from(splits, (split) => (split ? thresholdOf(split, bins) : 0)),
        missingLeft: Uint8Array.from(splits, (split) => (split ? split.goesLeft[bins[split.feature]!.bins]! : 0)),
        goesLeft: splits.map((split) => categoriesOf(split, bins)),
      }
    },
  }
}

function thresholdOf({ feature, bin }: Split, bins: readonly FeatureBins[]): number {
  const { thresholds } = bins[feature]!
  // After the last bin comes only the missing one: every number goes left.
  return thresholds === undefined ? 0 : bin < thresholds.length ? thresholds[bin]! : Infinity
}

function categoriesOf(split: Split | undefined, bins: readonly FeatureBins[]): Uint8Array | undefined {
  if (!split || bins[split.feature]!.thresholds) return undefined
  return split.goesLeft.slice(0, bins[split.feature]!.bins + 1)
}
