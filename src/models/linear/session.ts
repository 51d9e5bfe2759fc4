// A graph that is a linear model, computed here: for a few rows a run of ONNX Runtime takes many times as long as the sums themselves.
import type { Tensor } from 'onnxruntime-node'
import { createGenerator } from '../../statistics/random.ts'
import type { Engine, EngineSession } from '../onnx/engine.ts'
import { isSameAnswer } from '../same-answer.ts'
import { readLinear, type LinearModel } from './read.ts'
import { score } from './score.ts'

/** Weights up to which ten thousand rows at once take about as long as in ONNX Runtime; one takes a twentieth. */
const weightsMax = 256
/** Rows that prove that both say the same. */
const proofRows = 64
/** How far rows lie from where the model's own lie, in spreads. */
const distances = [0, 0.1, 1, 1, 3, 30]

/** @returns false: the graph is something else or larger, or says something else here than ONNX Runtime does */
export async function isProvenLinear(
  engine: Engine,
  { bytes, output }: { bytes: Uint8Array; output: string },
): Promise<boolean> {
  const model = readLinear(bytes, output)
  if (!model || model.weights.length > weightsMax) return false
  const matrix = rowsOf(engine, model)
  const session = await engine.load(bytes, [output]).catch(() => undefined)
  if (!session) return false
  try {
    const expected = (await session.run({ [model.input]: matrix }))[output]?.data
    return (
      expected instanceof Float32Array && isSameAnswer(expected, answerOf(engine, model, matrix).data as Float32Array)
    )
  } catch {
    return false // Whatever ONNX Runtime says of such rows, it says when they come.
  } finally {
    await session.release()
  }
}

/** Of a graph that was proven; undefined: it is no linear model. */
export function openLinear(
  engine: Engine,
  { bytes, output }: { bytes: Uint8Array; output: string },
): EngineSession | undefined {
  const model = readLinear(bytes, output)
  if (!model) return undefined
  return {
    alwaysEnds: true,
    run: (feeds) => ({ [output]: answerOf(engine, model, feeds[model.input]!) }),
    release: () => undefined,
  }
}

function answerOf({ tensor: TensorOf }: Engine, model: LinearModel, { data, dims }: Tensor): Tensor {
  const [rows, width] = [dims[0]!, dims[1]!]
  if (!(data instanceof Float32Array) || dims.length !== 2 || width !== model.features) {
    throw new Error(`it reads ${model.features} numbers a row, and is given [${dims.join(',')}]`)
  }
  return new TensorOf('float32', score(model, { values: data, rows }), [rows, model.outputs])
}

/** The same of the same model. */
function rowsOf({ tensor: TensorOf }: Engine, { features, centre, spread }: LinearModel): Tensor {
  const generator = createGenerator('rows of a linear model')
  const values = new Float32Array(proofRows * features)
  for (let row = 0; row < proofRows; row++) {
    for (let feature = 0; feature < features; feature++) {
      const distance = distances[row % distances.length]! * generator.normal()
      values[row * features + feature] = centre[feature]! + distance * spread[feature]!
    }
  }
  return new TensorOf('float32', values, [proofRows, features])
}
