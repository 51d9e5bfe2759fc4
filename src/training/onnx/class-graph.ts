// The last part of an exported graph: scores in, the model's outputs out.
import type { Objective } from '../frame.ts'
import type { Graph } from './graph.ts'

export interface ModelOutput {
  readonly name: 'label' | 'probabilities' | 'prediction'
  readonly type: 'int64' | 'float'
  /** Columns; `label` has none. */
  readonly width: number | undefined
}

/** What a model of this objective answers. */
export function modelOutputs(objective: Objective, classes: number): readonly ModelOutput[] {
  if (objective === 'regression') return [{ name: 'prediction', type: 'float', width: 1 }]
  return [
    { name: 'label', type: 'int64', width: undefined },
    { name: 'probabilities', type: 'float', width: classes },
  ]
}

/** Ends the graph: `scores` is `[N, 1]` (log odds of class 1, or the value) or `[N, classes]` (logits). */
export function addOutputs(
  graph: Graph,
  scores: string,
  { objective, classes }: { objective: Objective; classes: number },
): void {
  if (objective === 'regression') graph.node('Identity', [scores], { output: 'prediction' })
  else {
    if (objective === 'binary') {
      // sigmoid(-s), sigmoid(s): as exact for class 0 as for class 1.
      const signs = graph.constant({ type: 'float', dims: [1, 2], values: [-1, 1] })
      graph.node('Sigmoid', [graph.node('Mul', [scores, signs])], { output: 'probabilities' })
    } else graph.node('Softmax', [scores], { attributes: { axis: { integer: 1 } }, output: 'probabilities' })
    graph.node('ArgMax', ['probabilities'], {
      attributes: { axis: { integer: 1 }, keepdims: { integer: 0 } },
      output: 'label',
    })
  }
  for (const { name, type, width } of modelOutputs(objective, classes)) {
    graph.output({ name, type, dims: width === undefined ? ['N'] : ['N', width] })
  }
}

/** The same in doubles: probabilities `[N, classes]`, or values `[N]`. */
export function outputsOf(
  scores: Float64Array,
  { objective, classes }: { objective: Objective; classes: number },
): Float64Array {
  if (objective === 'regression') return scores
  const rows = objective === 'binary' ? scores.length : scores.length / classes
  const probabilities = new Float64Array(rows * classes)
  for (let row = 0; row < rows; row++) {
    if (objective === 'binary') {
      probabilities[2 * row] = 1 / (1 + Math.exp(scores[row]!))
      probabilities[2 * row + 1] = 1 / (1 + Math.exp(-scores[row]!))
      continue
    }
    const logits = scores.subarray(row * classes, (row + 1) * classes)
    const greatest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity)
    const weights = logits.map((logit) => Math.exp(logit - greatest))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    probabilities.set(
      weights.map((weight) => weight / total),
      row * classes,
    )
  }
  return probabilities
}
