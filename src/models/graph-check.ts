// What an ONNX file must be to be loaded at all. It is read, never run: safe in any process, the control plane included.
import { DomainError } from '../platform/errors.ts'
import { operatorDomains, subgraphOperators } from './onnx/operators.ts'
import { createScanSteps, scanStepsMax } from './onnx/scan.ts'
import { MalformedProtobuf } from './onnx/protobuf.ts'
import { readOnnx, type GraphBody, type GraphNode, type GraphValue, type OnnxFile } from './onnx/reader.ts'
import { tensorsOf, type Signature } from './signature.ts'

export interface CheckedGraph {
  /** Without those that have a constant value in the file. */
  readonly inputs: readonly GraphValue[]
  readonly outputs: readonly GraphValue[]
  /** Version by domain, `ai.onnx` among them. */
  readonly opsets: ReadonlyMap<string, number>
  readonly nodes: number
  readonly bytes: number
}

export const modelBytesMax = 512 * 1024 * 1024
export const nodesMax = 20_000
export const initializersMax = 100_000
/** Inputs and outputs together, constants that are listed as inputs (old files do) included. */
const valuesMax = initializersMax + 4_100

/**
 * Refuses a file that is no whole ONNX model, or that could run for ever, read other files, or use what ONNX Runtime 1.30 does not run.
 * @throws DomainError as {@link inspectGraph}; graph_output_unsupported
 */
export function checkGraph(bytes: Uint8Array): CheckedGraph {
  const file = inspectGraph(bytes)
  for (const output of file.outputs) checkOutput(file, output)
  const inputs = file.inputs.filter((input) => !file.initializers.has(input.name))
  return { inputs, outputs: file.outputs, opsets: file.opsets, nodes: file.nodes.length, bytes: bytes.length }
}

/**
 * As {@link checkGraph}, but for outputs that are no tensors, which a rewrite may mend.
 * @throws DomainError graph_corrupt, graph_too_large, graph_external_data, graph_subgraph, graph_operator_unknown, graph_opset,
 *   graph_malformed
 */
export function inspectGraph(bytes: Uint8Array): OnnxFile {
  if (bytes.length > modelBytesMax) {
    throw refuse('graph_too_large', `the model has ${bytes.length} bytes, at most ${modelBytesMax} are loaded`)
  }
  const file = readFile(bytes)
  if (file.nodeCount > nodesMax || file.initializers.size + file.bodyValueCount > initializersMax) {
    throw refuse(
      'graph_too_large',
      `the graph has more than ${nodesMax} nodes or ${initializersMax} constants: simplify it`,
    )
  }
  if (file.inputs.length + file.outputs.length > valuesMax) {
    throw refuse(
      'graph_too_large',
      `the graph has ${file.inputs.length} inputs and ${file.outputs.length} outputs, at most ${valuesMax} together`,
    )
  }
  checkHidden(file)
  checkOpsets(file)
  checkBodies(file)
  for (const node of file.nodes) checkNode(file, node)
  for (const input of file.inputs) {
    if (input.kind !== 'tensor' && !file.initializers.has(input.name))
      throw refuse('graph_malformed', `input "${input.name}" is a ${input.kind}: inputs are tensors`)
  }
  if (file.outputs.length === 0) throw refuse('graph_malformed', 'the graph has no outputs')
  return file
}

function refuse(code: string, message: string, detail?: Record<string, unknown>): DomainError {
  return new DomainError(code === 'graph_too_large' ? 'too_large' : 'invalid', code, message, detail)
}

function readFile(bytes: Uint8Array): OnnxFile {
  try {
    return readOnnx(bytes, { nodes: nodesMax, initializers: initializersMax, values: valuesMax })
  } catch (error) {
    if (error instanceof MalformedProtobuf) throw corrupt(error)
    throw error
  }
}

export function corrupt({ message }: MalformedProtobuf): DomainError {
  return new DomainError(
    'invalid',
    'graph_corrupt',
    `the file is no whole ONNX model: ${message}; export it again, or check that the upload was complete`,
  )
}

function checkHidden(file: OnnxFile): void {
  const [external] = file.externalTensors
  if (external !== undefined) {
    const message = `tensor "${external}" has its data in another file: save the model in one file (save_as_external_data=False; torch.onnx.export(…, external_data=False))`
    throw refuse('graph_external_data', message, { tensors: file.externalTensors.slice(0, 10) })
  }
  if (file.functionCount > 0) {
    throw refuse(
      'graph_subgraph',
      `the file defines ${file.functionCount} functions of its own: inline them before saving (onnx.inliner)`,
    )
  }
  if (file.hasTraining)
    throw refuse('graph_malformed', 'the file holds training steps: export the inference graph alone')
}

function checkOpsets(file: OnnxFile): void {
  for (const [domain, version] of file.opsets) {
    const known = operatorDomains.get(domain)
    // A domain that is declared and not used does no harm; converters declare many.
    if (!known) continue
    if (version > known.max) {
      const message = `the graph uses opset ${version} of ${domain}, at most ${known.max} runs: convert it with target_opset <= ${known.max}`
      throw refuse('graph_opset', message, { domain, version, max: known.max })
    }
    if (version < known.min) {
      const message = `the graph uses opset ${version} of ${domain}, at least ${known.min} is needed: convert it again with a newer converter`
      throw refuse('graph_opset', message, { domain, version, min: known.min })
    }
  }
}

const nameOf = ({ name }: GraphNode): string => (name ? `node "${name}"` : 'a node')

function subgraph(node: GraphNode, reason: string): DomainError {
  return refuse('graph_subgraph', `${nameOf(node)} is a ${node.operator}, ${reason}`, { operator: node.operator })
}

