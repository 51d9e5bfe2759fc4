// Reads what the policy needs to know of an ONNX file: its nodes, inputs, outputs, operator sets, and whether anything is hidden in it.
import { fieldsOf, integerOf, MalformedProtobuf, messageOf, textOf, type Field } from './protobuf.ts'

/** Tensor element types by their number in the format. */
const elementTypes = [
  'undefined', 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool', 'float16', 'float64', 'uint32',
  'uint64', 'complex64', 'complex128', 'bfloat16',
] as const // prettier-ignore
export type ElementType = (typeof elementTypes)[number] | 'other'

/** The number of a type in the format; -1 of `other`. */
export const elementNumber = (type: ElementType): number => (elementTypes as readonly string[]).indexOf(type)

export interface GraphValue {
  readonly name: string
  /** `tensor`, or what it is instead: `sequence`, `map`, `optional`, `sparse tensor`, `unknown`. */
  readonly kind: string
  readonly elementType: ElementType
  /**
   * A fixed size, the name of a variable one, or '' for an unnamed one; some exporters write 0 or -1 for it. Undefined when the graph does
   * not say.
   */
  readonly shape: readonly (number | string)[] | undefined
}

export interface GraphNode {
  readonly name: string
  readonly operator: string
  /** `ai.onnx` is written as such, not as ''. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Graphs that the node runs; of many the first two. */
  readonly bodies: readonly GraphBody[]
  /** The node as it stands in the file. */
  readonly message: Uint8Array
}

export interface GraphBody {
  /** Of a body inside a body nothing is read. */
  readonly nodes: readonly GraphNode[]
  /** What it is given, and its own constants. */
  readonly values: ReadonlySet<string>
}

export interface OnnxFile {
  readonly irVersion: number
  readonly opsets: ReadonlyMap<string, number>
  readonly nodes: readonly GraphNode[]
  /** Of the graph and the bodies of its nodes. */
  readonly nodeCount: number
  /** Values that the bodies of all nodes are given, and constants in them. */
  readonly bodyValueCount: number
  /** Constants by name: each tensor as it stands in the file; undefined: a sparse one. */
  readonly initializers: ReadonlyMap<string, Uint8Array | undefined>
  readonly inputs: readonly GraphValue[]
  readonly outputs: readonly GraphValue[]
  /** Names of tensors whose bytes are in another file. */
  readonly externalTensors: readonly string[]
  readonly functionCount: number
  readonly hasTraining: boolean
}

export interface ReadLimits {
  readonly nodes: number
  readonly initializers: number
  /** Inputs, and outputs. */
  readonly values: number
}

type Draft = { -readonly [K in keyof OnnxFile]: OnnxFile[K] } & {
  opsets: Map<string, number>
  nodes: GraphNode[]
  initializers: Map<string, Uint8Array | undefined>
  inputs: GraphValue[]
  outputs: GraphValue[]
  externalTensors: string[]
}

/**
 * Every occurrence of a field is read, since protobuf merges repeated messages: nothing can be hidden behind a harmless first one.
 * @param limits what lies beyond them is not kept: at most one more of each is returned, which tells the caller.
 * @throws MalformedProtobuf
 */
export function readOnnx(bytes: Uint8Array, limits: ReadLimits): OnnxFile {
  const file: Draft = {
    irVersion: 0,
    opsets: new Map(),
    nodes: [],
    nodeCount: 0,
    bodyValueCount: 0,
    initializers: new Map(),
    inputs: [],
    outputs: [],
    externalTensors: [],
    functionCount: 0,
    hasTraining: false,
  }
  let hasGraph = false
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) file.irVersion = integerOf(field)
    if (field.number === 7) {
      hasGraph = true
      readGraph(file, messageOf(field), limits)
    }
    if (field.number === 8) readOpset(file, messageOf(field))
    if (field.number === 20) file.hasTraining = true
    if (field.number === 25) file.functionCount++
  }
  if (!hasGraph) throw new MalformedProtobuf('it holds no graph')
  return file
}

export const domainName = (domain: string): string => (domain === '' ? 'ai.onnx' : domain)

function readOpset(file: Draft, message: Uint8Array): void {
  let domain = ''
  let version = 0
  for (const field of fieldsOf(message)) {
    if (field.number === 1) domain = textOf(field)
    if (field.number === 2) version = integerOf(field)
  }
  file.opsets.set(domainName(domain), version)
}

function readGraph(file: Draft, message: Uint8Array, limits: ReadLimits): void {
  for (const field of fieldsOf(message)) {
    if (field.number === 1 && file.nodeCount <= limits.nodes)
      file.nodes.push(readNode(file, messageOf(field), { limits, isInner: false }))
    if (field.number === 11 && file.inputs.length <= limits.values) file.inputs.push(readValue(messageOf(field)))
    if (field.number === 12 && file.outputs.length <= limits.values) file.outputs.push(readValue(messageOf(field)))
    if (file.initializers.size > limits.initializers) continue
    if (field.number === 5) file.initializers.set(readTensor(file, messageOf(field)), messageOf(field))
    if (field.number === 15) file.initializers.set(readSparse(file, messageOf(field)), undefined)
  }
}

