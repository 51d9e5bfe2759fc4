// The trainer `gradient_boosting`: a frame in, boosted trees out.
import { createGenerator } from '../statistics/random.ts'
import { boost, sampleSize, type Progress } from './boosting/boosting.ts'
import { ensembleScores, type Ensemble } from './boosting/tree.ts'
import { featureValues, learnFeatures, type Feature, type FeatureValues } from './feature.ts'
import { classCount, INNER_PREFIX, type Frame } from './frame.ts'
import { addOutputs, modelOutputs, outputsOf } from './onnx/class-graph.ts'
import { addInputs } from './onnx/feature-graph.ts'
import { createGraph } from './onnx/graph.ts'
import { addEnsemble } from './onnx/tree-graph.ts'
import type { GradientBoostingSpec } from './trainer-spec.ts'
import { modelInputs, type TrainedModel } from './trained-model.ts'

export interface GradientBoostingInput {
  readonly spec: GradientBoostingSpec
  readonly frame: Frame
  readonly validation: Frame | undefined
  readonly seed: number
  readonly threads: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: Progress) => void) | undefined
}

/** Trains on a checked frame. */
export async function trainGradientBoosting(input: GradientBoostingInput): Promise<TrainedModel> {
  const { spec, frame } = input
  const { objective } = spec
  const classes = classCount(frame.target, objective)
  const features = learnFeatures(frame, { calendar: spec.calendar, maxCodes: spec.maxBins })
  const rows = divideRows(input)
  const ensemble = await boost({
    params: { ...spec, earlyStopping: spec.earlyStopping },
    features,
    values: valuesOfBoth(features, frame, input.validation),
    target: input.validation ? concatenate(frame.target, input.validation.target) : frame.target,
    outputs: objective === 'multiclass' ? classes : 1,
    ...rows,
    threads: input.threads,
    signal: input.signal,
    onProgress: input.onProgress,
  })
  const graph = createGraph(INNER_PREFIX)
  addInputs(graph, frame.columns)
  addOutputs(graph, addEnsemble(graph, features, ensemble), { objective, classes })
  return {
    onnx: graph.finish({ name: spec.trainer, metadata: { trainer: spec.trainer, parameters: JSON.stringify(spec) } }),
    objective,
    classes,
    inputs: modelInputs(frame.columns),
    outputs: modelOutputs(objective, classes),
    iterations: ensemble.trees.length,
    featureImportance: importance(features, ensemble),
    predict: (other) =>
      outputsOf(ensembleScores(ensemble, featureValues(features, other), other.rowCount), { objective, classes }),
  }
}

/** Which rows grow trees, judge them and teach bins. All random choices are made here, from the seed. */
function divideRows({ spec, frame, validation, seed }: GradientBoostingInput) {
  const generator = createGenerator(seed)
  const everyRow = Int32Array.from({ length: frame.rowCount }, (_, row) => row)
  let trainRows = everyRow
  let validationRows = new Int32Array(0)
  if (validation) validationRows = Int32Array.from({ length: validation.rowCount }, (_, row) => frame.rowCount + row)
  else if (spec.earlyStopping) {
    const held = new Uint8Array(frame.rowCount)
    const shuffled = generator.fork('holdout').shuffle(everyRow.slice())
    const byClass = spec.objective === 'regression' ? [shuffled] : classRows(shuffled, frame.target)
    for (const rows of byClass)
      for (const row of rows.subarray(0, Math.floor(rows.length * spec.earlyStopping.share))) held[row] = 1
    trainRows = everyRow.filter((row) => held[row] === 0)
    validationRows = everyRow.filter((row) => held[row] === 1)
  }
  const size = sampleSize(trainRows.length)
  const sampleRows =
    size < trainRows.length ? generator.fork('bins').shuffle(trainRows.slice()).subarray(0, size) : trainRows
  return { trainRows, validationRows, sampleRows }
}

function classRows(rows: Int32Array, target: Float64Array): Int32Array[] {
  return Array.from(new Set(target), (label) => rows.filter((row) => target[row] === label))
}

function valuesOfBoth(features: readonly Feature[], frame: Frame, validation: Frame | undefined): FeatureValues[] {
  const values = featureValues(features, frame)
  if (!validation) return values
  const more = featureValues(features, validation)
  return values.map((own, index) => concatenate(own, more[index] as typeof own))
}

function concatenate<A extends Float64Array | FeatureValues>(first: A, second: A): A {
  const whole = new (first.constructor as new (length: number) => A)(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}

function importance(features: readonly Feature[], { trees }: Ensemble): { name: string; gain: number }[] {
  const gains = new Float64Array(features.length)
  for (const tree of trees.flat())
    tree.feature.forEach((feature, node) => void (feature >= 0 && (gains[feature]! += tree.gain[node]!)))
  return features.map(({ name }, index) => ({ name, gain: gains[index]! })).toSorted((a, b) => b.gain - a.gain)
}
