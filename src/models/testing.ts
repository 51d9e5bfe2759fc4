// For tests: small ONNX models written by hand, good and bad, without the trainers.
import { encode, type Message } from './onnx/message.ts'
import type { Signature } from './signature.ts'

export { encode, type Message } from './onnx/message.ts'

const float = 1
const int64 = 7
const text = 8
const bool = 9

/** A value of the given element type; sizes are numbers, or names of variable ones. */
export const valueInfo = (name: string, elementType: number, shape: readonly (number | string)[]): Message => ({
  1: name,
  2: {
    1: {
      1: elementType,
      2: { 1: shape.map((size): Message => (typeof size === 'number' ? { 1: size } : { 2: size })) },
    },
  },
})

const floats = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
const longs = (values: readonly number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer)

export const floatTensor = (name: string, dims: readonly number[], values: readonly number[]): Message => ({
  1: dims,
  2: float,
  8: name,
  9: floats(values),
})

export const longTensor = (name: string, dims: readonly number[], values: readonly number[]): Message => ({
  1: dims,
  2: int64,
  8: name,
  9: longs(values),
})

export interface NodeText {
  readonly operator: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly domain?: string
  readonly attributes?: readonly Message[]
}

export const node = ({ operator, inputs, outputs, domain = '', attributes = [] }: NodeText): Message => ({
  1: inputs,
  2: outputs,
  3: `${operator}_${outputs[0]}`,
  4: operator,
  5: attributes,
  7: domain,
})

export const integerAttribute = (name: string, value: number): Message => ({ 1: name, 3: value, 20: 2 })
export const floatsAttribute = (name: string, values: readonly number[]): Message => ({
  1: name,
  7: new Uint8Array(Float32Array.from(values).buffer),
  20: 6,
})
export const wholesAttribute = (name: string, values: readonly number[]): Message => ({ 1: name, 8: values, 20: 7 })
export const textsAttribute = (name: string, values: readonly string[]): Message => ({ 1: name, 9: values, 20: 8 })
export const textAttribute = (name: string, value: string): Message => ({ 1: name, 4: value, 20: 3 })

export interface GraphText {
  readonly nodes: readonly Message[]
  readonly inputs: readonly Message[]
  readonly outputs: readonly Message[]
  readonly initializers?: readonly Message[]
}

export const graph = ({ nodes, inputs, outputs, initializers = [] }: GraphText): Message => ({
  1: nodes,
  2: 'test',
  5: initializers,
  11: inputs,
  12: outputs,
})

/** The bytes of a model file; opset 17 and ai.onnx.ml 3 unless told otherwise. */
export function modelFile(content: GraphText, opset = 17): Uint8Array {
  return encode({
    1: 8,
    7: graph(content),
    8: [
      { 1: '', 2: opset },
      { 1: 'ai.onnx.ml', 2: 3 },
    ],
  })
}

/** A number, a category and a time: `x` double, `carrier` string, `date` datetime. */
export const smallSignature: Signature = {
  task: 'binary',
  inputs: [
    { name: 'x', type: 'double', required: true },
    { name: 'carrier', type: 'string', required: true },
    { name: 'date', type: 'datetime', required: true },
  ],
  classes: ['no', 'yes'],
}

const smallInputs = [
  valueInfo('x', float, ['N', 1]),
  valueInfo('carrier', text, ['N', 1]),
  valueInfo('date', int64, ['N', 1]),
]
const probabilities = valueInfo('probabilities', float, ['N', 2])

/** Nodes from a logit [N,1] named `logit` to `probabilities`. */
const ending: readonly Message[] = [
  node({ operator: 'Sigmoid', inputs: ['logit'], outputs: ['positive'] }),
  node({ operator: 'Sub', inputs: ['one', 'positive'], outputs: ['negative'] }),
  node({
    operator: 'Concat',
    inputs: ['negative', 'positive'],
    outputs: ['probabilities'],
    attributes: [integerAttribute('axis', 1)],
  }),
]

