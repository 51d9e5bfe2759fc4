// The only door to the engines: a checked graph, rows in, predictions out. Never called in the control plane: a run cannot be interrupted.
import { DomainError, messageOf } from '../platform/errors.ts'
import { assertGraphFits, checkGraph, outputWidth } from './graph-check.ts'
import { assertRowsIndependent } from './independence.ts'
import { openEngine, type Engine, type EngineSession, type Feeds, type Outputs } from './onnx/engine.ts'
import type { Batch, BatchTensor } from './batch.ts'
import type { Signature } from './signature.ts'
import { isProvenLinear, openLinear } from './linear/session.ts'
import { openTrees, proveTrees, type ProvenTrees } from './trees/session.ts'

export { openEngine }

/** What a model said: `width` numbers a row, row after row: class probabilities in the order of the signature's classes, or the value. */
export interface Predictions {
  readonly rows: number
  readonly width: number
  readonly values: Float32Array
}

export interface LoadedModel {
  readonly signature: Signature
  /** See `EngineSession`. */
  readonly alwaysEnds: boolean
  /**
   * Runs all rows of the batch at once. With the native engine the answer is there at once and the thread is busy until then; a promise comes
   * only from the public API. The batch must stay as it is until the answer came; afterwards it can be cleared and used again.
   * @throws DomainError model_failed: the graph failed on these rows (a promise rejects with it)
   */
  run(batch: Batch): Predictions | Promise<Predictions>
  release(): void | Promise<void>
}

/**
 * Loads a model. Synchronous work of milliseconds (a forest of 35 MB: 1.2 s).
 * @throws DomainError as `checkGraph`, `assertGraphFits` and `assertRowsIndependent`; model_unloadable: ONNX Runtime refused it
 */
export async function loadModel(bytes: Uint8Array, { signature }: { signature: Signature }): Promise<LoadedModel> {
  return (await proveModel(bytes, { signature })).model
}

/** As {@link loadModel}, with what {@link loadProven} loads it by again, with nothing to be checked. */
export async function proveModel(
  bytes: Uint8Array,
  { signature }: { signature: Signature },
): Promise<{ model: LoadedModel; proof: Proof }> {
  assertGraphFits(checkGraph(bytes), signature)
  const engine = await openEngine()
  const proof = await proofOf(engine, { bytes, signature })
  const model = await loadProven(engine, { proof, bytes: async () => bytes, signature })
  try {
    await assertRowsIndependent(model)
  } catch (error) {
    await model.release()
    throw error
  }
  return { model, proof }
}

/** As {@link loadModel}, without the policy on graphs: for the disposable process whose end by force is tested with it. */
export async function loadUnchecked(
  engine: Engine,
  { bytes, signature }: { bytes: Uint8Array; signature: Signature },
): Promise<LoadedModel> {
  const proof = await proofOf(engine, { bytes, signature })
  return loadProven(engine, { proof, bytes: async () => bytes, signature })
}

/** What of a graph was shown to say here what ONNX Runtime says. */
export interface Proof {
  readonly trees: ProvenTrees | undefined
  /** All of it is a linear model. */
  readonly isLinear: boolean
}

async function proofOf(
  engine: Engine,
  { bytes, signature }: { bytes: Uint8Array; signature: Signature },
): Promise<Proof> {
  const graph = { bytes, output: outputOf(signature) }
  const isLinear = await refusing(isProvenLinear(engine, graph))
  return { isLinear, trees: isLinear ? undefined : await refusing(proveTrees(engine, graph)) }
}

/** A graph as it was found to be before, in this process or another one. */
export interface ProvenGraph {
  readonly proof: Proof
  /** Of the whole graph, which is not read where its trees are walked. */
  readonly bytes: () => Promise<Uint8Array>
  readonly signature: Signature
}

