// Reads a graph that is a linear model and nothing else: ONNX's `Scaler`, and `LinearClassifier` or `LinearRegressor`.
import { attributesOf, floatsOf, oneTextOf, textsOf, wholesOf } from '../onnx/attributes.ts'
import { MalformedProtobuf } from '../onnx/protobuf.ts'
import { readOnnx, type GraphNode, type OnnxFile } from '../onnx/reader.ts'
import { readTransform, type Transform } from '../post-transform.ts'

export interface LinearModel {
  /** The matrix that it reads. */
  readonly input: string
  readonly features: number
  /** Numbers that it says of a row. */
  readonly outputs: number
  /** By output, one for each feature; what a scaler before them does is in them. */
  readonly weights: Float64Array
  /** By output. */
  readonly intercepts: Float64Array
  readonly transform: Transform
  /** By feature, where its rows lie: the scaler's means and standard deviations, else 0 and 1. */
  readonly centre: Float32Array
  readonly spread: Float32Array
}

/** A linear model of a few hundred weights takes far fewer bytes; more are not even read. */
const bytesMax = 65_536
const limits = { nodes: 8, initializers: 8, values: 8 }

/**
 * @param bytes a graph that was checked
 * @param output the one value of it that is wanted
 * @returns undefined: it is something else, or has more to it
 */
export function readLinear(bytes: Uint8Array, output: string): LinearModel | undefined {
  if (bytes.length > bytesMax) return undefined
  try {
    return modelOf(readOnnx(bytes, limits), output)
  } catch (error) {
    if (error instanceof MalformedProtobuf || error instanceof RangeError) return undefined
    throw error
  }
}

function modelOf(file: OnnxFile, output: string): LinearModel | undefined {
  const [input] = file.inputs
  if (file.nodes.length > limits.nodes || file.inputs.length !== 1 || input?.elementType !== 'float32') return undefined
  const chain = chainTo(file, output, input.name)
  const linear = chain?.pop()
  const model = linear && linearOf(linear)
  const scaler = model && scalerOf(chain!, model.features)
  if (!model || !scaler) return undefined
  const width = input.shape?.[1]
  if (input.shape?.length !== 2 || (typeof width === 'number' && width !== model.features)) return undefined
  return { ...scaled(model, scaler), input: input.name }
}

/** The nodes from the input to the output, each the only reader of the one before; those that change nothing are left out. */
function chainTo({ nodes, initializers }: OnnxFile, output: string, input: string): GraphNode[] | undefined {
  const chain: GraphNode[] = []
  for (let name = output, steps = 0; name !== input; steps++) {
    const maker = nodes.find(({ outputs }) => outputs.includes(name))
    const isWhole = maker?.domain === 'ai.onnx.ml' || maker?.operator === 'Identity'
    // Of a classifier, the labels are its first output.
    const isLast = maker?.outputs.at(-1) === name && maker.outputs.length === (isClassifier(maker) ? 2 : 1)
    if (!maker || !isWhole || !isLast || maker.inputs.length !== 1 || steps > nodes.length) return undefined
    if (maker.operator !== 'Identity') chain.unshift(maker)
    name = maker.inputs[0]!
    if (initializers.has(name)) return undefined
  }
  return chain
}

const isClassifier = ({ operator }: GraphNode): boolean => operator === 'LinearClassifier'

type Linear = Pick<LinearModel, 'features' | 'outputs' | 'weights' | 'intercepts' | 'transform'>

const none = new Uint8Array(0)

/** Undefined where ONNX Runtime has ways of its own, such as one sum for two classes. */
function linearOf(node: GraphNode): Linear | undefined {
  if (!isClassifier(node) && node.operator !== 'LinearRegressor') return undefined
  const attributes = attributesOf(node)
  const of = (name: string): Uint8Array => attributes.get(name) ?? none
  const [weights, given] = [floatsOf(of('coefficients')), floatsOf(of('intercepts'))]
  const labels = Math.max(wholesOf(of('classlabels_ints')).length, textsOf(of('classlabels_strings')).length)
  const outputs = isClassifier(node) ? labels : given.length
  const transform = readTransform(oneTextOf(of('post_transform')))
  const features = weights.length / outputs
  const isMeant = isClassifier(node) ? outputs >= 2 : outputs === 1 && transform === 'NONE'
  if (!isMeant || !transform || given.length !== outputs || !Number.isInteger(features) || features < 1)
    return undefined
  return { features, outputs, weights: Float64Array.from(weights), intercepts: Float64Array.from(given), transform }
}

interface ScalerText {
  readonly offset: Float32Array
  readonly scale: Float32Array
}

/** Of none, one that changes nothing. */
function scalerOf(nodes: readonly GraphNode[], features: number): ScalerText | undefined {
  if (nodes.length === 0) return { offset: new Float32Array(features), scale: new Float32Array(features).fill(1) }
  const [node] = nodes
  if (nodes.length > 1 || node!.operator !== 'Scaler') return undefined
  const attributes = attributesOf(node!)
  const [offset, scale] = ['offset', 'scale'].map((name) => floatsOf(attributes.get(name) ?? none))
  return offset!.length === features && scale!.length === features ? { offset: offset!, scale: scale! } : undefined
}

/** `(value - offset) * scale`, and then weights, are other weights and another intercept. */
function scaled(model: Linear, { offset, scale }: ScalerText): Omit<LinearModel, 'input'> {
  const { features, outputs } = model
  const weights = model.weights.map((weight, at) => weight * scale[at % features]!)
  const intercepts = model.intercepts.slice()
  for (let output = 0; output < outputs; output++) {
    for (let feature = 0; feature < features; feature++) {
      intercepts[output]! -= weights[output * features + feature]! * offset[feature]!
    }
  }
  const spread = scale.map((factor) => (factor === 0 ? 1 : 1 / factor))
  return { ...model, weights, intercepts, centre: offset, spread }
}
