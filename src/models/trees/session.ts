// A graph with many trees, run as three parts: ONNX Runtime does what comes before and after them, and they are walked here.
import type { Tensor } from 'onnxruntime-node'
import type { Engine, EngineSession } from '../onnx/engine.ts'
import { createGenerator } from '../../statistics/random.ts'
import { isSameAnswer } from '../same-answer.ts'
import { cutAtTrees, type CutGraph } from './cut.ts'
import { belowOf, type Ensemble } from './ensemble.ts'
import { walk, widthOf } from './walk.ts'

/** Nodes from which on walking is worth more than the proof and the parts cost; with a session before the trees and one after them, one more is run. */
const nodesMin = 1_000
const nodesMinBetween = 20_000
const branchesPerLookup = 8
/** Rows that prove that both say the same. */
const proofRows = 64
/** As many columns as a matrix may have here. */
const featuresMax = 100_000

/** Trees that were shown to say what ONNX Runtime says, with what comes before and after them. */
export interface ProvenTrees extends Pick<CutGraph, 'ensemble' | 'head' | 'tail'> {
  /** The matrix that the trees read. */
  readonly matrix: string
  /** Of the whole graph. */
  readonly output: string
}

/** @returns undefined: the graph has no such trees, or not such as are worth it, or they say something else here than ONNX Runtime does */
export async function proveTrees(
  engine: Engine,
  { bytes, output }: { bytes: Uint8Array; output: string },
): Promise<ProvenTrees | undefined> {
  const parts = cutAtTrees(bytes, { output, nodesMin })
  if (!parts || !isWorthIt(parts) || !(await isProven(engine, parts))) return undefined
  const { ensemble, head, tail, trees } = parts
  return { ensemble, head, tail, matrix: trees.input, output }
}

/** Undefined: ONNX Runtime takes the graph as a whole, if at all. */
export async function openTrees(engine: Engine, proven: ProvenTrees): Promise<EngineSession | undefined> {
  const beside = await besideTrees(engine, proven)
  // The session keeps nothing of the parts but what it runs: their bytes are the model's.
  const { ensemble, matrix, output, tail } = proven
  return beside && sessionOf(engine, { ...beside, ensemble, names: { matrix, said: tail?.input ?? '', output } })
}

interface Opened extends Beside {
  readonly ensemble: Ensemble
  readonly names: { readonly matrix: string; readonly said: string; readonly output: string }
}

function sessionOf(engine: Engine, { ensemble, head, tail, names }: Opened): EngineSession {
  const walked = (matrix: Tensor): ReturnType<EngineSession['run']> => {
    const said = answerOf(engine, ensemble, matrix)
    return tail ? tail.run({ [names.said]: said }) : { [names.output]: said }
  }
  return {
    alwaysEnds: !head && !tail,
    run(feeds) {
      if (!head) return walked(feeds[names.matrix]!)
      const made = head.run(feeds)
      if (made instanceof Promise) return made.then((outputs) => walked(outputs[names.matrix]!))
      return walked(made[names.matrix]!)
    },
    async release() {
      await head?.release()
      await tail?.release()
    },
  }
}

/**
 * Ranking a value takes about as long as eight branches of ONNX Runtime's, so many features and few trees are faster there; and one session more is
 * run with one before the trees and one after them.
 */
function isWorthIt({ ensemble: { nodes, trees, lookups }, head, tail }: CutGraph): boolean {
  const branches = trees * Math.log2(1 + nodes / trees)
  return branches >= lookups.length * branchesPerLookup && (nodes >= nodesMinBetween || !head || !tail)
}

interface Beside {
  readonly head: EngineSession | undefined
  readonly tail: EngineSession | undefined
}

async function besideTrees(
  engine: Engine,
  { head, tail }: Pick<CutGraph, 'head' | 'tail'>,
): Promise<Beside | undefined> {
  const load = (part: CutGraph['head']): Promise<EngineSession> | undefined =>
    part && engine.load(part.bytes, [part.output])
  let first: EngineSession | undefined
  try {
    first = await load(head)
    return { head: first, tail: await load(tail) }
  } catch {
    await first?.release()
    return undefined
  }
}

function answerOf({ tensor: TensorOf }: Engine, ensemble: Ensemble, { data, dims }: Tensor): Tensor {
  const [rows, width] = [dims[0]!, dims[1]!]
  if (!(data instanceof Float32Array) || dims.length !== 2 || width < ensemble.features) {
    throw new Error(`its trees read ${ensemble.features} numbers a row, and are given [${dims.join(',')}]`)
  }
  return new TensorOf('float32', walk(ensemble, { values: data, width, rows }), [rows, widthOf(ensemble)])
}

async function isProven(engine: Engine, { ensemble, trees }: CutGraph): Promise<boolean> {
  if (ensemble.features > featuresMax) return false
  const matrix = rowsOf(engine, ensemble, proofRows)
  const session = await engine.load(trees.bytes, [trees.output]).catch(() => undefined)
  if (!session) return false
  try {
    const expected = (await session.run({ [trees.input]: matrix }))[trees.output]?.data
    const found = answerOf(engine, ensemble, matrix).data as Float32Array
    return expected instanceof Float32Array && isSameAnswer(expected, found)
  } catch {
    return false // Whatever ONNX Runtime says of such rows, it says when they come.
  } finally {
    await session.release()
  }
}

/** Rows with the thresholds themselves, their neighbours, what is missing, and what is far away; the same of the same trees. */
function rowsOf({ tensor: TensorOf }: Engine, { lookups, features }: Ensemble, rows: number): Tensor {
  const generator = createGenerator('rows of trees')
  const values = new Float32Array(rows * features)
  for (const { feature, thresholds } of lookups) {
    for (let row = 0; row < rows; row++) {
      const threshold = thresholds[generator.integer(Math.max(1, thresholds.length))] ?? 0
      const kinds = [threshold, threshold, belowOf(threshold), threshold + Math.abs(threshold) * 1e-3, -1e9, 1e9, 0]
      const kind = generator.integer(kinds.length + 1)
      // Only some rows have gaps: one alone shows which way they go.
      values[row * features + feature] =
        row % 4 === 0 && kind === kinds.length ? Number.NaN : (kinds[kind] ?? threshold)
    }
  }
  return new TensorOf('float32', values, [rows, features])
}
