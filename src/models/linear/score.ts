// What a linear model says of rows, summed in double precision.
import { transformRows } from '../post-transform.ts'
import type { LinearModel } from './read.ts'

export interface Rows {
  /** Row after row, `features` values each. */
  readonly values: Float32Array
  readonly rows: number
}

/** `outputs` numbers a row, row after row. */
export function score(model: LinearModel, { values, rows }: Rows): Float32Array {
  const { features, outputs, weights, intercepts, transform, isNormalized } = model
  const sums = new Float64Array(rows * outputs)
  for (let row = 0, at = 0; row < rows; row++) {
    for (let output = 0; output < outputs; output++, at++) {
      let sum = intercepts[output]!
      const [weight, value] = [output * features, row * features]
      for (let feature = 0; feature < features; feature++) sum += weights[weight + feature]! * values[value + feature]!
      sums[at] = sum
    }
  }
  transformRows(sums, transform, outputs)
  if (isNormalized) normalize(sums, outputs)
  return Float32Array.from(sums)
}

/** A row of zeros stays as it is. */
function normalize(sums: Float64Array, width: number): void {
  for (let row = 0; row < sums.length; row += width) {
    let total = 0
    for (let at = row; at < row + width; at++) total += Math.abs(sums[at]!)
    if (total === 0) continue
    for (let at = row; at < row + width; at++) sums[at]! /= total
  }
}
