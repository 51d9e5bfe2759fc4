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
  const { features, outputs, weights, intercepts, transform } = model
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
  return Float32Array.from(sums)
}
