// Changes an ONNX file: another answer at its end, inputs of any number of rows, and nothing left of what the answer does not need.
import { encode, type Message } from './message.ts'
import { fieldsOf, messageOf, textOf, type Field } from './protobuf.ts'
import { domainName, elementNumber, type GraphNode, type GraphValue, type OnnxFile } from './reader.ts'

/** A node to be put behind the others. */
export interface NewNode {
  readonly operator: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes: readonly Message[]
}

export interface GraphChange {
  /** Values that get another name, wherever they are used. */
  readonly renamed: ReadonlyMap<string, string>
  /** Inputs that are declared otherwise, by name. */
  readonly inputs: ReadonlyMap<string, GraphValue>
  /** Put before the others: what they make of inputs is there by its name. */
  readonly firstNodes?: readonly NewNode[]
  readonly nodes: readonly NewNode[]
  readonly constants: readonly Message[]
  /** The one output, which a node makes once values have their new names. */
  readonly output: GraphValue
  readonly irVersion: number
  /** A value of the graph that is an input from now on; what made it, and inputs that nothing takes then, are left out. */
  readonly begin?: GraphValue
}

/** The operator set that is named for new nodes where the file names none of ai.onnx. */
const ownOpset = 17

/**
 * The changed file. Nodes, outputs and constants from which the answer does not follow are left out, and so are the shapes that the file
 * claims for inner values.
 * @param file what was read of `bytes`
 */
export function rewriteGraph(bytes: Uint8Array, file: OnnxFile, change: GraphChange): Uint8Array {
  const needed = neededNodes(file, change)
  const { firstNodes = [] } = change
  const used = new Set([...firstNodes, ...change.nodes].flatMap(({ inputs }) => inputs))
  for (const node of needed) for (const name of node.inputs) used.add(renamedName(change, name))
  const graph: Uint8Array[] = [encode({ 1: firstNodes.map(nodeMessage) })]
  const rest: Uint8Array[] = [encode({ 1: change.irVersion })]
  let place = 0
  for (const field of fieldsOf(bytes)) {
    if (field.number === 7) {
      const message = messageOf(field)
      for (const part of fieldsOf(message)) {
        const node = part.number === 1 ? file.nodes[place++] : undefined
        if (node && !needed.has(node)) continue
        const kept = graphField(file, change, { message, part, node, used })
        if (kept) graph.push(kept)
      }
    } else if (field.number !== 1) rest.push(bytes.subarray(field.start, field.end))
  }
  if (change.begin) graph.push(encode({ 11: valueMessage(change.begin) }))
  graph.push(encode({ 1: change.nodes.map(nodeMessage), 5: change.constants, 12: valueMessage(change.output) }))
  if (firstNodes.length + change.nodes.length > 0 && !file.opsets.has(domainName('')))
    rest.push(encode({ 8: { 1: '', 2: ownOpset } }))
  return Buffer.concat([...rest, encode({ 7: Buffer.concat(graph) })])
}

const renamedName = ({ renamed }: GraphChange, name: string): string => renamed.get(name) ?? name

/** Those from which the output, or an input of a new node, follows. */
function neededNodes(file: OnnxFile, change: GraphChange): Set<GraphNode> {
  const makers = new Map<string, GraphNode>()
  for (const node of file.nodes) for (const name of node.outputs) makers.set(renamedName(change, name), node)
  const needed = new Set<GraphNode>()
  const waiting = [change.output.name, ...change.nodes.flatMap(({ inputs }) => inputs)]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const maker = name === change.begin?.name ? undefined : makers.get(name)
    if (!maker || needed.has(maker)) continue
    needed.add(maker)
    for (const input of maker.inputs) waiting.push(renamedName(change, input))
  }
  return needed
}

interface GraphPart {
  /** The graph, and its field that is looked at. */
  readonly message: Uint8Array
  readonly part: Field
  readonly node: GraphNode | undefined
  /** Names that nodes take, as they are in the end. */
  readonly used: ReadonlySet<string>
}

/** The field as it is to stand in the graph; undefined: not at all. */
function graphField(
  file: OnnxFile,
  change: GraphChange,
  { message, part, node, used }: GraphPart,
): Uint8Array | undefined {
  const whole = message.subarray(part.start, part.end)
  if (node) {
    const isRenamed = [...node.inputs, ...node.outputs].some((name) => change.renamed.has(name))
    return isRenamed ? encode({ 1: renamedTexts(change, node.message, [1, 2]) }) : whole
  }
  switch (part.number) {
    case 5: {
      const name = tensorName(part.bytes)
      if (!used.has(renamedName(change, name))) return undefined
      return change.renamed.has(name) ? encode({ 5: renamedTexts(change, part.bytes, [8]) }) : whole
    }
    case 11: {
      const name = textIn(part.bytes, 1)
      const isLoose = file.initializers.has(name) || change.begin !== undefined
      if (isLoose && (name === change.begin?.name || !used.has(renamedName(change, name)))) return undefined
      const value = change.inputs.get(name)
      return value ? encode({ 11: valueMessage(value) }) : whole
    }
    case 12:
    case 13:
      return undefined
    default:
      return whole
  }
}

/** The message with the texts of some fields renamed. */
function renamedTexts(change: GraphChange, message: Uint8Array, numbers: readonly number[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const field of fieldsOf(message)) {
    const next = numbers.includes(field.number) ? change.renamed.get(textOf(field)) : undefined
    parts.push(next === undefined ? message.subarray(field.start, field.end) : encode({ [field.number]: next }))
  }
  return Buffer.concat(parts)
}

function textIn(message: Uint8Array, number: number): string {
  for (const field of fieldsOf(message)) if (field.number === number) return textOf(field)
  return ''
}

/** Fields of a tensor with plain numbers: dims and data. */
const tensorNumbers: ReadonlySet<number> = new Set([1, 4, 5, 7, 10, 11])

function tensorName(message: Uint8Array): string {
  for (const field of fieldsOf(message, tensorNumbers)) if (field.number === 8) return textOf(field)
  return ''
}

const nodeMessage = ({ operator, inputs, output, attributes }: NewNode): Message => ({
  1: inputs,
  2: output,
  3: output,
  4: operator,
  5: attributes,
})

function valueMessage({ name, elementType, shape }: GraphValue): Message {
  const dimensions = shape?.map((size): Message => (typeof size === 'number' ? { 1: size } : size ? { 2: size } : {}))
  const tensor: Message = { 1: elementNumber(elementType), ...(dimensions ? { 2: { 1: dimensions } } : {}) }
  return { 1: name, 2: { 1: tensor } }
}
