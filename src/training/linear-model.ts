// The trainers `logistic_regression` and `linear_regression`: a frame in, weights out.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Progress } from './boosting/boosting.ts'
import { featureValues, learnFeatures, type Feature, type FeatureValues } from './feature.ts'
import { classCount, INNER_PREFIX, MAX_CATEGORIES, type Frame } from './frame.ts'
import { effectDeviations, learnDesign, makeDesign, type Design, type DesignPlan } from './linear/design.ts'
import { minimise } from './linear/lbfgs.ts'
import { solveLeastSquares } from './linear/least-squares.ts'
import { evaluateLogistic, linearScores, meanLogLoss, parameterCount } from './linear/logistic-regression.ts'
import { addOutputs, modelOutputs, outputsOf } from './onnx/class-graph.ts'
import { addInputs } from './onnx/feature-graph.ts'
import { createGraph } from './onnx/graph.ts'
import { addLinear } from './onnx/linear-graph.ts'
import type { LinearRegressionSpec, LogisticRegressionSpec } from './trainer-spec.ts'
import { modelInputs, type TrainedModel } from './trained-model.ts'

/** Logistic regression ends where no entry of the mean loss's gradient is larger. */
const GRADIENT_TOLERANCE = 1e-6

export interface LinearInput {
  readonly spec: LogisticRegressionSpec | LinearRegressionSpec
  readonly frame: Frame
  readonly validation: Frame | undefined
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: Progress) => void) | undefined
}

/** Trains on a checked frame. */
export async function trainLinear(input: LinearInput): Promise<TrainedModel> {
  const { spec, frame, validation } = input
  const { objective } = spec
  const classes = classCount(frame.target, objective)
  const outputs = objective === 'multiclass' ? classes : 1
  const features = learnFeatures(frame, { calendar: spec.calendar, maxCodes: MAX_CATEGORIES })
  const values = featureValues(features, frame)
  const plan = learnDesign(features, values, spec.missingIndicator)
  const design = makeDesign(plan, values, frame.rowCount)
  const check = validation && { design: designOf(plan, features, validation), target: validation.target }
  const fitted = await fit(input, { design, outputs, check })
  const parameters = fitted.parameters.map((parameter) => Math.fround(parameter))
  const graph = createGraph(INNER_PREFIX)
  addInputs(graph, frame.columns)
  addOutputs(graph, addLinear(graph, { features, plan, outputs, parameters }), { objective, classes })
  return {
    onnx: graph.finish({ name: spec.trainer, metadata: { trainer: spec.trainer, parameters: JSON.stringify(spec) } }),
    objective,
    classes,
    inputs: modelInputs(frame.columns),
    outputs: modelOutputs(objective, classes),
    iterations: fitted.iteration,
    featureImportance: importance(features, { plan, design, parameters, outputs }),
    predict: (other) =>
      outputsOf(interleave(linearScores(designOf(plan, features, other), parameters, outputs)), { objective, classes }),
  }
}

interface FitInput {
  readonly design: Design
  readonly outputs: number
  readonly check: { readonly design: Design; readonly target: Float64Array } | undefined
}

interface Fitted {
  readonly iteration: number
  readonly parameters: Float64Array
}

async function fit(input: LinearInput, { design, outputs, check }: FitInput): Promise<Fitted> {
  const { spec, frame } = input
  let fitted: Fitted = { iteration: 0, parameters: new Float64Array(parameterCount({ design, outputs })) }
  // Without a step the target's mean is the answer.
  if (spec.trainer === 'linear_regression')
    fitted.parameters[design.weights] = frame.target.reduce((sum, value) => sum + value, 0) / frame.rowCount
  for (const state of spec.trainer === 'linear_regression'
    ? leastSquaresSteps(spec, frame, design)
    : logisticSteps(spec, frame, { design, outputs, check })) {
    fitted = state
    const { iteration, trainLoss, parameters } = state
    const validationLoss = check && lossOn(spec, { ...check, outputs, parameters })
    input.onProgress?.({
      iteration,
      iterations: spec.maxIterations,
      trainLoss,
      ...(validationLoss === undefined ? {} : { validationLoss }),
    })
    await nextTurn()
    input.signal?.throwIfAborted()
  }
  return fitted
}

interface Step extends Fitted {
  readonly trainLoss: number
}

function* leastSquaresSteps(spec: LinearRegressionSpec, frame: Frame, design: Design): Generator<Step> {
  const { l2, maxIterations } = spec
  for (const { loss, ...state } of solveLeastSquares({ design, target: frame.target, l2, maxIterations }))
    yield { ...state, trainLoss: loss }
}

function* logisticSteps(spec: LogisticRegressionSpec, frame: Frame, { design, outputs }: FitInput): Generator<Step> {
  const problem = { design, outputs, target: frame.target, l2: spec.l2 }
  const steps = minimise({
    start: new Float64Array(parameterCount(problem)),
    evaluate: (at) => evaluateLogistic(problem, at),
    maxIterations: spec.maxIterations,
    tolerance: GRADIENT_TOLERANCE,
  })
  for (const { at, iteration, value } of steps)
    yield { iteration, parameters: at, trainLoss: value - penalty(problem, at) }
}

/** The penalty's share of the objective, so that the reported loss is that of the rows. */
function penalty(
  { design, outputs, l2 }: { design: Design; outputs: number; l2: number },
  parameters: Float64Array,
): number {
  let squares = 0
  for (let output = 0; output < outputs; output++) {
    const start = output * (design.weights + 1)
    for (let weight = start; weight < start + design.weights; weight++) squares += parameters[weight]! ** 2
  }
  return (0.5 * l2 * squares) / design.rows
}

interface LossInput {
  readonly design: Design
  readonly target: Float64Array
  readonly outputs: number
  readonly parameters: Float64Array
}

function lossOn(spec: LinearInput['spec'], { design, target, outputs, parameters }: LossInput): number {
  if (spec.trainer === 'logistic_regression') return meanLogLoss({ design, target, outputs, l2: 0 }, parameters)
  const scores = linearScores(design, parameters, 1)[0]!
  return scores.reduce((sum, score, row) => sum + (score - target[row]!) ** 2, 0) / (2 * design.rows)
}

function designOf(plan: DesignPlan, features: readonly Feature[], frame: Frame): Design {
  const values: FeatureValues[] = featureValues(features, frame)
  return makeDesign(plan, values, frame.rowCount)
}

function interleave(scores: readonly Float64Array[]): Float64Array {
  if (scores.length === 1) return scores[0]!
  const rows = scores[0]!.length
  const whole = new Float64Array(rows * scores.length)
  scores.forEach((own, output) => {
    for (let row = 0; row < rows; row++) whole[row * scores.length + output] = own[row]!
  })
  return whole
}

interface Weights {
  readonly plan: DesignPlan
  readonly design: Design
  readonly parameters: Float64Array
  readonly outputs: number
}

function importance(
  features: readonly Feature[],
  { plan, design, parameters, outputs }: Weights,
): { name: string; gain: number }[] {
  const gains = new Float64Array(features.length)
  for (let output = 0; output < outputs; output++) {
    const own = parameters.subarray(output * (design.weights + 1), (output + 1) * (design.weights + 1))
    effectDeviations(plan, design, own).forEach((deviation, term) => {
      gains[term]! += deviation
    })
  }
  return features.map(({ name }, index) => ({ name, gain: gains[index]! })).toSorted((a, b) => b.gain - a.gain)
}
