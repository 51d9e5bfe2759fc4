// A graph cut at its trees: what comes before them, they themselves, and what comes after.
import { MalformedProtobuf } from '../onnx/protobuf.ts'
import { readOnnx, type GraphNode, type GraphValue, type OnnxFile } from '../onnx/reader.ts'
import { rewriteGraph } from '../onnx/rewrite.ts'
import type { Ensemble } from './ensemble.ts'
import { readEnsemble } from './read.ts'
import { widthOf } from './walk.ts'

/** A part of the graph that is run by itself. */
export interface Part {
  readonly bytes: Uint8Array
  readonly input: string
  readonly output: string
}

export interface CutGraph {
  readonly ensemble: Ensemble
  /** The trees alone, as the graph has them. */
  readonly trees: Part
  /** Makes the matrix that the trees read; undefined: that is the graph's own input, of this name. */
  readonly head: Omit<Part, 'input'> | undefined
  /** Makes the answer of what the trees say; undefined: they say it. */
  readonly tail: Part | undefined
}

const unlimited = { nodes: Infinity, initializers: Infinity, values: Infinity }

/**
 * @param bytes a graph that was checked
 * @param output the one value of it that is wanted
 * @returns undefined: it has no trees, or not just once, or such as are not walked here, or fewer nodes than `nodesMin`
 */
export function cutAtTrees(
  bytes: Uint8Array,
  { output, nodesMin }: { output: string; nodesMin: number },
): CutGraph | undefined {
  // A node of a tree takes more bytes than that.
  if (bytes.length < nodesMin * 10) return undefined
  try {
    return cut(bytes, { output, nodesMin })
  } catch (error) {
    // A file that is not read here, or says sizes that there are not.
    if (error instanceof MalformedProtobuf || error instanceof RangeError) return undefined
    throw error
  }
}

function cut(bytes: Uint8Array, { output, nodesMin }: { output: string; nodesMin: number }): CutGraph | undefined {
  const file = readOnnx(bytes, unlimited)
  const makers = file.nodes.filter(({ operator }) => operator.startsWith('TreeEnsemble'))
  const [node] = makers
  const matrix = node?.inputs[0]
  if (!node || makers.length > 1 || matrix === undefined || file.initializers.has(matrix)) return undefined
  const said = node.outputs.at(-1)!
  if (!isOnlyWay(file, { node, said, output })) return undefined
  const ensemble = readEnsemble(node)
  if (!ensemble || ensemble.nodes < nodesMin) return undefined
  const input = file.inputs.find(({ name }) => name === matrix)
  if (input && input.elementType !== 'float32') return undefined
  const declaredWidth = input?.shape?.[1]
  if (typeof declaredWidth === 'number' && declaredWidth < ensemble.features) return undefined
  // The trees alone take any width: there may be columns that none of them reads.
  const read = matrixOf(matrix, 'C')
  const answer = matrixOf(said, widthOf(ensemble))
  const declared = file.outputs.find(({ name }) => name === output)
  const part = (begin: GraphValue | undefined, end: GraphValue): Uint8Array =>
    rewriteGraph(bytes, file, {
      renamed: new Map(),
      inputs: new Map(),
      nodes: [],
      constants: [],
      output: end,
      irVersion: file.irVersion,
      ...(begin ? { begin } : {}),
    })
  return {
    ensemble,
    trees: { bytes: part(read, answer), input: matrix, output: said },
    head: input ? undefined : { bytes: part(undefined, read), output: matrix },
    tail:
      originOf(file, output) === said
        ? undefined
        : { bytes: part(answer, declared ?? matrixOf(output, '')), input: said, output },
  }
}

/** The first name of a value: nodes that change nothing are passed. */
function originOf(file: OnnxFile, value: string): string {
  const makers = new Map(file.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const seen = new Set<string>()
  let name = value
  for (let maker = makers.get(name); maker?.operator === 'Identity' && !seen.has(name); maker = makers.get(name)) {
    seen.add(name)
    name = maker.inputs[0]!
  }
  return name
}

const matrixOf = (name: string, width: number | string): GraphValue => ({
  name,
  kind: 'tensor',
  elementType: 'float32',
  shape: ['N', width],
})

/** What the trees say leads to the answer, and nothing else does from the graph's inputs. */
function isOnlyWay(file: OnnxFile, { node, said, output }: { node: GraphNode; said: string; output: string }): boolean {
  const makers = new Map(file.nodes.flatMap((each) => each.outputs.map((name) => [name, each] as const)))
  const inputs = new Set(file.inputs.map(({ name }) => name).filter((name) => !file.initializers.has(name)))
  const seen = new Set<string>()
  const waiting = [output]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    if (name === said) continue
    const maker = makers.get(name)
    if (inputs.has(name) || maker === node) return false
    waiting.push(...(maker?.inputs ?? []))
  }
  return seen.has(said)
}