/** Carrier codes: AA 1, BB 2, '' 0, any other 3; as int64 [N,1] named `code`. */
const carrierCode = node({
  operator: 'LabelEncoder',
  domain: 'ai.onnx.ml',
  inputs: ['carrier'],
  outputs: ['code'],
  attributes: [
    { 1: 'keys_strings', 9: ['AA', 'BB', ''], 20: 8 },
    { 1: 'values_int64s', 8: [1, 2, 0], 20: 7 },
    integerAttribute('default_int64', 3),
  ],
})

/** Days since 1970 as float [N,1] named `day`. */
const dayNodes: readonly Message[] = [
  node({ operator: 'Div', inputs: ['date', 'dayMicros'], outputs: ['dayLong'] }),
  node({ operator: 'Cast', inputs: ['dayLong'], outputs: ['day'], attributes: [integerAttribute('to', float)] }),
]

/** Adds `weight` times x and the weight of the carrier (and 0 times the day) and gives the probability; `weights` by carrier code. */
export function smallModel({
  weight = 1,
  weights = [0, 0.5, -0.5, 0],
}: { weight?: number; weights?: readonly number[] } = {}): Uint8Array {
  return modelFile({
    inputs: smallInputs,
    outputs: [probabilities],
    initializers: [
      floatTensor('weight', [1], [weight]),
      floatTensor('weights', [weights.length], weights),
      floatTensor('one', [1], [1]),
      floatTensor('zero', [1], [0]),
      longTensor('dayMicros', [1], [86_400_000_000]),
    ],
    nodes: [
      carrierCode,
      ...dayNodes,
      node({ operator: 'Mul', inputs: ['day', 'zero'], outputs: ['nothing'] }),
      node({ operator: 'Gather', inputs: ['weights', 'code'], outputs: ['byCarrier'] }),
      node({ operator: 'Mul', inputs: ['x', 'weight'], outputs: ['byX'] }),
      node({ operator: 'Add', inputs: ['byX', 'byCarrier'], outputs: ['sum'] }),
      node({ operator: 'Add', inputs: ['sum', 'nothing'], outputs: ['logit'] }),
      ...ending,
    ],
  })
}

/** As {@link smallModel}, but right only for the carriers AA and BB: any other is an index out of range, and the run fails. */
export const fragileModel = (): Uint8Array => smallModel({ weights: [0, 0.5, -0.5] })

/** `prediction` = weight times x + 1, of the one input `x`. */
export function regressionModel(weight = 2): { bytes: Uint8Array; signature: Signature } {
  const bytes = modelFile({
    inputs: [valueInfo('x', float, ['N', 1])],
    outputs: [valueInfo('prediction', float, ['N', 1])],
    initializers: [floatTensor('weight', [1], [weight]), floatTensor('one', [1], [1])],
    nodes: [
      node({ operator: 'Mul', inputs: ['x', 'weight'], outputs: ['product'] }),
      node({ operator: 'Add', inputs: ['product', 'one'], outputs: ['prediction'] }),
    ],
  })
  return {
    bytes,
    signature: { task: 'regression', inputs: [{ name: 'x', type: 'double', required: true }], classes: [] },
  }
}

/** A model that ONNX Runtime loads and whose run does not end within anybody's life: a Loop of 2^62 trips that adds 1 to x. */
export function endlessModel(): { bytes: Uint8Array; signature: Signature } {
  const body = graph({
    inputs: [valueInfo('trip', int64, []), valueInfo('goOn', bool, []), valueInfo('before', float, ['N', 1])],
    outputs: [valueInfo('goOnStill', bool, []), valueInfo('after', float, ['N', 1])],
    initializers: [floatTensor('step', [1], [1])],
    nodes: [
      node({ operator: 'Identity', inputs: ['goOn'], outputs: ['goOnStill'] }),
      node({ operator: 'Add', inputs: ['before', 'step'], outputs: ['after'] }),
    ],
  })
  const bytes = modelFile({
    inputs: [valueInfo('x', float, ['N', 1])],
    outputs: [valueInfo('prediction', float, ['N', 1])],
    initializers: [longTensor('trips', [], [2 ** 62])],
    nodes: [
      node({
        operator: 'Loop',
        inputs: ['trips', '', 'x'],
        outputs: ['prediction'],
        attributes: [{ 1: 'body', 6: body, 20: 5 }],
      }),
    ],
  })
  return { bytes, signature: regressionModel().signature }
}
