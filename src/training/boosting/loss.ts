// Losses: gradients, hessians and the sum of losses of a run of rows, for each objective.
import type { BoostingMemory } from './memory.ts'
import { exponential } from './exponential.ts'

/** Bits by which hessians, which are at most 1/4 here, may be finer than gradients. */
export const HESSIAN_EXTRA_BITS = 2

/** Adding and subtracting 1.5 * 2^52 rounds a double to a whole number, several times as fast as Math.round. */
const ROUNDER = 6_755_399_441_055_744

/** Rows whose likelihoods are multiplied before one logarithm is taken. */
const LOGARITHM_ROWS = 16
const LEAST_LIKELIHOOD = 1e-15

/** Computes a run of rows and returns the sum of their losses; writes gradients if the rows are of the training part. */
export type LossPass = (memory: BoostingMemory, begin: number, end: number) => number

/** The loss pass of an objective. */
export function lossPass(memory: BoostingMemory): LossPass {
  switch (memory.shape.objective) {
    case 'binary':
      return binaryPass
    case 'multiclass':
      return multiclassPass
    case 'regression':
      return regressionPass
  }
}

/** Log loss of the logistic model: gradient p - y, hessian p (1 - p). */
function binaryPass(
  { shape, target, scores, gradients, hessians }: BoostingMemory,
  begin: number,
  end: number,
): number {
  const training = begin < shape.trainRows
  const gradientSteps = 2 ** shape.gradientBits
  const hessianSteps = 2 ** (shape.gradientBits + HESSIAN_EXTRA_BITS)
  let loss = 0
  let likelihood = 1
  for (let row = begin; row < end; row++) {
    const probability = 1 / (1 + exponential(-scores[row]!))
    const label = target[row]!
    const right = 1 - Math.abs(probability - label)
    likelihood *= right > LEAST_LIKELIHOOD ? right : LEAST_LIKELIHOOD
    if (((row - begin) & (LOGARITHM_ROWS - 1)) === LOGARITHM_ROWS - 1) {
      loss -= Math.log(likelihood)
      likelihood = 1
    }
    if (!training) continue
    gradients[row] = (probability - label) * gradientSteps + ROUNDER - ROUNDER
    hessians[row] = probability * (1 - probability) * hessianSteps + ROUNDER - ROUNDER
  }
  return loss - Math.log(likelihood)
}

/** Cross entropy of the softmax: for each class gradient p - [y is it], hessian p (1 - p). */
function multiclassPass(
  { shape, target, scores, gradients, hessians }: BoostingMemory,
  begin: number,
  end: number,
): number {
  const { outputs, trainRows } = shape
  const training = begin < trainRows
  const gradientSteps = 2 ** shape.gradientBits
  const hessianSteps = 2 ** (shape.gradientBits + HESSIAN_EXTRA_BITS)
  const weights = new Float64Array(outputs)
  let loss = 0
  for (let row = begin; row < end; row++) {
    const first = row * outputs
    let greatest = -Infinity
    for (let output = 0; output < outputs; output++) greatest = Math.max(greatest, scores[first + output]!)
    let total = 0
    for (let output = 0; output < outputs; output++) {
      weights[output] = exponential(scores[first + output]! - greatest)
      total += weights[output]!
    }
    const label = target[row]!
    loss -= Math.log(Math.max(weights[label]! / total, LEAST_LIKELIHOOD))
    if (!training) continue
    for (let output = 0; output < outputs; output++) {
      const probability = weights[output]! / total
      gradients[output * trainRows + row] =
        (probability - (label === output ? 1 : 0)) * gradientSteps + ROUNDER - ROUNDER
      hessians[output * trainRows + row] = probability * (1 - probability) * hessianSteps + ROUNDER - ROUNDER
    }
  }
  return loss
}

/** Half the squared error: gradient score - y, hessian 1. */
function regressionPass(
  { shape, target, scores, gradients, hessians, scale }: BoostingMemory,
  begin: number,
  end: number,
): number {
  const training = begin < shape.trainRows
  const steps = scale[0]!
  let loss = 0
  for (let row = begin; row < end; row++) {
    const residual = scores[row]! - target[row]!
    loss += 0.5 * residual * residual
    if (!training) continue
    gradients[row] = residual * steps + ROUNDER - ROUNDER
    hessians[row] = 1
  }
  return loss
}
