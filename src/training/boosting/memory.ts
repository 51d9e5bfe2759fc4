// The memory that all threads of a boosting run share: bins, gradients, scores, partial histograms and the command they carry out next.
import type { Objective } from '../frame.ts'

/** Rows are dealt to threads in blocks of this many, so that any order of the table loads the threads alike. */
export const BLOCK_ROWS = 1024

/** Numbers held for a bin of a histogram: sum of gradients, sum of hessians, rows. */
export const BIN_SIZE = 3

/** Room for the bins of one feature, the missing one included. */
export const MAX_BIN_VALUES = 256

export interface BoostingShape {
  readonly objective: Objective
  /** Rows that trees are grown on; they come first. Those after them are for validation. */
  readonly trainRows: number
  readonly rows: number
  /** Scores of a row: 1, or one per class for multiclass. */
  readonly outputs: number
  readonly threads: number
  readonly maxLeaves: number
  /** Bins of each feature, without the missing one. */
  readonly binCounts: Int32Array
  /** Where each feature starts in a histogram, in numbers; one more entry for the end. */
  readonly binOffsets: Int32Array
  /** Gradients are whole multiples of a step, `1 / 2^gradientBits` of the largest; see {@link gradientBitsFor}. */
  readonly gradientBits: number
}

/** Everything lies in SharedArrayBuffers. */
export interface BoostingMemory {
  readonly shape: BoostingShape
  /** One column of bytes a feature. */
  readonly bins: readonly Uint8Array[]
  readonly target: Float64Array
  /** `[rows, outputs]` */
  readonly scores: Float64Array
  /** `[outputs, trainRows]`, in steps. */
  readonly gradients: Int32Array
  readonly hessians: Int32Array
  /** `[threads, histogramSize]` */
  readonly histograms: Float64Array
  /** The loss of each block of rows, first those of training, then those of validation. */
  readonly blockLosses: Float64Array
  /** Largest residual that each thread saw, for regression. */
  readonly residuals: Float64Array
  readonly control: Int32Array
  /** Steps in a gradient of 1, for regression. */
  readonly scale: Float64Array
  /** The tree being grown: for each node the feature (-1: a leaf), both children, whether a bin goes left; and a value by leaf slot. */
  readonly nodeFeature: Int32Array
  readonly nodeLeft: Int32Array
  readonly nodeRight: Int32Array
  readonly nodeBins: Uint8Array
  readonly nodeValue: Float64Array
  readonly slotValue: Float64Array
}

/** Words of `control`. */
export const CONTROL = {
  epoch: 0,
  pending: 1,
  failed: 2,
  operation: 3,
  first: 4,
  second: 5,
  third: 6,
  fourth: 7,
  size: 8,
} as const

/** What threads can be told to do; the words of `control` that it reads in brackets. */
export const OPERATION = {
  /** Gradients and block losses from scores. */
  gradients: 1,
  /** Start a tree (output): one leaf with all rows in slot 0, and its histogram. */
  root: 2,
  /** Split the leaf (slot, node, other slot, histogram side: 0 left, 1 right, 2 none): its left rows stay in its slot, the others move. */
  split: 3,
  /** Add the finished tree's values to scores (output). */
  update: 4,
} as const

export const histogramSize = (shape: BoostingShape): number => shape.binOffsets.at(-1)!

export const blockCount = (rows: number): number => Math.ceil(rows / BLOCK_ROWS)

/**
 * Bits that a gradient may have so that the sum over all rows is exact in a double. Exact sums do not depend on their order, hence neither on the
 * number of threads, and a parent's histogram less a child's is exactly the other child's.
 */
export function gradientBitsFor(trainRows: number): number {
  return Math.min(30, 52 - Math.ceil(Math.log2(trainRows + 1)))
}

export function allocateMemory(shape: BoostingShape): BoostingMemory {
  const { rows, trainRows, outputs, threads, maxLeaves } = shape
  const nodes = 2 * maxLeaves
  const floats = (length: number) => new Float64Array(new SharedArrayBuffer(8 * length))
  const integers = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length))
  const bytes = (length: number) => new Uint8Array(new SharedArrayBuffer(length))
  return {
    shape,
    bins: Array.from(shape.binCounts, () => bytes(rows)),
    target: floats(rows),
    scores: floats(rows * outputs),
    gradients: integers(trainRows * outputs),
    hessians: integers(trainRows * outputs),
    histograms: floats(threads * histogramSize(shape)),
    blockLosses: floats(blockCount(trainRows) + blockCount(rows - trainRows)),
    residuals: floats(threads),
    control: integers(CONTROL.size),
    scale: floats(1),
    nodeFeature: integers(nodes),
    nodeLeft: integers(nodes),
    nodeRight: integers(nodes),
    nodeBins: bytes(nodes * MAX_BIN_VALUES),
    nodeValue: floats(nodes),
    slotValue: floats(maxLeaves),
  }
}
