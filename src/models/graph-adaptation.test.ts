// What other makers' graphs become: written byte by byte as their converters write them, and run in the real ONNX Runtime.
import { expect, test } from 'vitest'
import { adaptGraph, type GraphWish } from './graph-adaptation.ts'
import { checkGraph } from './graph-check.ts'
import type { Message } from './onnx/message.ts'
import {
  encode,
  floatTensor,
  integerAttribute,
  modelFile,
  node,
  regressionModel,
  smallModel,
  smallSignature,
  valueInfo,
  type GraphText,
} from './testing.ts'
import { answers, columns, double, float, int64, linear, softmax, softmaxOf, text } from './testing-linear.ts'

const labelsAttribute = (labels: readonly (string | number)[]): Message =>
  typeof labels[0] === 'string'
    ? { 1: 'classlabels_strings', 9: labels as readonly string[], 20: 8 }
    : { 1: 'classlabels_int64s', 8: labels as readonly number[], 20: 7 }
const zipped = (name: string): Message => ({ 1: name, 2: { 4: { 1: { 5: { 1: int64, 2: { 1: { 1: float } } } } } } })

/** As skl2onnx ends a classifier: labels, and maps of probabilities. */
const zipMapModel = (labels: readonly (string | number)[]): GraphText => ({
  ...linear(labels.length),
  outputs: [valueInfo('output_label', int64, [1]), zipped('output_probability')],
  nodes: [
    ...linear(labels.length).nodes,
    softmax('probabilities'),
    node({ operator: 'ArgMax', inputs: ['raw'], outputs: ['output_label'], attributes: [integerAttribute('axis', 1)] }),
    node({
      operator: 'ZipMap',
      domain: 'ai.onnx.ml',
      inputs: ['probabilities'],
      outputs: ['output_probability'],
      attributes: [labelsAttribute(labels)],
    }),
  ],
})

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))
const close = (values: readonly number[]): unknown[] => values.map((value) => expect.closeTo(value, 5) as unknown)

test('a graph that is as it should be stays as it is, byte by byte', () => {
  const plain = smallSignature.inputs.map(({ name, type, required }) => ({ name, types: [type], required }))
  const bytes = smallModel()
  const adapted = adaptGraph(bytes, { ...smallSignature, inputs: plain })
  expect(adapted).toEqual({ bytes, signature: smallSignature, rewrites: [] })
  expect(adapted.bytes).toBe(bytes)
})

test('a ZipMap goes, its labels become the classes, and what only the label needed goes with it', async () => {
  const file = modelFile(zipMapModel(['no', 'yes', 'perhaps']))
  const { bytes, signature, rewrites } = adaptGraph(file, columns('x', 'y'))
  expect(signature).toEqual({
    task: 'multiclass',
    inputs: [
      { name: 'x', type: 'float', required: true },
      { name: 'y', type: 'float', required: true },
    ],
    classes: ['no', 'yes', 'perhaps'],
    tensors: [{ name: 'X', elementType: 'float32', columns: ['x', 'y'] }],
  })
  expect(rewrites).toEqual([
    'ZipMap taken away from "probabilities"',
    'outputs left out: "output_label", "output_probability"',
  ])
  expect(checkGraph(bytes)).toMatchObject({ nodes: 2, outputs: [{ name: 'probabilities', shape: ['N', 3] }] })
  const expected = [softmaxOf([-1, 0, 1]), softmaxOf([-2, 2, 0])].flat()
  // Row by row: x times W[0] = [-1, 0, 1], y times W[1] = [-1, 0, 1].
  expect(await answers(file, columns('x', 'y'), [[1, 0]])).toEqual(close(expected.slice(0, 3)))
})

test('classes in another order than the graph’s are put in order, and unknown ones are refused', async () => {
  const file = modelFile(zipMapModel([10, 2, 1]))
  const wish = { ...columns('x', 'y'), task: 'multiclass' as const, classes: ['1', '10', '2'] }
  expect(adaptGraph(file, wish).rewrites).toContain(
    'columns of "probabilities" put into the order of the signature\'s classes',
  )
  const [ten, two, one] = softmaxOf([-1, 0, 1])
  expect(await answers(file, wish, [[1, 0]])).toEqual(close([one!, ten!, two!]))
  expect(() => adaptGraph(file, { ...wish, classes: ['a', 'b', 'c'] })).toThrow('its classes are "10", "2", "1"')
  expect(() => adaptGraph(file, { ...wish, classes: ['1', '2'] })).toThrow('3 columns, the signature 2 classes')
})

