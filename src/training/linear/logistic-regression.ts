// Log loss of a linear model and its gradient, binary or softmax.
import { exponential } from '../boosting/exponential.ts'
import { addProduct, transposedProduct, type Design } from './design.ts'
import type { Point } from './lbfgs.ts'

const LEAST_LIKELIHOOD = 1e-15

export interface LogisticProblem {
  readonly design: Design
  readonly target: Float64Array
  /** 1 for binary, else the number of classes. */
  readonly outputs: number
  readonly l2: number
}

/** Parameters lie output by output, each the weights and then the intercept. */
export const parameterCount = ({ design, outputs }: Pick<LogisticProblem, 'design' | 'outputs'>): number =>
  (design.weights + 1) * outputs

/** The mean of the log losses plus the penalty over the number of rows. */
export function evaluateLogistic(problem: LogisticProblem, parameters: Float64Array): Point {
  const { design, outputs, l2 } = problem
  const { rows, weights } = design
  const scores = linearScores(design, parameters, outputs)
  let value = lossAndResiduals(scores, problem)
  const gradient = new Float64Array(parameters.length)
  for (let output = 0; output < outputs; output++) {
    const start = output * (weights + 1)
    const residuals = scores[output]!
    const product = transposedProduct(design, residuals)
    for (let weight = 0; weight < weights; weight++) {
      const parameter = parameters[start + weight]!
      gradient[start + weight] = (product[weight]! + l2 * parameter) / rows
      value += 0.5 * l2 * parameter * parameter
    }
    gradient[start + weights] = residuals.reduce((sum, residual) => sum + residual, 0) / rows
  }
  return { value: value / rows, gradient }
}

/** The mean log loss, without the penalty. */
export function meanLogLoss(problem: LogisticProblem, parameters: Float64Array): number {
  return lossAndResiduals(linearScores(problem.design, parameters, problem.outputs), problem) / problem.design.rows
}

/** For each output the scores of all rows. */
export function linearScores(design: Design, parameters: Float64Array, outputs: number): Float64Array[] {
  return Array.from({ length: outputs }, (_, output) => {
    const own = parameters.subarray(output * (design.weights + 1), (output + 1) * (design.weights + 1))
    const scores = new Float64Array(design.rows).fill(own[design.weights]!)
    addProduct(scores, design, own)
    return scores
  })
}

/** Turns scores into residuals (probability less label) in place, and returns the sum of the losses. */
function lossAndResiduals(scores: readonly Float64Array[], { design, target, outputs }: LogisticProblem): number {
  let loss = 0
  if (outputs === 1) {
    const own = scores[0]!
    for (let row = 0; row < design.rows; row++) {
      const probability = 1 / (1 + exponential(-own[row]!))
      const label = target[row]!
      loss -= Math.log(Math.max(LEAST_LIKELIHOOD, label === 1 ? probability : 1 - probability))
      own[row] = probability - label
    }
    return loss
  }
  for (let row = 0; row < design.rows; row++) {
    let [greatest, total] = [-Infinity, 0]
    for (const own of scores) greatest = Math.max(greatest, own[row]!)
    for (const own of scores) total += own[row] = exponential(own[row]! - greatest)
    const label = target[row]!
    loss -= Math.log(Math.max(LEAST_LIKELIHOOD, scores[label]![row]! / total))
    for (let output = 0; output < outputs; output++)
      scores[output]![row] = scores[output]![row]! / total - (label === output ? 1 : 0)
  }
  return loss
}
