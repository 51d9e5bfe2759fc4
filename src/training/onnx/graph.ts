// Builds an ONNX model: tensors, attributes, nodes, and the file around them. Field numbers are those of onnx.proto.
import {
  bytes,
  concatenate,
  float,
  integer,
  littleEndian,
  message,
  packedFloats,
  packedIntegers,
  text,
  type Field,
} from './protobuf.ts'

/** Versions that onnxruntime 1.17 and later read. */
const IR_VERSION = 8n
const OPSET = 18
const ML_OPSET = 3
/** The domain of trees and label encoders. */
export const ML_DOMAIN = 'ai.onnx.ml'

const ELEMENT = { float: 1, int64: 7, string: 8 } as const
export type ElementType = keyof typeof ELEMENT

export type Tensor =
  | { readonly type: 'float'; readonly dims: readonly number[]; readonly values: ArrayLike<number> }
  | { readonly type: 'int64'; readonly dims: readonly number[]; readonly values: ArrayLike<number | bigint> }

export type Attribute =
  | { readonly float: number }
  | { readonly integer: number | bigint }
  | { readonly text: string }
  | { readonly floats: ArrayLike<number> }
  | { readonly integers: ArrayLike<number | bigint> }
  | { readonly texts: readonly string[] }

export interface GraphValue {
  readonly name: string
  readonly type: ElementType
  /** `'N'` is the number of rows. */
  readonly dims: readonly (number | 'N')[]
}

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>
  readonly domain?: typeof ML_DOMAIN
  /** The name of the output, if it is one of the graph's. */
  readonly output?: string
}

export interface Graph {
  input(value: GraphValue): string
  output(value: GraphValue): void
  constant(tensor: Tensor): string
  /** Adds a node with one output and returns that output's name. */
  node(operator: string, inputs: readonly string[], options?: NodeOptions): string
  /** The bytes of the model file. */
  finish(model: { readonly name: string; readonly metadata: Readonly<Record<string, string>> }): Uint8Array
}

/** An empty graph; inner values are named with this prefix, which no input may have. */
export function createGraph(prefix: string): Graph {
  const inputs: Field[] = []
  const outputs: Field[] = []
  const constants: Field[] = []
  const nodes: Field[] = []
  const constantByContent = new Map<string, string>()
  let values = 0
  const freshName = (kind: string) => `${prefix}${kind}_${++values}`
  return {
    input(value) {
      inputs.push(message(11, valueInfo(value)))
      return value.name
    },
    output(value) {
      outputs.push(message(12, valueInfo(value)))
    },
    constant(tensor) {
      const content = `${tensor.type}[${tensor.dims.join()}]${Array.from(tensor.values, (value) => (Object.is(value, -0) ? '-0' : String(value))).join()}`
      const known = constantByContent.get(content)
      if (known !== undefined) return known
      const name = freshName('constant')
      constantByContent.set(content, name)
      constants.push(message(5, tensorFields(tensor, name)))
      return name
    },
    node(operator, from, { attributes = {}, domain, output } = {}) {
      const name = output ?? freshName(operator)
      const fields = [
        ...from.map((input) => text(1, input)),
        text(2, name),
        text(3, `${prefix}node_${nodes.length + 1}`),
        text(4, operator),
      ]
      for (const [attribute, value] of Object.entries(attributes))
        fields.push(message(5, attributeFields(attribute, value)))
      if (domain) fields.push(text(7, domain))
      nodes.push(message(1, fields))
      return name
    },
    finish({ name, metadata }) {
      const graph = [...nodes, text(2, name), ...constants, ...inputs, ...outputs]
      return concatenate([
        integer(1, IR_VERSION),
        text(2, 'trueloop'),
        message(7, graph),
        message(8, [text(1, ''), integer(2, OPSET)]),
        message(8, [text(1, ML_DOMAIN), integer(2, ML_OPSET)]),
        ...Object.entries(metadata).map(([key, value]) => message(14, [text(1, key), text(2, value)])),
      ])
    },
  }
}

function valueInfo({ name, type, dims }: GraphValue): Field[] {
  const shape = dims.map((dim) => message(1, [typeof dim === 'number' ? integer(1, dim) : text(2, dim)]))
  const tensorType = [integer(1, ELEMENT[type]), message(2, shape)]
  return [text(1, name), message(2, [message(1, tensorType)])]
}

function tensorFields(tensor: Tensor, name: string): Field[] {
  const raw =
    tensor.type === 'float'
      ? Float32Array.from(tensor.values)
      : BigInt64Array.from(Array.from(tensor.values, (value) => BigInt(value)))
  return [packedIntegers(1, tensor.dims), integer(2, ELEMENT[tensor.type]), text(8, name), bytes(9, littleEndian(raw))]
}

function attributeFields(name: string, value: Attribute): Field[] {
  if ('float' in value) return [text(1, name), float(2, value.float), integer(20, 1)]
  if ('integer' in value) return [text(1, name), integer(3, value.integer), integer(20, 2)]
  if ('text' in value) return [text(1, name), text(4, value.text), integer(20, 3)]
  if ('floats' in value) return [text(1, name), packedFloats(7, value.floats), integer(20, 6)]
  if ('integers' in value) return [text(1, name), packedIntegers(8, value.integers), integer(20, 7)]
  return [text(1, name), ...value.texts.map((item) => text(9, item)), integer(20, 8)]
}