test('codes and flags stand for the classes by their place', () => {
  const named = { ...columns('x', 'y'), task: 'binary' as const, classes: ['no', 'yes'] }
  for (const labels of [
    [0, 1],
    [-1, 1],
  ]) {
    const { rewrites, signature } = adaptGraph(modelFile(zipMapModel(labels)), named)
    expect(rewrites.join()).not.toContain('order')
    expect(signature.classes).toEqual(['no', 'yes'])
  }
  expect(() => adaptGraph(modelFile(zipMapModel(['bad', 'good'])), named)).toThrow('its classes are "bad", "good"')
})

test('one probability becomes two columns, whatever its shape and type', async () => {
  const shapes: [string, (string | number)[], number][] = [
    ['[N,1]', ['N', 1], float],
    ['[N]', ['N'], float],
    ['double', ['N', 1], double],
  ]
  for (const [, shape, element] of shapes) {
    const flat = shape.length === 1
    const file = modelFile({
      ...linear(1),
      outputs: [valueInfo('probability', element, shape)],
      initializers: [...linear(1).initializers!, { 1: 1, 2: int64, 8: 'minus', 9: new Uint8Array(8).fill(255) }],
      nodes: [
        ...linear(1).nodes,
        node({ operator: 'Sigmoid', inputs: ['raw'], outputs: [flat || element === double ? 'p' : 'probability'] }),
        ...(flat ? [node({ operator: 'Reshape', inputs: ['p', 'minus'], outputs: ['probability'] })] : []),
        ...(element === double
          ? [
              node({
                operator: 'Cast',
                inputs: ['p'],
                outputs: ['probability'],
                attributes: [integerAttribute('to', 11)],
              }),
            ]
          : []),
      ],
    })
    const wish = { ...columns('x', 'y'), task: 'binary' as const, classes: ['no', 'yes'] }
    const p = [sigmoid(-1), sigmoid(-2)]
    expect(await answers(file, wish, [[1, 0], [2, 5]])).toEqual(close([1 - p[0]!, p[0]!, 1 - p[1]!, p[1]!])) // prettier-ignore
  }
})

test('logits get their activation: by their name, or because a linear layer made them', async () => {
  const two = modelFile({ ...linear(2), outputs: [valueInfo('raw', float, ['N', 2])] })
  const wish = { ...columns('x', 'y'), task: 'binary' as const, classes: ['no', 'yes'] }
  expect(adaptGraph(two, wish).rewrites).toEqual(['Softmax of the logits "raw"', 'output "raw" named "probabilities"'])
  expect(await answers(two, wish, [[1, 1]])).toEqual(close(softmaxOf([0, -1])))
  const one = modelFile({
    ...linear(1),
    outputs: [valueInfo('my_logits', float, ['N', 1])],
    nodes: [...linear(1).nodes, node({ operator: 'Neg', inputs: ['raw'], outputs: ['my_logits'] })],
  })
  expect(await answers(one, wish, [[1, 0]])).toEqual(close([1 - sigmoid(1), sigmoid(1)]))
})

test('a regression’s value gets its name, and a fixed number of rows is any number from then on', async () => {
  const file = modelFile({ ...linear(1, { rows: 1 }), outputs: [valueInfo('raw', float, [1, 1])] })
  const wish = { ...columns('x', 'y'), task: 'regression' as const }
  const { rewrites, bytes } = adaptGraph(file, wish)
  expect(rewrites).toEqual(['output "raw" named "prediction"', 'input "X" takes any number of rows'])
  expect(checkGraph(bytes)).toMatchObject({ inputs: [{ shape: ['N', 2] }], outputs: [{ shape: ['N', 1] }] })
  expect(await answers(file, wish, [[1, 0], [2, 1], [3, 3]])).toEqual([-1, -2, -3]) // prettier-ignore
})

