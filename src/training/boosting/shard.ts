// One thread's share of a boosting run: it owns every so-manieth block of rows and carries out each operation on those.
import { addRows, partitionRows } from './histogram.ts'
import { lossPass } from './loss.ts'
import {
  BLOCK_ROWS,
  blockCount,
  CONTROL,
  histogramSize,
  MAX_BIN_VALUES,
  OPERATION,
  type BoostingMemory,
} from './memory.ts'

/** Carries out the operation that `memory.control` holds. */
export type Shard = () => void

interface ShardRows {
  readonly memory: BoostingMemory
  readonly thread: number
  readonly histogram: Float64Array
  /** Own training rows, ascending. */
  readonly initial: Int32Array
  /** The same rows, those of one leaf side by side. */
  readonly rows: Int32Array
  readonly scratch: Int32Array
  /** Where the rows of a leaf's slot begin and end in `rows`. */
  readonly begin: Int32Array
  readonly end: Int32Array
}

export function createShard(memory: BoostingMemory, thread: number): Shard {
  const { shape, control } = memory
  const size = histogramSize(shape)
  const initial = ownRows(shape.trainRows, thread, shape.threads)
  const shard: ShardRows = {
    memory,
    thread,
    histogram: memory.histograms.subarray(thread * size, (thread + 1) * size),
    initial,
    rows: initial.slice(),
    scratch: new Int32Array(initial.length),
    begin: new Int32Array(shape.maxLeaves),
    end: new Int32Array(shape.maxLeaves),
  }
  return () => {
    switch (control[CONTROL.operation] ?? 0) {
      case OPERATION.gradients:
        return computeGradients(shard)
      case OPERATION.root:
        return startTree(shard, control[CONTROL.first]!)
      case OPERATION.split:
        return splitLeaf(shard)
      case OPERATION.update:
        return updateScores(shard, control[CONTROL.first]!)
      default:
        throw new Error(`no such operation: ${control[CONTROL.operation]}`)
    }
  }
}

function ownRows(rows: number, thread: number, threads: number): Int32Array {
  const own = new Int32Array(rows)
  let count = 0
  for (let block = thread; block < blockCount(rows); block += threads) {
    const end = Math.min(rows, (block + 1) * BLOCK_ROWS)
    for (let row = block * BLOCK_ROWS; row < end; row++) own[count++] = row
  }
  return own.slice(0, count)
}

/** Losses are summed within a block and blocks later in order, so their sum does not depend on the number of threads. */
function computeGradients({ memory, thread }: ShardRows): void {
  const { shape, blockLosses } = memory
  const pass = lossPass(memory)
  const trainBlocks = blockCount(shape.trainRows)
  for (let block = thread; block < blockLosses.length; block += shape.threads) {
    const training = block < trainBlocks
    const begin = training ? block * BLOCK_ROWS : shape.trainRows + (block - trainBlocks) * BLOCK_ROWS
    blockLosses[block] = pass(memory, begin, Math.min(training ? shape.trainRows : shape.rows, begin + BLOCK_ROWS))
  }
}

function startTree(shard: ShardRows, output: number): void {
  shard.rows.set(shard.initial)
  shard.begin[0] = 0
  shard.end[0] = shard.rows.length
  buildHistogram(shard, 0, output)
}

function splitLeaf(shard: ShardRows): void {
  const { memory, rows, scratch, begin, end } = shard
  const { control, nodeFeature, nodeBins } = memory
  const slot = control[CONTROL.first]! & 0xffff
  const output = control[CONTROL.first]! >>> 16
  const node = control[CONTROL.second]!
  const otherSlot = control[CONTROL.third]!
  const side = control[CONTROL.fourth]!
  const middle = partitionRows(rows, {
    bins: memory.bins[nodeFeature[node]!]!,
    goesLeft: nodeBins.subarray(node * MAX_BIN_VALUES, (node + 1) * MAX_BIN_VALUES),
    begin: begin[slot]!,
    end: end[slot]!,
    scratch,
  })
  begin[otherSlot] = middle
  end[otherSlot] = end[slot]!
  end[slot] = middle
  if (side < 2) buildHistogram(shard, side === 0 ? slot : otherSlot, output)
}

function buildHistogram({ memory, histogram, rows, begin, end }: ShardRows, slot: number, output: number): void {
  const { shape, bins, gradients, hessians } = memory
  const from = output * shape.trainRows
  histogram.fill(0)
  addRows(histogram, {
    bins,
    binOffsets: shape.binOffsets,
    gradients: gradients.subarray(from, from + shape.trainRows),
    hessians: hessians.subarray(from, from + shape.trainRows),
    rows,
    begin: begin[slot]!,
    end: end[slot]!,
  })
}

function updateScores(shard: ShardRows, output: number): void {
  const { memory, rows, begin, end } = shard
  const { shape, scores, slotValue, control } = memory
  const leaves = control[CONTROL.second]!
  for (let slot = 0; slot < leaves; slot++) {
    const value = slotValue[slot]!
    for (let index = begin[slot]!; index < end[slot]!; index++) scores[rows[index]! * shape.outputs + output]! += value
  }
  for (let block = shard.thread; block < blockCount(shape.rows - shape.trainRows); block += shape.threads) {
    const first = shape.trainRows + block * BLOCK_ROWS
    for (let row = first; row < Math.min(shape.rows, first + BLOCK_ROWS); row++) {
      scores[row * shape.outputs + output]! += valueByWalking(memory, row)
    }
  }
  if (shape.objective === 'regression') memory.residuals[shard.thread] = largestResidual(shard)
}

function valueByWalking(
  { bins, nodeFeature, nodeBins, nodeLeft, nodeRight, nodeValue }: BoostingMemory,
  row: number,
): number {
  let node = 0
  for (let feature = nodeFeature[0]!; feature >= 0; feature = nodeFeature[node]!) {
    node = nodeBins[node * MAX_BIN_VALUES + bins[feature]![row]!] === 1 ? nodeLeft[node]! : nodeRight[node]!
  }
  return nodeValue[node]!
}

function largestResidual({ memory, initial }: ShardRows): number {
  let largest = 0
  for (const row of initial) largest = Math.max(largest, Math.abs(memory.scores[row]! - memory.target[row]!))
  return largest
}
