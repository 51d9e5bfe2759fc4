// What every trainer hands back: the graph, what it takes and answers, and the same predictions in doubles.
import type { ModelOutput } from './onnx/class-graph.ts'
import type { Frame, FrameColumn, Objective } from './frame.ts'

/** An input of the graph, `[N, 1]`, named after its raw column. A `datetime` is an int64 of microseconds since 1970 in UTC. */
export interface ModelInput {
  readonly name: string
  readonly type: 'float' | 'string' | 'datetime'
}

export interface TrainedModel {
  /** The bytes of the ONNX file. The same for the same frame, spec and seed, whatever the number of threads. */
  readonly onnx: Uint8Array
  readonly objective: Objective
  readonly classes: number
  readonly inputs: readonly ModelInput[]
  readonly outputs: readonly ModelOutput[]
  /** Iterations kept: trees for each output, or steps of the optimiser. */
  readonly iterations: number
  /** Features, the most important first. `gain` is the drop of the loss for trees, the standard deviation of its effect on the score for linear models. */
  readonly featureImportance: readonly { readonly name: string; readonly gain: number }[]
  /** Probabilities `[rows, classes]`, row by row, or values `[rows]`. The frame's target is not looked at. */
  predict(frame: Frame): Float64Array
}

const INPUT_TYPES: Readonly<Record<FrameColumn['kind'], ModelInput['type']>> = {
  number: 'float',
  category: 'string',
  time: 'datetime',
}

export function modelInputs(columns: readonly FrameColumn[]): ModelInput[] {
  return columns.map(({ name, kind }) => ({ name, type: INPUT_TYPES[kind] }))
}
