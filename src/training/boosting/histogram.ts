// The two loops that boosting spends its time in: adding rows to a histogram, and parting rows by a split. Kept apart so that they stay small.

export interface HistogramInput {
  readonly bins: readonly Uint8Array[]
  readonly binOffsets: Int32Array
  readonly gradients: Int32Array
  readonly hessians: Int32Array
  readonly rows: Int32Array
  readonly begin: number
  readonly end: number
}

/** Adds the rows at `begin` to `end` of the row list to a histogram, two features at a time so that a row's gradient is read half as often. */
export function addRows(histogram: Float64Array, input: HistogramInput): void {
  const { bins, binOffsets } = input
  let feature = 0
  for (; feature + 1 < bins.length; feature += 2) {
    addTwoFeatures(histogram, input, [
      bins[feature]!,
      binOffsets[feature]!,
      bins[feature + 1]!,
      binOffsets[feature + 1]!,
    ])
  }
  if (feature < bins.length) addOneFeature(histogram, input, [bins[feature]!, binOffsets[feature]!])
}

type FeaturePair = readonly [Uint8Array, number, Uint8Array, number]

function addTwoFeatures(
  histogram: Float64Array,
  { gradients, hessians, rows, begin, end }: HistogramInput,
  [firstBins, firstOffset, secondBins, secondOffset]: FeaturePair,
): void {
  for (let index = begin; index < end; index++) {
    const row = rows[index]!
    const gradient = gradients[row]!
    const hessian = hessians[row]!
    const first = firstOffset + 3 * firstBins[row]!
    const second = secondOffset + 3 * secondBins[row]!
    histogram[first]! += gradient
    histogram[first + 1]! += hessian
    histogram[first + 2]! += 1
    histogram[second]! += gradient
    histogram[second + 1]! += hessian
    histogram[second + 2]! += 1
  }
}

function addOneFeature(
  histogram: Float64Array,
  { gradients, hessians, rows, begin, end }: HistogramInput,
  [bins, offset]: readonly [Uint8Array, number],
): void {
  for (let index = begin; index < end; index++) {
    const row = rows[index]!
    const bin = offset + 3 * bins[row]!
    histogram[bin]! += gradients[row]!
    histogram[bin + 1]! += hessians[row]!
    histogram[bin + 2]! += 1
  }
}

export interface PartitionInput {
  readonly bins: Uint8Array
  /** 1 where a bin goes left. */
  readonly goesLeft: Uint8Array
  readonly begin: number
  readonly end: number
  readonly scratch: Int32Array
}

/** Moves the rows that go left to the front, both sides in their old order, without a branch to mispredict; returns where the right side begins. */
export function partitionRows(rows: Int32Array, { bins, goesLeft, begin, end, scratch }: PartitionInput): number {
  let left = begin
  let right = 0
  for (let index = begin; index < end; index++) {
    const row = rows[index]!
    const toLeft = goesLeft[bins[row]!]!
    rows[left] = row
    scratch[right] = row
    left += toLeft
    right += 1 - toLeft
  }
  rows.set(scratch.subarray(0, right), left)
  return left
}
