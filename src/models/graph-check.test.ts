// The policy on ONNX files, with files that are written for it byte by byte.
import { expect, test } from 'vitest'
import { createBatch } from './batch.ts'
import { adaptGraph } from './graph-adaptation.ts'
import { assertGraphFits, checkGraph, initializersMax, nodesMax } from './graph-check.ts'
import { loadModel } from './inference.ts'
import { appendRow } from './rows.ts'
import {
  encode,
  endlessModel,
  floatTensor,
  graph,
  integerAttribute,
  modelFile,
  node,
  regressionModel,
  smallModel,
  smallSignature,
  valueInfo,
  wholesAttribute,
  type GraphText,
  type Message,
} from './testing.ts'

const refusal = (bytes: Uint8Array): unknown => {
  try {
    checkGraph(bytes)
  } catch (error) {
    return error
  }
  return undefined
}
const codeOf = (bytes: Uint8Array): unknown => (refusal(bytes) as { code?: string } | undefined)?.code

const identity: GraphText = {
  inputs: [valueInfo('x', 1, ['N', 1])],
  outputs: [valueInfo('prediction', 1, ['N', 1])],
  nodes: [node({ operator: 'Identity', inputs: ['x'], outputs: ['prediction'] })],
}
const withNode = (changed: Partial<Parameters<typeof node>[0]>): GraphText => ({
  ...identity,
  nodes: [node({ operator: 'Identity', inputs: ['x'], outputs: ['prediction'], ...changed })],
})

test('a good graph tells its inputs, outputs and operator sets', () => {
  const checked = checkGraph(smallModel())
  expect(checked.inputs).toEqual([
    { name: 'x', kind: 'tensor', elementType: 'float32', shape: ['N', 1] },
    { name: 'carrier', kind: 'tensor', elementType: 'string', shape: ['N', 1] },
    { name: 'date', kind: 'tensor', elementType: 'int64', shape: ['N', 1] },
  ])
  expect(checked.outputs.map(({ name }) => name)).toEqual(['probabilities'])
  expect(Object.fromEntries(checked.opsets)).toEqual({ 'ai.onnx': 17, 'ai.onnx.ml': 3 })
})

test('a file cut anywhere is refused or whole, and never breaks the reader', () => {
  const bytes = smallModel()
  const codes = new Set<unknown>()
  for (let length = 0; length < bytes.length; length++) codes.add(codeOf(bytes.subarray(0, length)))
  // Cut before its operator sets, the rest is a whole message without them.
  expect(codes).toEqual(new Set(['graph_corrupt', 'graph_malformed']))
  expect(codeOf(new Uint8Array(0))).toBe('graph_corrupt')
  expect(codeOf(new TextEncoder().encode('{"not": "onnx"}'))).toBe('graph_corrupt')
})

test('any byte changed to any of some values is refused or accepted, never an unexpected error', () => {
  const bytes = Uint8Array.from(smallModel())
  for (let at = 0; at < bytes.length; at++) {
    const before = bytes[at]!
    for (const value of [0, 0x7f, 0xff, before ^ 1]) {
      bytes[at] = value
      const error = refusal(bytes)
      if (error !== undefined) expect(error).toMatchObject({ name: 'DomainError' })
    }
    bytes[at] = before
  }
})

test('graphs inside of graphs are refused, whatever operator holds them and however they are hidden', () => {
  expect(refusal(endlessModel().bytes)).toMatchObject({
    code: 'graph_subgraph',
    message: expect.stringContaining('Loop') as string,
  })
  const inner = { 1: 'body', 6: graph(identity), 20: 5 }
  expect(codeOf(modelFile(withNode({ attributes: [inner] })))).toBe('graph_subgraph')
  expect(codeOf(modelFile(withNode({ operator: 'If' })))).toBe('graph_subgraph')
  // Protobuf merges two graphs into one: the second may not hide the first.
  const loop = endlessModel().bytes
  expect(codeOf(Buffer.concat([loop, modelFile(identity)]))).toBe('graph_subgraph')
  expect(codeOf(Buffer.concat([modelFile(identity), encode({ 25: { 1: 'own' } })]))).toBe('graph_subgraph')
})

