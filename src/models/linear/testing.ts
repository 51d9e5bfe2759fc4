// For tests: graphs of linear models with random weights.
import type { Generator } from '../../statistics/random.ts'
import {
  floatsAttribute,
  modelFile,
  node,
  textAttribute,
  textsAttribute,
  valueInfo,
  wholesAttribute,
  type Message,
} from '../testing.ts'

export interface LinearText {
  /** Of what the model says; default: `said`. */
  readonly output?: string
  readonly operator: 'LinearClassifier' | 'LinearRegressor'
  readonly features: number
  readonly outputs: number
  /** Rows of weights; by default one for each output. */
  readonly sums?: number
  readonly transform?: string
  readonly labels?: 'whole' | 'text'
  readonly hasScaler?: boolean
  readonly norm?: string
  /** Declared of the input; by default `features`. */
  readonly width?: number | string
  readonly more?: readonly Message[]
}

/** From `X` [N,features]. */
export function linearModel(text: LinearText, generator: Generator): Uint8Array {
  const normals = (count: number, size = 1): number[] => Array.from({ length: count }, () => size * generator.normal())
  const { output = 'said', operator, features, outputs, sums = outputs, transform, labels, norm } = text
  const read = text.hasScaler ? 'scaled' : 'X'
  const scored = norm ? 'scores' : output
  const names = Array.from({ length: outputs }, (_, at) => at)
  const scaler = node({
    operator: 'Scaler',
    domain: 'ai.onnx.ml',
    inputs: ['X'],
    outputs: ['scaled'],
    attributes: [floatsAttribute('offset', normals(features, 1e4)), floatsAttribute('scale', normals(features, 1e-3))],
  })
  const linear = node({
    operator,
    domain: 'ai.onnx.ml',
    inputs: [read],
    outputs: operator === 'LinearClassifier' ? ['label', scored] : [scored],
    attributes: [
      floatsAttribute('coefficients', normals(sums * features)),
      floatsAttribute('intercepts', normals(sums)),
      ...(transform ? [textAttribute('post_transform', transform)] : []),
      ...(labels === 'whole' ? [wholesAttribute('classlabels_ints', names)] : []),
      ...(labels === 'text' ? [textsAttribute('classlabels_strings', names.map(String))] : []),
    ],
  })
  const normalizer = node({
    operator: 'Normalizer',
    domain: 'ai.onnx.ml',
    inputs: [scored],
    outputs: [output],
    attributes: [textAttribute('norm', norm ?? '')],
  })
  return modelFile({
    nodes: [...(text.hasScaler ? [scaler] : []), linear, ...(norm ? [normalizer] : []), ...(text.more ?? [])],
    inputs: [valueInfo('X', 1, ['N', text.width ?? features])],
    outputs: [valueInfo(output, 1, ['N', outputs])],
  })
}