interface NodePlace {
  readonly limits: ReadLimits
  /** In the body of another. */
  readonly isInner: boolean
}

function readNode(file: Draft, message: Uint8Array, place: NodePlace): GraphNode {
  const inputs: string[] = []
  const bodies: GraphBody[] = []
  const node = { name: '', operator: '', domain: '', inputs, outputs: [] as string[], bodies, message }
  file.nodeCount++
  for (const field of fieldsOf(message)) {
    if (field.number === 1) inputs.push(textOf(field))
    if (field.number === 2) node.outputs.push(textOf(field))
    if (field.number === 3) node.name = textOf(field)
    if (field.number === 4) node.operator = textOf(field)
    if (field.number === 7) node.domain = textOf(field)
    if (field.number === 5) readAttribute(file, messageOf(field), { ...place, bodies })
  }
  return { ...node, domain: domainName(node.domain) }
}

/** Fields of an attribute that hold plain numbers: f, i, floats, ints. Of a tensor: dims, float_data, int32_data, int64_data, double_data, uint64_data. */
const attributeNumbers: ReadonlySet<number> = new Set([2, 3, 7, 8])
const tensorNumbers: ReadonlySet<number> = new Set([1, 4, 5, 7, 10, 11])

/** More than one of a node are none that is served. */
const bodiesMax = 2

/** The graphs that the attribute holds go to `bodies`. Tensors in it are looked at too. */
function readAttribute(
  file: Draft,
  message: Uint8Array,
  { bodies, ...place }: NodePlace & { bodies: GraphBody[] },
): void {
  for (const field of fieldsOf(message, attributeNumbers)) {
    const isGraph = field.number === 6 || field.number === 11
    if (isGraph && bodies.length < bodiesMax) bodies.push(readBody(file, messageOf(field), place))
    if (field.number === 5 || field.number === 10) readTensor(file, messageOf(field))
    if (field.number === 22 || field.number === 23) readSparse(file, messageOf(field))
  }
}

function readBody(file: Draft, message: Uint8Array, { limits, isInner }: NodePlace): GraphBody {
  const nodes: GraphNode[] = []
  const values = new Set<string>()
  const add = (name: string): void => {
    values.add(name)
    file.bodyValueCount++
  }
  if (isInner) return { nodes, values }
  for (const field of fieldsOf(message)) {
    // A file with more is refused for their number.
    if (file.nodeCount > limits.nodes || file.bodyValueCount > limits.initializers) break
    if (field.number === 1) nodes.push(readNode(file, messageOf(field), { limits, isInner: true }))
    if (field.number === 5) add(readTensor(file, messageOf(field)))
    if (field.number === 11) add(readValue(messageOf(field)).name)
    if (field.number === 15) add(readSparse(file, messageOf(field)))
  }
  return { nodes, values }
}

function readTensor(file: Draft, message: Uint8Array): string {
  let name = ''
  let isExternal = false
  for (const field of fieldsOf(message, tensorNumbers)) {
    if (field.number === 8) name = textOf(field)
    if (field.number === 13 || (field.number === 14 && integerOf(field) !== 0)) isExternal = true
  }
  if (isExternal) file.externalTensors.push(name)
  return name
}

function readSparse(file: Draft, message: Uint8Array): string {
  let name = ''
  for (const field of fieldsOf(message)) {
    if (field.number === 1) name = readTensor(file, messageOf(field))
    if (field.number === 2) readTensor(file, messageOf(field))
  }
  return name
}

function readValue(message: Uint8Array): GraphValue {
  let name = ''
  let type: Omit<GraphValue, 'name'> = { kind: 'unknown', elementType: 'undefined', shape: undefined }
  for (const field of fieldsOf(message)) {
    if (field.number === 1) name = textOf(field)
    // A second type that is no tensor is not overwritten by a third that is one.
    if (field.number === 2 && (type.kind === 'unknown' || type.kind === 'tensor')) type = readType(messageOf(field))
  }
  return { name, ...type }
}

const otherKinds: Readonly<Record<number, string>> = {
  4: 'sequence',
  5: 'map',
  8: 'sparse tensor',
  9: 'optional',
  7: 'opaque',
}

function readType(message: Uint8Array): Omit<GraphValue, 'name'> {
  let kind = 'unknown'
  let elementType: ElementType = 'undefined'
  let shape: (number | string)[] | undefined
  for (const field of fieldsOf(message)) {
    const other = otherKinds[field.number]
    if (other) kind = other
    if (field.number !== 1) continue
    if (kind === 'unknown') kind = 'tensor'
    for (const inner of fieldsOf(messageOf(field))) {
      if (inner.number === 1) elementType = elementTypes[integerOf(inner)] ?? 'other'
      if (inner.number === 2)
        shape = [...fieldsOf(messageOf(inner))].filter((dim) => dim.number === 1).map(readDimension)
    }
  }
  return { kind, elementType, shape }
}

function readDimension(field: Field): number | string {
  let size: number | string = ''
  for (const inner of fieldsOf(messageOf(field))) {
    if (inner.number === 1) size = integerOf(inner)
    if (inner.number === 2) size = textOf(inner)
  }
  return size
}