/** @throws DomainError model_unloadable */
export async function loadProven(engine: Engine, { proof, bytes, signature }: ProvenGraph): Promise<LoadedModel> {
  const output = outputOf(signature)
  const open = async (): Promise<EngineSession> => {
    const walked = proof.trees && (await openTrees(engine, proof.trees))
    if (walked) return walked
    const graph = { bytes: await bytes(), output }
    return (proof.isLinear ? openLinear(engine, graph) : undefined) ?? engine.load(graph.bytes, [output])
  }
  return modelOf(engine, await refusing(open()), signature)
}

const outputOf = (signature: Signature): string => (signature.task === 'regression' ? 'prediction' : 'probabilities')

const refusing = <T>(opening: Promise<T>): Promise<T> =>
  opening.catch((error: unknown) => {
    // Of the disk: whoever asks a model is not told where it lies.
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error
    throw new DomainError('invalid', 'model_unloadable', `ONNX Runtime does not load the model: ${messageOf(error)}`)
  })

function modelOf({ tensor: TensorOf }: Engine, session: EngineSession, signature: Signature): LoadedModel {
  const output = outputOf(signature)
  const width = outputWidth(signature)
  const feedOf = ({ elementType, width, values }: BatchTensor, rows: number): Feeds[string] => {
    const shape = [rows, width]
    const size = rows * width
    if (Array.isArray(values)) {
      return new TensorOf('string', values.length === size ? values : values.slice(0, size), shape)
    }
    // The array's kind goes with the element type: see batch.ts.
    return new TensorOf(elementType as 'float32', values.subarray(0, size) as Float32Array, shape)
  }
  const read = (outputs: Outputs, rows: number): Predictions => {
    const values = outputs[output]?.data
    if (values instanceof Float32Array && values.length === rows * width) return { rows, width, values }
    const numbers = values?.length
    throw failed(`it gave ${numbers ?? 'no'} numbers for ${rows} rows of ${width}`, { numbers, width })
  }
  const feeds: Feeds = {}
  return {
    signature,
    alwaysEnds: session.alwaysEnds,
    run(batch) {
      const { rows } = batch
      // Not every operator takes none.
      if (rows === 0) return { rows, width, values: new Float32Array() }
      for (const tensor of batch.tensors) feeds[tensor.name] = feedOf(tensor, rows)
      let outputs: Outputs | Promise<Outputs>
      try {
        outputs = session.run(feeds)
      } catch (error) {
        throw failed(messageOf(error))
      }
      if (!(outputs instanceof Promise)) return read(outputs, rows)
      return outputs.then(
        (found) => read(found, rows),
        (error: unknown) => {
          throw failed(messageOf(error))
        },
      )
    },
    release: () => session.release(),
  }
}

const reasonMax = 500

function failed(reason: string, detail?: Record<string, unknown>): DomainError {
  const message = `the model failed on these rows: ${reason.slice(0, reasonMax)}`
  return new DomainError('unavailable', 'model_failed', message, detail)
}

/** The class of a row: the most probable one; of equals the first, and for two classes the second from 0.5 on. */
export function labelIndex({ values, width }: Predictions, row: number): number {
  const start = row * width
  if (width === 2) return values[start + 1]! >= 0.5 ? 1 : 0
  let best = 0
  for (let index = 1; index < width; index++) if (values[start + index]! > values[start + best]!) best = index
  return best
}

/** The first row with a number that is not finite, which no answer may hold; -1: none. */
export function firstBrokenRow({ values, width }: Predictions): number {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) return Math.floor(index / width)
  }
  return -1
}

export type Answer =
  | { readonly label: string; readonly probabilities: Readonly<Record<string, number>> }
  | { readonly value: number }

/** One row as people read it. */
export function answerOf(signature: Signature, predictions: Predictions, row: number): Answer {
  const { values, width } = predictions
  if (signature.task === 'regression') return { value: values[row]! }
  const probabilities = Object.fromEntries(signature.classes.map((name, index) => [name, values[row * width + index]!]))
  return { label: signature.classes[labelIndex(predictions, row)]!, probabilities }
}