/** A Scan over constants runs as often as the file says, whatever is asked, and looks at all rows alike. */
function checkBodies(file: OnnxFile): void {
  const stepsOf = createScanSteps(file)
  let steps = 0
  for (const node of file.nodes) {
    const [body, second] = node.bodies
    if (!body) continue
    if (node.operator !== 'Scan' || second) {
      throw subgraph(node, subgraphOperators.get(node.operator) ?? 'which runs a graph inside the graph')
    }
    const own = stepsOf(node)
    if (own === undefined) {
      throw subgraph(node, 'which runs a graph for each part of a value that is computed: only constants are served so')
    }
    steps += own
    if (steps > scanStepsMax)
      throw subgraph(node, `and with it graphs run more than ${scanStepsMax} times for a request`)
    checkBody(file, node, body)
  }
}

function checkBody(file: OnnxFile, node: GraphNode, body: GraphBody): void {
  const known = new Set(body.values)
  for (const { outputs } of body.nodes) for (const name of outputs) known.add(name)
  for (const inner of body.nodes) {
    if (inner.bodies.length > 0) throw subgraph(inner, 'inside of the graph of a Scan, which may hold no other')
    const foreign = inner.inputs.find((name) => name !== '' && !known.has(name))
    if (foreign !== undefined)
      throw subgraph(node, `whose graph takes "${foreign}" from around it: such models are not served`)
    checkNode(file, inner)
  }
}

function checkNode(file: OnnxFile, node: GraphNode): void {
  const where = nameOf(node)
  const reason = subgraphOperators.get(node.operator)
  if (reason !== undefined) throw subgraph(node, reason)
  const domain = operatorDomains.get(node.domain)
  if (!domain?.operators.has(node.operator)) {
    const message = domain
      ? `${where} uses the operator ${node.domain}.${node.operator}, which is not among those that are served`
      : `${where} uses the operator ${node.operator} of the domain "${node.domain}": only ${[...operatorDomains.keys()].join(', ')} are served`
    throw refuse('graph_operator_unknown', message, { operator: node.operator, domain: node.domain })
  }
  if (!file.opsets.has(node.domain)) {
    throw refuse(
      'graph_malformed',
      `${where} uses the domain ${node.domain}, for which the file names no opset version`,
    )
  }
}

function checkOutput(file: OnnxFile, output: GraphValue): void {
  if (output.kind === 'tensor') return
  const maker = file.nodes.find((node) => node.outputs.includes(output.name))
  const advice =
    maker?.operator === 'ZipMap'
      ? 'it comes from ZipMap: convert with options={"zipmap": False}'
      : 'outputs must be tensors: end the graph before it is packed'
  throw refuse('graph_output_unsupported', `output "${output.name}" is a ${output.kind}; ${advice}`, {
    output: output.name,
  })
}

/**
 * The graph takes what the signature says, and gives the outputs of its task.
 * @throws DomainError graph_signature_mismatch, naming the first difference
 */
export function assertGraphFits(graph: CheckedGraph, signature: Signature): void {
  const mismatch = (message: string): DomainError =>
    refuse('graph_signature_mismatch', `the graph does not fit its signature: ${message}`)
  const inputs = new Map(graph.inputs.map((input) => [input.name, input]))
  const columns = new Map(signature.inputs.map(({ name, type }) => [name, type]))
  for (const { name, elementType, columns: own } of tensorsOf(signature)) {
    const input = inputs.get(name)
    if (!input) throw mismatch(`column "${own[0]}" is no input of the graph, which has ${list(inputs.keys())}`)
    if (input.elementType !== elementType || (input.shape && !isMatrix(input.shape, own.length))) {
      const found = `${input.elementType}[${input.shape?.join(',') ?? '?'}]`
      const wanted = own.length === 1 ? `column "${own[0]}" (${columns.get(own[0]!)})` : `the tensor "${name}"`
      throw mismatch(`${wanted} needs an input ${elementType}[N,${own.length}], the graph's is ${found}`)
    }
    inputs.delete(name)
    for (const column of own)
      if (!columns.delete(column)) throw mismatch(`no input of it fills the column "${column}" of "${name}"`)
  }
  const [unplaced] = columns.keys()
  if (unplaced !== undefined) throw mismatch(`none of its tensors has the column "${unplaced}"`)
  const [extra] = inputs.keys()
  if (extra !== undefined) throw mismatch(`the graph wants an input "${extra}" that the signature does not name`)
  const wanted = signature.task === 'regression' ? 'prediction' : 'probabilities'
  const output = graph.outputs.find(({ name }) => name === wanted)
  if (!output)
    throw mismatch(
      `a ${signature.task} model needs an output "${wanted}", the graph has ${list(graph.outputs.map(({ name }) => name))}`,
    )
  if (output.elementType !== 'float32') throw mismatch(`output "${wanted}" is ${output.elementType}, not float32`)
  const width = outputWidth(signature)
  const declared = output.shape?.[1]
  if (typeof declared === 'number' && declared !== width) {
    throw mismatch(`output "${wanted}" has ${declared} columns, the signature ${width}`)
  }
}

/** A size that the graph names or leaves open may be any. */
const isMatrix = (shape: readonly (number | string)[], width: number): boolean =>
  shape.length === 2 && (typeof shape[1] === 'string' || shape[1] === width)

/** Columns of the output tensor: one per class, or 1 for regression. */
export const outputWidth = (signature: Signature): number =>
  signature.task === 'regression' ? 1 : signature.classes.length

const list = (names: Iterable<string>): string =>
  [...names]
    .slice(0, 20)
    .map((name) => `"${name}"`)
    .join(', ') || 'none'
