// What a value of a graph comes from: which operator made it, seen through those that only give it another shape or type.
import type { GraphNode, OnnxFile } from './reader.ts'

/** Operators whose answer has the numbers of their first input, in their order. */
const reshaping: ReadonlySet<string> = new Set([
  'Cast', 'Dropout', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze',
]) // prettier-ignore

/** Products with weights, whose numbers are of any size. */
const products: ReadonlySet<string> = new Set(['Gemm', 'MatMul', 'FusedGemm', 'FusedMatMul'])
/** Between 0 and 1. */
const activations: ReadonlySet<string> = new Set(['HardSigmoid', 'Sigmoid', 'Softmax'])
/** Shift and scale numbers, or add them up. */
const affine: ReadonlySet<string> = new Set(['Add', 'BatchNormalization', 'Div', 'Mul', 'Sub'])

export type Makers = ReadonlyMap<string, GraphNode>

export const makersOf = ({ nodes }: OnnxFile): Makers =>
  new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))

/** The node that made the numbers of a value; undefined: they are an input's, or a constant's. */
export function endingOf(makers: Makers, name: string): GraphNode | undefined {
  const seen = new Set<GraphNode>()
  for (let node = makers.get(name); node && !seen.has(node); node = makers.get(node.inputs[0] ?? '')) {
    if (!reshaping.has(node.operator)) return node
    seen.add(node)
  }
  return undefined
}

/** Nodes that a value does not follow from: what they make of each request would be thrown away. */
export function isSpare(makers: Makers, name: string): (node: GraphNode) => boolean {
  const needed = new Set<GraphNode>()
  const waiting = [name]
  for (const next of waiting) {
    const node = makers.get(next)
    if (!node || needed.has(node)) continue
    needed.add(node)
    waiting.push(...node.inputs)
  }
  return (node) => !needed.has(node)
}

/**
 * Whether a value is a product with weights, shifted and scaled at most: a logit, where it tells classes apart. So is a sum of whatever
 * has not passed an activation.
 */
export function isUnbounded(file: OnnxFile, makers: Makers, name: string): boolean {
  const parts = partsOf(file, makers, name)
  if (parts.some(({ operator }) => activations.has(operator))) return false
  return parts.some(({ operator }) => products.has(operator)) || endingOf(makers, name)?.operator === 'Add'
}

/** What is shifted, scaled and added up in the end. */
function partsOf(file: OnnxFile, makers: Makers, name: string): GraphNode[] {
  const isConstant = (input: string): boolean =>
    file.initializers.has(input) || makers.get(input)?.operator === 'Constant'
  const parts: GraphNode[] = []
  const seen = new Set<GraphNode>()
  const waiting = [name]
  for (const next of waiting) {
    const node = endingOf(makers, next)
    if (!node || seen.has(node)) continue
    seen.add(node)
    const variable = node.inputs.filter((input) => !isConstant(input))
    const isSum = node.operator === 'Add' || node.operator === 'Sub'
    // A product or a quotient of two values is of another kind than either.
    if (affine.has(node.operator) && (isSum || variable.length === 1)) waiting.push(...variable)
    else parts.push(node)
  }
  return parts
}
