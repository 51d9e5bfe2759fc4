// Least squares by conjugate gradients on the normal equations, each weight scaled by the size of its column.
import { addProduct, columnSquares, transposedProduct, type Design } from './design.ts'

/** Ends where the gradient has shrunk to this share of what it was. */
const TOLERANCE = 1e-10

export interface LeastSquaresInput {
  readonly design: Design
  readonly target: Float64Array
  /** Added to the sum of squared residuals: `l2` times the squared weights. */
  readonly l2: number
  readonly maxIterations: number
}

export interface LeastSquaresState {
  readonly iteration: number
  /** The weights, and then the intercept. */
  readonly parameters: Float64Array
  /** Half the mean squared residual. */
  readonly loss: number
}

/** Yields the state after each step; starts at the mean of the target. */
export function* solveLeastSquares({
  design,
  target,
  l2,
  maxIterations,
}: LeastSquaresInput): Generator<LeastSquaresState> {
  const { rows, weights } = design
  const mean = target.reduce((sum, value) => sum + value, 0) / rows
  const parameters = new Float64Array(weights + 1)
  parameters[weights] = mean
  const residuals = target.map((value) => value - mean)
  const inverse = preconditioner(design, l2)
  let gradient = descent(design, residuals, { parameters, l2 })
  const direction = gradient.map((value, index) => value * inverse[index]!)
  let size = weightedSquare(gradient, inverse)
  const enough = size * TOLERANCE ** 2
  for (let iteration = 1; iteration <= maxIterations && size > enough && size > 0; iteration++) {
    const product = new Float64Array(rows).fill(direction[weights]!)
    addProduct(product, design, direction)
    let curvature = product.reduce((sum, value) => sum + value * value, 0)
    for (let weight = 0; weight < weights; weight++) curvature += l2 * direction[weight]! ** 2
    const length = size / curvature
    for (let index = 0; index <= weights; index++) parameters[index]! += length * direction[index]!
    for (let row = 0; row < rows; row++) residuals[row]! -= length * product[row]!
    gradient = descent(design, residuals, { parameters, l2 })
    const next = weightedSquare(gradient, inverse)
    for (let index = 0; index <= weights; index++)
      direction[index] = gradient[index]! * inverse[index]! + (next / size) * direction[index]!
    size = next
    yield { iteration, parameters, loss: residuals.reduce((sum, value) => sum + value * value, 0) / (2 * rows) }
  }
}

function descent(
  design: Design,
  residuals: Float64Array,
  { parameters, l2 }: { parameters: Float64Array; l2: number },
): Float64Array {
  const product = transposedProduct(design, residuals)
  const gradient = new Float64Array(design.weights + 1)
  for (let weight = 0; weight < design.weights; weight++) gradient[weight] = product[weight]! - l2 * parameters[weight]!
  gradient[design.weights] = residuals.reduce((sum, value) => sum + value, 0)
  return gradient
}

function preconditioner(design: Design, l2: number): Float64Array {
  const inverse = new Float64Array(design.weights + 1)
  columnSquares(design).forEach((squares, weight) => {
    inverse[weight] = squares + l2 > 0 ? 1 / (squares + l2) : 1
  })
  inverse[design.weights] = 1 / design.rows
  return inverse
}

function weightedSquare(vector: Float64Array, weights: Float64Array): number {
  return vector.reduce((sum, value, index) => sum + value * value * weights[index]!, 0)
}
