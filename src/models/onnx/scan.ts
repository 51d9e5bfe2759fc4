// A Scan, which runs a graph for each part of a value: how models of neighbours go through the points that they were trained on.
import { attributesOf, oneWholeOf } from './attributes.ts'
import type { GraphNode, OnnxFile } from './reader.ts'

/** Operators whose answer is as large as what they are given. */
const sizeKeeping: ReadonlySet<string> = new Set(['Add', 'Cast', 'Div', 'Identity', 'Mul', 'Sqrt', 'Sub', 'Transpose'])

/** Since this version of ai.onnx a Scan has no dimension of batches. */
const opsetMin = 9

/** Whether all that it goes through stands in the file, or is computed from what stands there. @throws MalformedProtobuf */
export function isScanOfConstants(file: OnnxFile, node: GraphNode): boolean {
  const count = attributesOf(node).get('num_scan_inputs')
  const scanned = count && oneWholeOf(count)
  if (scanned === undefined || scanned < 1 || scanned > node.inputs.length) return false
  if ((file.opsets.get('ai.onnx') ?? 0) < opsetMin) return false
  const makers = new Map(file.nodes.flatMap((each) => each.outputs.map((name) => [name, each] as const)))
  const waiting = node.inputs.slice(-scanned)
  const seen = new Set(waiting)
  for (const name of waiting) {
    if (file.initializers.has(name)) continue
    const maker = makers.get(name)
    if (maker?.operator === 'Constant') continue
    if (!maker || maker.domain !== 'ai.onnx' || !sizeKeeping.has(maker.operator)) return false
    for (const input of maker.inputs) {
      if (seen.has(input)) continue
      seen.add(input)
      waiting.push(input)
    }
  }
  return true
}