/** As converters write the distance to the nearest of some points: a Scan over them, which is given all rows each time. */
function nearestModel(change: {
  readonly scanned?: string
  readonly body?: Partial<GraphText>
  readonly nodes?: readonly Message[]
  readonly constants?: readonly Message[]
}): Uint8Array {
  const body = graph({
    inputs: [valueInfo('rows', 1, ['N', 2]), valueInfo('point', 1, [2])],
    outputs: [valueInfo('rows_out', 1, ['N', 2]), valueInfo('squares', 1, ['N'])],
    nodes: [
      node({ operator: 'Identity', inputs: ['rows'], outputs: ['rows_out'] }),
      node({ operator: 'Sub', inputs: ['rows', 'point'], outputs: ['apart'] }),
      node({
        operator: 'ReduceSumSquare',
        inputs: ['apart'],
        outputs: ['squares'],
        attributes: [wholesAttribute('axes', [1]), integerAttribute('keepdims', 0)],
      }),
    ],
    ...change.body,
  })
  return modelFile({
    inputs: [valueInfo('X', 1, ['N', 2])],
    outputs: [valueInfo('prediction', 1, ['N'])],
    initializers: [
      floatTensor('points', [3, 2], [0, 0, 3, 4, 10, 0]),
      floatTensor('one', [1], [1]),
      ...(change.constants ?? []),
    ],
    nodes: [
      ...(change.nodes ?? []),
      node({
        operator: 'Scan',
        inputs: ['X', change.scanned ?? 'points'],
        outputs: ['same', 'distances'],
        attributes: [{ 1: 'body', 6: body, 20: 5 }, integerAttribute('num_scan_inputs', 1)],
      }),
      node({
        operator: 'ReduceMin',
        inputs: ['distances'],
        outputs: ['prediction'],
        attributes: [wholesAttribute('axes', [0]), integerAttribute('keepdims', 0)],
      }),
    ],
  })
}

test('a graph that is run for each of some constants is served, and answers each row alone', async () => {
  const scaled = [node({ operator: 'Div', inputs: ['points', 'one'], outputs: ['scaled'] })]
  for (const file of [nearestModel({}), nearestModel({ nodes: scaled, scanned: 'scaled' })]) {
    const { bytes, signature } = adaptGraph(file, { task: 'regression' })
    const model = await loadModel(bytes, { signature })
    const batch = createBatch(signature)
    for (const [x, y] of [[1, 1], [3, 3], [9, 0]]) appendRow(batch, { X_0: x, X_1: y }) // prettier-ignore
    expect([...(await model.run(batch)).values]).toEqual([2, 1, 1])
    await model.release()
  }
})

test('a graph that is run for parts of what is asked, or reaches around itself, is refused', () => {
  const message = (file: Uint8Array): string => (refusal(file) as Error | undefined)?.message ?? 'it is taken'
  expect(message(nearestModel({ scanned: 'X' }))).toContain('only constants are served so')
  const counted = [node({ operator: 'Abs', inputs: ['X'], outputs: ['counted'] })]
  expect(message(nearestModel({ nodes: counted, scanned: 'counted' }))).toContain('only constants are served so')
  // As large as it likes, whatever stands in the file.
  const grown = [node({ operator: 'Expand', inputs: ['points', 'one'], outputs: ['grown'] })]
  expect(message(nearestModel({ nodes: grown, scanned: 'grown' }))).toContain('only constants are served so')
  const inside = (...nodes: Message[]): Uint8Array => nearestModel({ body: { nodes } })
  expect(message(inside(node({ operator: 'Sub', inputs: ['rows', 'one'], outputs: ['rows_out'] })))).toContain(
    'takes "one" from around it',
  )
  expect(codeOf(inside(node({ operator: 'Loop', inputs: ['rows'], outputs: ['rows_out'] })))).toBe('graph_subgraph')
  expect(codeOf(inside(node({ operator: 'Own', inputs: ['rows'], outputs: ['rows_out'] })))).toBe(
    'graph_operator_unknown',
  )
  const nested = node({
    operator: 'Scan',
    inputs: ['rows'],
    outputs: ['rows_out'],
    attributes: [{ 1: 'body', 6: graph(identity), 20: 5 }],
  })
  expect(message(inside(nested))).toContain('may hold no other')
  const outside: Message = { 1: 1, 2: 1, 8: 'secret', 13: { 1: 'location', 2: '../secret.bin' } }
  expect(codeOf(nearestModel({ body: { initializers: [outside] } }))).toBe('graph_external_data')
  // Behind more constants than are read.
  const hiding = Array.from({ length: initializersMax + 1 }, (_, at) => ({ 1: 1, 2: 1, 8: `hides_${at}` }))
  expect(codeOf(nearestModel({ body: { initializers: hiding } }))).toBe('graph_too_large')
  const many = Array.from({ length: nodesMax }, (_, at) =>
    node({ operator: 'Identity', inputs: ['rows'], outputs: [`out_${at}`] }),
  )
  expect(codeOf(inside(...many))).toBe('graph_too_large')
})

test('how often a graph is run for a request has an end that is known', () => {
  const codes = (sizes: readonly number[], scans = 1): unknown => {
    const points: Message = { 1: sizes, 2: 1, 8: 'grid' }
    const others = Array.from({ length: scans - 1 }, (_, at) =>
      node({
        operator: 'Scan',
        inputs: ['X', 'grid'],
        outputs: [`same_${at}`],
        attributes: [
          { 1: 'body', 6: graph({ inputs: [], outputs: [], nodes: [] }), 20: 5 },
          integerAttribute('num_scan_inputs', 1),
        ],
      }),
    )
    return codeOf(nearestModel({ constants: [points], scanned: 'grid', nodes: others }))
  }
  expect(codes([1_000_000, 2])).toBeUndefined()
  expect(codes([1_000_001, 2])).toBe('graph_subgraph')
  expect(codes([2, 1_000_001])).toBe('graph_subgraph')
  expect(codes([10 ** 12, 0])).toBe('graph_subgraph')
  expect(codes([100_000], 10)).toBeUndefined()
  expect(codes([100_000], 11)).toBe('graph_subgraph')
})

