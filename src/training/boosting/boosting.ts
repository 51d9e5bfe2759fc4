// Histogram gradient boosting: trees added one after another, each fitted to the gradient of the loss of those before it.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Feature, FeatureValues } from '../feature.ts'
import type { Objective } from '../frame.ts'
import { fillBins, learnBins, QUANTILE_ROWS, type FeatureBins } from './binning.ts'
import { HESSIAN_EXTRA_BITS } from './loss.ts'
import {
  allocateMemory,
  blockCount,
  gradientBitsFor,
  histogramSize,
  BIN_SIZE,
  OPERATION,
  type BoostingMemory,
} from './memory.ts'
import type { SplitRules } from './split.ts'
import { startTeam } from './team.ts'
import type { Ensemble, Tree } from './tree.ts'
import { createHistogramPool, growTree } from './tree-growth.ts'

/** Fewer rows than this for each thread, and starting it costs more than it saves. */
const LEAST_ROWS_PER_THREAD = 8_192

export interface BoostingParams {
  readonly objective: Objective
  readonly iterations: number
  readonly learningRate: number
  readonly maxLeaves: number
  readonly maxDepth: number
  readonly minSamplesLeaf: number
  readonly l2: number
  readonly maxBins: number
  /** Stop after this many iterations without a validation loss that is lower by `tolerance`. */
  readonly earlyStopping: { readonly rounds: number; readonly tolerance: number } | undefined
}

export interface BoostingInput {
  readonly params: BoostingParams
  readonly features: readonly Feature[]
  readonly values: readonly FeatureValues[]
  readonly target: Float64Array
  readonly outputs: number
  /** Row indices: those to grow trees on, those to judge them by, and those to learn bins from. */
  readonly trainRows: Int32Array
  readonly validationRows: Int32Array
  readonly sampleRows: Int32Array
  readonly threads: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: Progress) => void) | undefined
}

/** Mean losses after an iteration: log loss for classes, half the mean squared error for numbers. */
export interface Progress {
  readonly iteration: number
  readonly iterations: number
  readonly trainLoss: number
  readonly validationLoss?: number
}

/** The rows that bins are learned from: evenly spaced, for `shuffled` rows are a random sample. */
export const sampleSize = (rows: number): number => Math.min(rows, QUANTILE_ROWS)

/** Trains; the same input gives the same bytes for any number of threads. Lets the event loop turn between iterations. */
export async function boost(input: BoostingInput): Promise<Ensemble> {
  const { params, outputs } = input
  const bins = input.features.map((feature, index) =>
    learnBins(feature, input.values[index]!, { rows: input.sampleRows, maxBins: params.maxBins }),
  )
  const memory = fillMemory(input, bins)
  const baseline = baselineOf(input)
  for (let at = 0; at < memory.scores.length; at++) memory.scores[at] = baseline[at % outputs]!
  if (params.objective === 'regression') memory.residuals[0] = largestResidual(input, baseline[0]!)
  await using team = await startTeam(memory)
  const histograms = createHistogramPool(histogramSize(memory.shape))
  const trees: Tree[][] = []
  let best = { iteration: 0, loss: Infinity }
  for (let iteration = 0; iteration <= params.iterations; iteration++) {
    const steps = gradientSteps(memory)
    memory.scale[0] = steps.gradient
    team.run(OPERATION.gradients)
    const progress = { iteration, iterations: params.iterations, ...meanLosses(memory) }
    if (iteration > 0) input.onProgress?.(progress)
    if (params.earlyStopping && progress.validationLoss !== undefined) {
      const improved = progress.validationLoss < best.loss - params.earlyStopping.tolerance
      if (improved) best = { iteration, loss: progress.validationLoss }
      else if (iteration - best.iteration >= params.earlyStopping.rounds) break
    }
    if (iteration === params.iterations) break
    await nextTurn()
    input.signal?.throwIfAborted()
    const rules = splitRules(input, memory, steps)
    const growth = {
      memory,
      team,
      bins,
      rules,
      histograms,
      learningRate: params.learningRate,
      maxDepth: params.maxDepth,
    }
    trees.push(Array.from({ length: outputs }, (_, output) => growTree(growth, output)))
  }
  const kept = params.earlyStopping && best.loss < Infinity ? trees.slice(0, best.iteration) : trees
  return { outputs, baseline, trees: kept }
}