test('a graph whose rows are not independent is refused when it is loaded', async () => {
  const fixed = (rows: number) =>
    modelFile({
      ...linear(1, { rows }),
      outputs: [valueInfo('value', float, [rows, 1])],
      initializers: [
        ...linear(1).initializers!,
        { 1: 2, 2: int64, 8: 'shape', 9: new Uint8Array(BigInt64Array.of(BigInt(rows), 1n).buffer) },
      ],
      nodes: [...linear(1).nodes, node({ operator: 'Reshape', inputs: ['raw', 'shape'], outputs: ['value'] })],
    })
  const mixed = modelFile({
    ...linear(1),
    outputs: [valueInfo('value', float, ['N', 1])],
    nodes: [
      ...linear(1).nodes,
      node({
        operator: 'ReduceMean',
        inputs: ['raw'],
        outputs: ['mean'],
        attributes: [integerAttribute('keepdims', 1), { 1: 'axes', 8: [0], 20: 7 }],
      }),
      node({ operator: 'Sub', inputs: ['raw', 'mean'], outputs: ['value'] }),
    ],
  })
  const wish = { ...columns('x', 'y'), task: 'regression' as const }
  for (const [rows, told] of [
    [1, 'fails on two'],
    [4, 'answers 4 rows at once, and fails on one'],
  ] as const)
    // prettier-ignore
    await expect(answers(fixed(rows), wish, [])).rejects.toMatchObject({
      code: 'graph_rows_mixed',
      message: expect.stringContaining(told) as string,
    })
  await expect(answers(mixed, wish, [])).rejects.toMatchObject({
    code: 'graph_rows_mixed',
    message: expect.stringContaining('rows beside it') as string,
  })
})

test('a classifier that answers no probabilities is refused when it is loaded', async () => {
  const margin = modelFile({
    ...linear(1),
    outputs: [valueInfo('probabilities', float, ['N', 1])],
    nodes: [...linear(1).nodes, node({ operator: 'Identity', inputs: ['raw'], outputs: ['probabilities'] })],
  })
  const wish = { ...columns('x', 'y'), task: 'binary' as const, classes: ['no', 'yes'] }
  await expect(answers(margin, wish, [])).rejects.toMatchObject({
    code: 'graph_output_unsupported',
    message: expect.stringContaining('where a probability belongs') as string,
  })
})

test('columns find their tensors by name, by kind, or as they are told', () => {
  const inputs = [valueInfo('n', float, ['N', 2]), valueInfo('s', text, ['N', 2]), valueInfo('id', int64, ['N', 1])]
  const file = modelFile({
    inputs,
    outputs: [valueInfo('prediction', float, ['N', 1])],
    initializers: [floatTensor('w', [2, 1], [1, 1])],
    nodes: [node({ operator: 'MatMul', inputs: ['n', 'w'], outputs: ['prediction'] })],
  })
  const wanted = (names: Record<string, 'float' | 'string' | 'long'>): GraphWish => ({
    task: 'regression',
    inputs: Object.entries(names).map(([name, type]) => ({ name, types: [type], required: true })),
  })
  const mixed = wanted({ a: 'string', id: 'long', b: 'float', c: 'string', d: 'float' })
  const { signature } = adaptGraph(file, mixed)
  expect(signature.tensors).toEqual([
    { name: 'n', elementType: 'float32', columns: ['b', 'd'] },
    { name: 's', elementType: 'string', columns: ['a', 'c'] },
    { name: 'id', elementType: 'int64', columns: ['id'] },
  ])
  const tensors = signature.tensors!.map((tensor) => ({ ...tensor, columns: tensor.columns.toReversed() }))
  expect(adaptGraph(file, { ...mixed, tensors }).signature.tensors).toEqual(tensors)
  expect(adaptGraph(file, {}).signature.inputs.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'n_0 float', 'n_1 float', 's_0 string', 's_1 string', 'id long',
  ]) // prettier-ignore
  const refused = (wish: GraphWish, message: string): void =>
    expect(() => adaptGraph(file, wish)).toThrow(
      expect.objectContaining({
        code: 'graph_signature_mismatch',
        message: expect.stringContaining(message) as string,
      }),
    )
  refused(wanted({ a: 'string', id: 'long', b: 'float', c: 'string' }), '"n" is float32[N,2], and 1 columns are left')
  refused(wanted({ a: 'string', id: 'float', b: 'float', c: 'string', d: 'float' }), '"id" (float) does not go')
  refused(wanted({ a: 'string', b: 'float', c: 'string', d: 'float' }), 'is not plain')
  refused({ ...mixed, tensors: tensors.slice(1) }, 'the graph wants an input "n"')
  refused({ ...mixed, tensors: [...tensors, { name: 'q', elementType: 'float32', columns: ['a'] }] }, 'no input')
})

