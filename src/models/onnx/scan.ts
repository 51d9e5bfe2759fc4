// A Scan, which runs a graph for each part of a value: how models of neighbours go through the points that they were trained on.
import { attributesOf, oneWholeOf } from './attributes.ts'
import type { GraphNode, OnnxFile } from './reader.ts'
import { sizesOf, tensorOfConstant } from './tensor.ts'

/** Operators whose answer has no dimension that is larger than the largest of what they are given. */
const sizeKeeping: ReadonlySet<string> = new Set(['Add', 'Cast', 'Div', 'Identity', 'Mul', 'Sqrt', 'Sub', 'Transpose'])

/** Since this version of ai.onnx a Scan has no dimension of batches. */
const opsetMin = 9

/** How often the graphs of a file may be run for one request, all together. */
export const scanStepsMax = 1_000_000

/**
 * How often a Scan runs its graph at most; undefined: it goes through something that does not stand in the file.
 * Of a file that is not sorted as it has to be, constants that are computed are not known.
 * @throws MalformedProtobuf
 */
export function createScanSteps(file: OnnxFile): (scan: GraphNode) => number | undefined {
  let sizes: ReadonlyMap<string, number> | undefined
  return (scan) => {
    const attribute = attributesOf(scan).get('num_scan_inputs')
    const count = attribute && oneWholeOf(attribute)
    if (count === undefined || count < 1 || count > scan.inputs.length) return undefined
    if ((file.opsets.get('ai.onnx') ?? 0) < opsetMin) return undefined
    sizes ??= constantSizes(file)
    let steps = 0
    for (const name of scan.inputs.slice(-count)) steps = Math.max(steps, sizes.get(name) ?? Infinity)
    return Number.isFinite(steps) ? steps : undefined
  }
}

/** The largest dimension of each constant, and of what is computed from constants alone. */
function constantSizes(file: OnnxFile): Map<string, number> {
  const sizes = new Map<string, number>()
  const add = (name: string, tensor: Uint8Array | undefined): void => {
    const own = tensor && sizesOf(tensor)
    // A dimension of none beside others may be gone through without end.
    if (own && !own.some((size) => size < 1))
      sizes.set(
        name,
        own.reduce((most, size) => Math.max(most, size), 1),
      )
  }
  for (const [name, tensor] of file.initializers) add(name, tensor)
  for (const node of file.nodes) {
    const [output] = node.outputs
    if (output === undefined || node.domain !== 'ai.onnx') continue
    if (node.operator === 'Constant') add(output, tensorOfConstant(node))
    if (!sizeKeeping.has(node.operator)) continue
    let most = 1
    for (const input of node.inputs) most = Math.max(most, sizes.get(input) ?? Infinity)
    if (Number.isFinite(most)) sizes.set(output, most)
  }
  return sizes
}