function fillMemory(input: BoostingInput, bins: readonly FeatureBins[]): BoostingMemory {
  const { params, trainRows, validationRows, outputs } = input
  const order = new Int32Array(trainRows.length + validationRows.length)
  order.set(trainRows)
  order.set(validationRows, trainRows.length)
  const binCounts = Int32Array.from(bins, (feature) => feature.bins)
  const binOffsets = new Int32Array(bins.length + 1)
  binCounts.forEach((count, feature) => {
    binOffsets[feature + 1] = binOffsets[feature]! + (count + 1) * BIN_SIZE
  })
  const memory = allocateMemory({
    objective: params.objective,
    trainRows: trainRows.length,
    rows: order.length,
    outputs,
    threads: Math.max(1, Math.min(input.threads, Math.floor(trainRows.length / LEAST_ROWS_PER_THREAD))),
    maxLeaves: params.maxLeaves,
    binCounts,
    binOffsets,
    gradientBits: gradientBitsFor(trainRows.length),
  })
  bins.forEach((feature, index) => fillBins(memory.bins[index]!, input.values[index]!, { bins: feature, order }))
  order.forEach((row, index) => {
    memory.target[index] = input.target[row]!
  })
  return memory
}

/** The constant that fits best: log odds, log shares of the classes, or the mean; float32, as the graph holds it. */
function baselineOf({ params, outputs, target, trainRows }: BoostingInput): Float64Array {
  if (params.objective === 'multiclass') {
    const counts = new Float64Array(outputs)
    for (const row of trainRows) counts[target[row]!]!++
    // A class that only validation rows have starts at half a row.
    return counts.map((count) => Math.fround(Math.log(Math.max(count, 0.5) / trainRows.length)))
  }
  let sum = 0
  for (const row of trainRows) sum += target[row]!
  const mean = sum / trainRows.length
  if (params.objective === 'regression') return Float64Array.of(Math.fround(mean))
  const least = 0.5 / trainRows.length
  const share = Math.min(1 - least, Math.max(least, mean))
  return Float64Array.of(Math.fround(Math.log(share / (1 - share))))
}

function largestResidual({ target, trainRows }: BoostingInput, baseline: number): number {
  let largest = 0
  for (const row of trainRows) largest = Math.max(largest, Math.abs(target[row]! - baseline))
  return largest
}

/** Steps in a gradient and in a hessian of 1. Powers of two, so that scaling is exact. */
function gradientSteps({ shape, residuals }: BoostingMemory): { gradient: number; hessian: number } {
  if (shape.objective !== 'regression') {
    return { gradient: 2 ** shape.gradientBits, hessian: 2 ** (shape.gradientBits + HESSIAN_EXTRA_BITS) }
  }
  const largest = residuals.reduce((most, residual) => Math.max(most, residual), Number.MIN_VALUE)
  const exponent = Math.max(-900, Math.ceil(Math.log2(largest)))
  return { gradient: 2 ** (shape.gradientBits - exponent), hessian: 1 }
}

function splitRules(
  { params, features }: BoostingInput,
  { shape }: BoostingMemory,
  steps: { gradient: number; hessian: number },
): SplitRules {
  return {
    binCounts: shape.binCounts,
    binOffsets: shape.binOffsets,
    isCategory: features.map((feature) => feature.kind === 'category'),
    minSamplesLeaf: params.minSamplesLeaf,
    l2: params.l2,
    gradientStep: 1 / steps.gradient,
    hessianStep: 1 / steps.hessian,
  }
}

function meanLosses({ shape, blockLosses }: BoostingMemory): { trainLoss: number; validationLoss?: number } {
  const trainBlocks = blockCount(shape.trainRows)
  const sum = (losses: Float64Array) => losses.reduce((total, loss) => total + loss, 0)
  const trainLoss = sum(blockLosses.subarray(0, trainBlocks)) / shape.trainRows
  if (shape.rows === shape.trainRows) return { trainLoss }
  return { trainLoss, validationLoss: sum(blockLosses.subarray(trainBlocks)) / (shape.rows - shape.trainRows) }
}