test('what cannot be an answer is refused with what to export', () => {
  const labels = modelFile({ ...linear(2), outputs: [valueInfo('label', text, ['N'])] })
  expect(() => adaptGraph(labels, { task: 'binary' })).toThrow(
    'no output is a tensor of numbers among "label" (string)',
  )
  const two = modelFile({ ...linear(2), outputs: [valueInfo('a', float, ['N', 2]), valueInfo('b', float, ['N', 2])] })
  expect(() => adaptGraph(two, { task: 'binary' })).toThrow('export the class probabilities as "probabilities"')
  const wide = modelFile({ ...linear(2), outputs: [valueInfo('variable', float, ['N', 2])] })
  expect(() => adaptGraph(wide, { task: 'regression' })).toThrow('a regression answers one number a row')
  const taken = modelFile({
    ...linear(2),
    inputs: [valueInfo('probabilities', float, ['N', 2])],
    outputs: [valueInfo('raw', float, ['N', 2])],
    nodes: [node({ operator: 'MatMul', inputs: ['probabilities', 'W'], outputs: ['raw'] })],
  })
  expect(() => adaptGraph(taken, { task: 'binary' })).toThrow('rename the input')
})

test('any byte changed to any of some values is refused or adapted, never an unexpected error', () => {
  const bytes = Uint8Array.from(modelFile(zipMapModel(['no', 'yes', 'perhaps'])))
  for (const wish of [columns('x', 'y'), {}]) {
    for (let at = 0; at < bytes.length; at++) {
      const before = bytes[at]!
      for (const value of [0, 0x7f, 0xff, before ^ 1, before ^ 8]) {
        bytes[at] = value
        try {
          adaptGraph(bytes, wish)
        } catch (error) {
          expect(error).toMatchObject({ name: 'DomainError' })
        }
        bytes[at] = before
      }
    }
  }
})

test('a graph that claims more columns or classes than memory holds is refused by their number', () => {
  for (const size of [4097, 2 ** 31, 2 ** 52]) {
    const answer = {
      ...linear(1),
      inputs: [valueInfo('X', float, ['N', size])],
      outputs: [valueInfo('raw', float, ['N', 1])],
    }
    expect(() => adaptGraph(modelFile(answer), { task: 'regression' })).toThrow(`${size} columns, at most 4096`)
  }
  for (const size of [10_001, 2 ** 52]) {
    const answer = { ...linear(1), outputs: [valueInfo('probabilities', float, ['N', size])] }
    expect(() => adaptGraph(modelFile(answer), columns('x', 'y'))).toThrow(`${size} columns, at most 10000`)
  }
})

test('of several matrices a graph that is alone tells its columns', () => {
  const inputs = [valueInfo('n', float, ['N', 2]), valueInfo('m', float, ['N', 2])]
  const file = modelFile({
    inputs,
    outputs: [valueInfo('prediction', float, ['N', 1])],
    initializers: [floatTensor('w', [2, 1], [1, 1])],
    nodes: [node({ operator: 'MatMul', inputs: ['n', 'w'], outputs: ['prediction'] })],
  })
  expect(adaptGraph(file, {}).signature.tensors).toEqual([
    { name: 'n', elementType: 'float32', columns: ['n_0', 'n_1'] },
    { name: 'm', elementType: 'float32', columns: ['m_0', 'm_1'] },
  ])
})

test('a graph without inputs, or with one that has no name, is refused', () => {
  const constant = { inputs: [], outputs: [valueInfo('prediction', float, ['N', 1])], nodes: [] }
  expect(() => adaptGraph(modelFile(constant), {})).toThrow(
    expect.objectContaining({ code: 'graph_signature_mismatch' }),
  )
  const nameless = { ...constant, inputs: [valueInfo('', float, ['N', 1])] }
  expect(() => adaptGraph(modelFile(nameless), {})).toThrow(
    expect.objectContaining({ code: 'graph_signature_mismatch' }),
  )
})

test('a later version of the file format is lowered', async () => {
  const { bytes, signature } = regressionModel()
  const later = Buffer.concat([bytes, encode({ 1: 14 })])
  const wish = { task: 'regression' as const, inputs: [{ name: 'x', types: ['double' as const], required: true }] }
  expect(adaptGraph(later, wish)).toMatchObject({
    rewrites: ['version 14 of the file format lowered to 13'],
    signature,
  })
  expect(await answers(later, wish, [[2]])).toEqual([5])
})
