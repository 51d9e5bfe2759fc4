// Quality of predicted numbers. Definitions and numbers as in scikit-learn.

export interface RegressionQuality {
  readonly rows: number
  readonly rootMeanSquaredError: number
  readonly meanAbsoluteError: number
  /** Predicted less observed, in the target's unit: above 0, the model predicts too much. */
  readonly meanError: number
  /** Share of the target's variance explained; 1 for a perfect fit of a constant target, 0 for any other fit of one. */
  readonly r2: number
}

/** All of it in one pass (and one for the target's mean). */
export function regressionQuality(observed: ArrayLike<number>, predicted: ArrayLike<number>): RegressionQuality {
  const rows = observed.length
  let mean = 0
  for (let row = 0; row < rows; row++) mean += observed[row]! / rows
  let sum = 0
  let absolute = 0
  let squared = 0
  let spread = 0
  for (let row = 0; row < rows; row++) {
    const error = predicted[row]! - observed[row]!
    sum += error
    absolute += Math.abs(error)
    squared += error * error
    spread += (observed[row]! - mean) ** 2
  }
  return {
    rows,
    rootMeanSquaredError: Math.sqrt(squared / rows),
    meanAbsoluteError: absolute / rows,
    meanError: sum / rows,
    r2: spread > 0 ? 1 - squared / spread : squared === 0 ? 1 : 0,
  }
}
