// Adds nodes behind an output of an exported graph: what it answers passes through them before it is given.
import { createGraph, type Graph } from './onnx/graph.ts'
import { bytes, concatenate, text, type Field } from './onnx/protobuf.ts'
import { splitMessage, textOf, type RawField } from './onnx/split.ts'

export interface GraphExtension {
  /** Name of the graph's output that the new nodes make from what it was. */
  readonly output: string
  /** Prefix of the new inner values; no value of the graph may begin with it. */
  readonly prefix: string
  /** Adds nodes; `original` is what the output was, and the last of them must make the output by its name. */
  readonly extend: (graph: Graph, original: string) => void
}

// Field numbers of onnx.proto.
const MODEL_GRAPH = 7
const GRAPH = { node: 1, initializer: 5 }
const NODE = { input: 1, output: 2 }

/**
 * The bytes of a graph of ours with nodes added. All else of the file, its metadata too, stays as it is.
 * @throws Error when the file is no graph that this package has exported, or has no such output
 */
export function extendGraph(onnx: Uint8Array, { output, prefix, extend }: GraphExtension): Uint8Array {
  const original = `${prefix}original`
  const added = createGraph(prefix)
  extend(added, original)
  const more = graphOf(splitMessage(added.finish({ name: '', metadata: {} })))
  const model = splitMessage(onnx)
  const fields = graphOf(model)
  let made = 0
  const renamed = fields.map((field) => {
    if (field.number !== GRAPH.node) return field
    const node = splitMessage(field.payload)
    if (node.some((each) => each.number === NODE.output && textOf(each) === output)) made++
    return messageField(
      GRAPH.node,
      node.map((each) => renamedValue(each, output, original)),
    )
  })
  if (made !== 1) throw new Error(`${made} nodes of the graph make the output "${output}", not one`)
  const nodes = (from: readonly RawField[]): Field[] => from.filter(isNode).map(({ whole }) => [whole])
  const others = (from: readonly RawField[]): Field[] =>
    from.filter((field) => !isNode(field)).map(({ whole }) => [whole])
  const constants = more.filter(({ number }) => number === GRAPH.initializer)
  // Nodes stand in the order in which they can run.
  const graph = concatenate([...nodes(renamed), ...nodes(more), ...others(renamed), ...others(constants)])
  return concatenate(model.map((field) => (field.number === MODEL_GRAPH ? bytes(MODEL_GRAPH, graph) : [field.whole])))
}

const isNode = ({ number }: RawField): boolean => number === GRAPH.node

function graphOf(model: readonly RawField[]): RawField[] {
  const graphs = model.filter(({ number }) => number === MODEL_GRAPH)
  if (graphs.length !== 1) throw new Error(`the file holds ${graphs.length} graphs, not one`)
  return splitMessage(graphs[0]!.payload)
}

/** A node's input or output of that name, renamed. */
function renamedValue(field: RawField, from: string, to: string): RawField {
  const isValue = field.number === NODE.input || field.number === NODE.output
  if (!isValue || textOf(field) !== from) return field
  return { ...field, whole: concatenate([text(field.number, to)]) }
}

function messageField(number: number, fields: readonly RawField[]): RawField {
  const payload = concatenate(fields.map(({ whole }) => [whole]))
  return { number, payload, whole: concatenate([bytes(number, payload)]) }
}
