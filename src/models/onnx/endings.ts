// What a value of a graph comes from: which operator made it, seen through those that only give it another shape or type.
import { attributesOf } from './attributes.ts'
import type { GraphNode, OnnxFile } from './reader.ts'
import { tensorOfConstant } from './tensor.ts'

/** Operators whose answer has the numbers of their first input, in their order. */
const reshaping: ReadonlySet<string> = new Set([
  'Cast', 'Dropout', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze',
]) // prettier-ignore

/** Products with weights, whose numbers are of any size. */
const products: ReadonlySet<string> = new Set(['Einsum', 'FusedGemm', 'FusedMatMul', 'Gemm', 'MatMul'])
/** Their numbers are within bounds. */
const bounded: ReadonlySet<string> = new Set(['Clip', 'Erf', 'HardSigmoid', 'Sigmoid', 'Softmax', 'Softsign', 'Tanh'])
/** Shift and scale numbers, choose some of them, or add them up. */
const affine: ReadonlySet<string> = new Set([
  'Add', 'BatchNormalization', 'Concat', 'Div', 'Gather', 'Mul', 'Neg', 'ReduceMean', 'ReduceSum', 'Slice', 'Split', 'Sub', 'Sum', 'Transpose',
]) // prettier-ignore
const scaling: ReadonlySet<string> = new Set(['Div', 'Mul'])
/** Bounded below only, or not at all. */
const rectifiers: ReadonlySet<string> = new Set(['LeakyRelu', 'PRelu', 'Relu'])

export interface Endings {
  /** The node that made the numbers of a value; undefined: they are an input's, or a constant's. */
  endingOf(name: string): GraphNode | undefined
  /**
   * Whether a value is a product with weights, only shifted, scaled, chosen from and added up since: a logit, where it tells classes apart.
   * So is a sum of whatever has no bounds. A value that bounded ones have a part in since, such as a mixture of probabilities, is none.
   */
  isUnbounded(name: string): boolean
  /** The tensor of a constant. */
  constantOf(name: string): Uint8Array | undefined
}

export function createEndings(file: OnnxFile): Endings {
  const makers = new Map<string, GraphNode>()
  for (const node of file.nodes) for (const name of node.outputs) makers.set(name, node)
  /** Of values that were asked for, and those on the way. */
  const known = new Map<string, GraphNode | undefined>()
  const endingOf = (name: string): GraphNode | undefined => {
    const passed: string[] = []
    let next = name
    let node = makers.get(next)
    while (!known.has(next) && node && reshaping.has(node.operator)) {
      passed.push(next)
      // On its way around in a circle it is known to come from nothing.
      known.set(next, undefined)
      next = node.inputs[0] ?? ''
      node = makers.get(next)
    }
    const found = known.has(next) ? known.get(next) : node
    for (const each of passed) known.set(each, found)
    return found
  }
  const isConstant = (name: string): boolean => file.initializers.has(name) || makers.get(name)?.operator === 'Constant'

  const variableOf = (node: GraphNode): string[] => node.inputs.filter((input) => !isConstant(input))

  /** The nodes that a value was made of, back to those that are not passed. */
  const partsOf = (name: string, isPassed: (node: GraphNode) => boolean): GraphNode[] => {
    const parts: GraphNode[] = []
    const seen = new Set<GraphNode>()
    const waiting = new Set([name])
    for (const next of waiting) {
      const node = endingOf(next)
      if (!node || seen.has(node)) continue
      seen.add(node)
      if (isPassed(node)) for (const input of variableOf(node)) waiting.add(input)
      else parts.push(node)
    }
    return parts
  }
  // A product or a quotient of two values is of another kind than either.
  const isAffine = (node: GraphNode): boolean =>
    affine.has(node.operator) && (!scaling.has(node.operator) || variableOf(node).length === 1)
  const isSized = (node: GraphNode): boolean => products.has(node.operator) || isBounded(node)
  return {
    endingOf,
    isUnbounded(name) {
      const last = endingOf(name)
      const start = last && rectifiers.has(last.operator) ? last.inputs[0]! : name
      if (partsOf(start, (node) => !isSized(node)).some(isBounded)) return false
      return partsOf(start, isAffine).some(({ operator }) => products.has(operator)) || last?.operator === 'Add'
    },
    constantOf(name) {
      const maker = makers.get(name)
      return file.initializers.get(name) ?? (maker && tensorOfConstant(maker))
    },
  }
}

const isBounded = (node: GraphNode): boolean => bounded.has(node.operator) || hasActivation(node)

/** Fused into it by an optimizer. */
const hasActivation = (node: GraphNode): boolean => products.has(node.operator) && attributesOf(node).has('activation')
