// What a value of a graph comes from: which operator made it, seen through those that only give it another shape or type.
import { attributesOf } from './attributes.ts'
import type { GraphNode, OnnxFile } from './reader.ts'
import { tensorOfConstant } from './tensor.ts'

/** Operators whose answer has the numbers of their first input, in their order. */
const reshaping: ReadonlySet<string> = new Set([
  'Cast', 'Dropout', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze',
]) // prettier-ignore

/** Products with weights, whose numbers are of any size. */
const products: ReadonlySet<string> = new Set(['Gemm', 'MatMul', 'FusedGemm', 'FusedMatMul'])
/** Their numbers are within bounds. */
const bounded: ReadonlySet<string> = new Set(['Clip', 'Erf', 'HardSigmoid', 'Sigmoid', 'Softmax', 'Softsign', 'Tanh'])
/** Shift and scale numbers, or add them up. */
const affine: ReadonlySet<string> = new Set(['Add', 'BatchNormalization', 'Div', 'Mul', 'Sub'])

export interface Endings {
  /** The node that made the numbers of a value; undefined: they are an input's, or a constant's. */
  endingOf(name: string): GraphNode | undefined
  /**
   * Whether a value is a product with weights, shifted and scaled at most: a logit, where it tells classes apart. So is a sum of whatever
   * has no bounds.
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

  /** What is shifted, scaled and added up in the end. */
  const partsOf = (name: string): GraphNode[] => {
    const parts: GraphNode[] = []
    const seen = new Set<GraphNode>()
    const waiting = new Set([name])
    for (const next of waiting) {
      const node = endingOf(next)
      if (!node || seen.has(node)) continue
      seen.add(node)
      const variable = node.inputs.filter((input) => !isConstant(input))
      const isSum = node.operator === 'Add' || node.operator === 'Sub'
      // A product or a quotient of two values is of another kind than either.
      if (!affine.has(node.operator) || (!isSum && variable.length !== 1)) parts.push(node)
      else for (const input of variable) waiting.add(input)
    }
    return parts
  }
  return {
    endingOf,
    isUnbounded(name) {
      const parts = partsOf(name)
      if (parts.some((node) => bounded.has(node.operator) || hasActivation(node))) return false
      return parts.some(({ operator }) => products.has(operator)) || endingOf(name)?.operator === 'Add'
    },
    constantOf(name) {
      const maker = makers.get(name)
      return file.initializers.get(name) ?? (maker && tensorOfConstant(maker))
    },
  }
}

/** Fused into it by an optimizer. */
const hasActivation = (node: GraphNode): boolean => products.has(node.operator) && attributesOf(node).has('activation')