test('data in other files is refused wherever a tensor may stand', () => {
  const tensor: Message = { 1: 1, 2: 1, 8: 'secret', 13: { 1: 'location', 2: '../secret.bin' } }
  const flagged: Message = { 1: 1, 2: 1, 8: 'secret', 14: 1 }
  for (const hidden of [tensor, flagged]) {
    expect(codeOf(modelFile({ ...identity, initializers: [hidden] }))).toBe('graph_external_data')
    expect(codeOf(modelFile(withNode({ attributes: [{ 1: 'value', 5: hidden, 20: 4 }] })))).toBe('graph_external_data')
    expect(codeOf(modelFile(withNode({ attributes: [{ 1: 'values', 10: [hidden], 20: 9 }] })))).toBe(
      'graph_external_data',
    )
    const sparse = encode({ 7: { 15: { 1: hidden } } })
    expect(codeOf(Buffer.concat([modelFile(identity), sparse]))).toBe('graph_external_data')
  }
})

test('operators and domains that are not served are named', () => {
  expect(refusal(modelFile(withNode({ operator: 'Frobnicate' })))).toMatchObject({
    code: 'graph_operator_unknown',
    message: expect.stringContaining('ai.onnx.Frobnicate') as string,
  })
  expect(refusal(modelFile(withNode({ domain: 'com.example' })))).toMatchObject({
    code: 'graph_operator_unknown',
    message: expect.stringContaining('com.example') as string,
  })
  expect(refusal(modelFile(withNode({ domain: 'com.microsoft', operator: 'FusedGemm' })))).toMatchObject({
    code: 'graph_malformed',
    message: expect.stringContaining('no opset version') as string,
  })
})

test('an operator set that is too new or too old says what to convert to', () => {
  expect(codeOf(modelFile(identity, 26))).toBeUndefined()
  expect(refusal(modelFile(identity, 28))).toMatchObject({
    code: 'graph_opset',
    message: expect.stringContaining('target_opset <= 26') as string,
  })
  expect(codeOf(modelFile(identity, 6))).toBe('graph_opset')
})

test('an output that is no tensor is refused, and ZipMap with how to do without it', () => {
  const sequence: Message = { 1: 'prediction', 2: { 4: { 1: { 5: { 1: 7, 2: { 1: { 1: 1 } } } } } } }
  const zipped = { ...withNode({ operator: 'ZipMap', domain: 'ai.onnx.ml' }), outputs: [sequence] }
  expect(refusal(modelFile(zipped))).toMatchObject({
    code: 'graph_output_unsupported',
    message: expect.stringContaining('"zipmap": False') as string,
  })
  expect(codeOf(modelFile({ ...identity, outputs: [sequence] }))).toBe('graph_output_unsupported')
})

test('more nodes than the limit are refused before they are all kept', () => {
  const one = node({ operator: 'Identity', inputs: ['x'], outputs: ['prediction'] })
  const many = { ...identity, nodes: Array.from({ length: 20_001 }, () => one) }
  expect(refusal(modelFile(many))).toMatchObject({ code: 'graph_too_large', kind: 'too_large' })
})

test('a graph that does not fit its signature is refused with the first difference', () => {
  const mismatch = (bytes: Uint8Array, signature = smallSignature): string => {
    try {
      assertGraphFits(checkGraph(bytes), signature)
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }
  expect(mismatch(smallModel())).toBe('')
  expect(mismatch(regressionModel().bytes)).toContain('"carrier" is no input')
  const [x, carrier] = smallSignature.inputs
  expect(mismatch(smallModel(), { ...smallSignature, inputs: [x!, carrier!] })).toContain('"date"')
  expect(mismatch(smallModel(), { ...smallSignature, inputs: [x!, { ...carrier!, type: 'double' }] })).toContain(
    'string[N,1]',
  )
  expect(mismatch(smallModel(), { ...smallSignature, classes: ['a', 'b', 'c'] })).toContain('2 columns')
  expect(mismatch(regressionModel().bytes, { task: 'binary', classes: ['a', 'b'], inputs: [x!] })).toContain(
    '"probabilities"',
  )
  const constant = {
    ...identity,
    inputs: [...identity.inputs, valueInfo('w', 1, [1])],
    initializers: [floatTensor('w', [1], [1])],
  }
  expect(mismatch(modelFile(constant), regressionModel().signature)).toBe('')
})
