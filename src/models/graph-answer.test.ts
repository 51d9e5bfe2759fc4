// Which value of a graph is its answer, which numbers it holds, and which classes they are of.
import { expect, test } from 'vitest'
import { adaptGraph } from './graph-adaptation.ts'
import { checkGraph } from './graph-check.ts'
import type { Message } from './onnx/message.ts'
import {
  encode,
  floatTensor,
  integerAttribute,
  longTensor,
  modelFile,
  node,
  textAttribute,
  valueInfo,
  wholesAttribute,
} from './testing.ts'
import { answers, columns, float, int64, linear, softmax, softmaxOf, text } from './testing-linear.ts'

const close = (values: readonly number[]): unknown[] => values.map((value) => expect.closeTo(value, 5) as unknown)

test('logits are known behind operators that reshape or scale them, and probabilities that are averaged are none', async () => {
  const wish = { ...columns('x', 'y'), task: 'multiclass' as const, classes: ['a', 'b', 'c'] }
  const ended = (...nodes: Message[]): Uint8Array =>
    modelFile({
      ...linear(3),
      outputs: [valueInfo('out', float, ['N', 3])],
      initializers: [
        ...linear(3).initializers!,
        floatTensor('half', [1], [0.5]),
        floatTensor('ones', [3], [1, 1, 1]),
        floatTensor('zeros', [3], [0, 0, 0]),
        longTensor('rows', [2], [-1, 3]),
      ],
      nodes: [...linear(3).nodes, ...nodes],
    })
  const [raw, halved] = [softmaxOf([-1, 0, 1]), softmaxOf([-0.5, 0, 0.5])]
  const row = [[1, 0]]
  const reshaped = ended(
    node({ operator: 'Reshape', inputs: ['raw', 'rows'], outputs: ['flat'] }),
    node({ operator: 'Identity', inputs: ['flat'], outputs: ['out'] }),
  )
  expect(await answers(reshaped, wish, row)).toEqual(close(raw))
  expect(await answers(ended(node({ operator: 'Mul', inputs: ['half', 'raw'], outputs: ['out'] })), wish, row)).toEqual(
    close(halved),
  )
  const normalized = ended(
    node({
      operator: 'BatchNormalization',
      inputs: ['raw', 'ones', 'zeros', 'zeros', 'ones'],
      outputs: ['out'],
    }),
  )
  expect(await answers(normalized, wish, row)).toEqual(
    (await answers(reshaped, wish, row)).map((value) => expect.closeTo(value, 4) as unknown),
  )
  const logarithm = ended(
    node({ operator: 'LogSoftmax', inputs: ['raw'], outputs: ['out'], attributes: [integerAttribute('axis', 1)] }),
  )
  expect(await answers(logarithm, wish, row)).toEqual(close(raw))
  // Without a word about the task: what ends in an activation over classes tells classes apart.
  expect(adaptGraph(logarithm, columns('x', 'y')).signature).toMatchObject({
    task: 'multiclass',
    classes: ['0', '1', '2'],
  })
  const vote = ended(
    softmax('first'),
    node({ operator: 'Mul', inputs: ['raw', 'half'], outputs: ['small'] }),
    node({ operator: 'Softmax', inputs: ['small'], outputs: ['second'], attributes: [integerAttribute('axis', 1)] }),
    node({ operator: 'Add', inputs: ['first', 'second'], outputs: ['sum'] }),
    node({ operator: 'Mul', inputs: ['sum', 'half'], outputs: ['out'] }),
  )
  expect(await answers(vote, wish, row)).toEqual(close(raw.map((value, at) => (value + halved[at]!) / 2)))
})

test('a probability stays one where others were mixed into it, and whatever it is called', async () => {
  const wish = { ...columns('x', 'y'), task: 'binary' as const, classes: ['no', 'yes'] }
  const [, second = 0, third = 0] = softmaxOf([-1, 0, 1])
  const ended = (output: string, ...nodes: Message[]): Uint8Array =>
    modelFile({
      ...linear(3),
      outputs: [valueInfo(output, float, ['N', 1])],
      initializers: [
        ...linear(3).initializers!,
        longTensor('from', [1], [1]),
        longTensor('to', [1], [3]),
        longTensor('axis', [1], [1]),
        longTensor('last', [1], [2]),
        floatTensor('one', [1], [1]),
      ],
      nodes: [...linear(3).nodes, ...nodes],
    })
  const cut = node({ operator: 'Slice', inputs: ['p', 'from', 'to', 'axis'], outputs: ['two'] })
  const one = (source: string, output: string): Message =>
    node({ operator: 'Gather', inputs: [source, 'last'], outputs: [output], attributes: [integerAttribute('axis', 1)] })
  const asked = (file: Uint8Array): Promise<number[]> => answers(file, wish, [[1, 0]])
  const both = (probability: number): unknown[] => close([1 - probability, probability])

  const total = node({ operator: 'ReduceSum', inputs: ['two', 'axis'], outputs: ['out'] })
  expect(await asked(ended('out', softmax('p'), cut, total))).toEqual(both(second + third))
  const third1 = [one('p', 'a'), node({ operator: 'Add', inputs: ['a', 'none'], outputs: ['out'] })]
  const none = node({ operator: 'Sub', inputs: ['a', 'a'], outputs: ['none'] })
  expect(await asked(ended('out', softmax('p'), third1[0]!, none, third1[1]!))).toEqual(both(third))
  // A gate between two experts.
  const sigmoid = (source: string, output: string): Message =>
    node({ operator: 'Sigmoid', inputs: [source], outputs: [output] })
  const gated = ended(
    'out',
    one('raw', 'r'),
    sigmoid('r', 'g'),
    node({ operator: 'Sub', inputs: ['one', 'g'], outputs: ['rest'] }),
    node({ operator: 'Mul', inputs: ['g', 'g'], outputs: ['left'] }),
    node({ operator: 'Mul', inputs: ['rest', 'rest'], outputs: ['right'] }),
    node({ operator: 'Add', inputs: ['left', 'right'], outputs: ['out'] }),
  )
  const gate = 1 / (1 + Math.exp(-1))
  expect(await asked(gated)).toEqual(both(gate ** 2 + (1 - gate) ** 2))
  expect(await asked(ended('my_logits', one('raw', 'r'), sigmoid('r', 'my_logits')))).toEqual(both(gate))
  // And logits stay logits behind what only chooses or turns them.
  const negated = node({ operator: 'Neg', inputs: ['r'], outputs: ['out'] })
  expect(await asked(ended('out', one('raw', 'r'), negated))).toEqual(both(1 - gate))
  expect(await asked(ended('out', one('raw', 'out')))).toEqual(both(gate))
  const rectified = node({ operator: 'Relu', inputs: ['r'], outputs: ['out'] })
  expect(await asked(ended('out', one('raw', 'r'), rectified))).toEqual(both(gate))
  // What is clipped to [0, 1] by hand is a probability.
  const clipped = [
    node({ operator: 'Relu', inputs: ['r'], outputs: ['low'] }),
    node({ operator: 'Min', inputs: ['low', 'one'], outputs: ['out'] }),
  ]
  expect(await asked(ended('out', one('raw', 'r'), ...clipped))).toEqual(both(1))
})

test('what an optimizer has fused with its activation is no logit', () => {
  const wish = { ...columns('x', 'y'), task: 'binary' as const, classes: ['no', 'yes'] }
  const fused = (attributes: readonly Message[]): string => {
    const inputs = ['X', 'W']
    const nodes = [node({ operator: 'FusedGemm', domain: 'com.microsoft', inputs, outputs: ['output'], attributes })]
    const file = modelFile({ ...linear(1), outputs: [valueInfo('output', float, ['N', 1])], nodes })
    const withDomain = Buffer.concat([file, encode({ 8: { 1: 'com.microsoft', 2: 1 } })])
    return adaptGraph(withDomain, wish).rewrites.join()
  }
  expect(fused([textAttribute('activation', 'Sigmoid')])).not.toContain('logits')
  expect(fused([])).toContain('logits')
})

test('a value that is named as one is the value, and what else is a float beside it is not', () => {
  const beside = (other: string, width: number, ...nodes: Message[]): Uint8Array =>
    modelFile({
      ...linear(width),
      outputs: [valueInfo('prediction', int64, ['N', 1]), valueInfo(other, float, ['N', width])],
      nodes: [...linear(width).nodes, ...nodes],
    })
  const count = [
    node({ operator: 'ReduceMax', inputs: ['raw'], outputs: ['most'], attributes: [wholesAttribute('axes', [1])] }),
    node({ operator: 'Cast', inputs: ['most'], outputs: ['prediction'], attributes: [integerAttribute('to', int64)] }),
  ]
  const deviation = beside('deviation', 1, node({ operator: 'Abs', inputs: ['raw'], outputs: ['deviation'] }), ...count)
  const attention = beside('attention', 3, softmax('attention'), ...count)
  for (const file of [deviation, attention]) {
    const { signature, rewrites } = adaptGraph(file, columns('x', 'y'))
    expect(signature.task).toBe('regression')
    expect(rewrites).toContain('output "prediction" cast from int64 to float32')
  }
  const attributes = [integerAttribute('axis', 1)]
  const place = node({ operator: 'ArgMax', inputs: ['raw'], outputs: ['prediction'], attributes })
  const classified = adaptGraph(beside('scores', 3, softmax('scores'), place), columns('x', 'y')).signature
  expect(classified).toMatchObject({ task: 'multiclass', classes: ['0', '1', '2'] })
})

test('labels are read from the list that the label is taken from, and ones that cannot be read are asked for', () => {
  const taken = (list: Message, { operator = 'ArrayFeatureExtractor', element = text as number } = {}): Uint8Array =>
    modelFile({
      ...linear(2),
      outputs: [valueInfo('label', element, ['N']), valueInfo('probabilities', float, ['N', 2])],
      initializers: [...linear(2).initializers!, list, longTensor('any', [1], [-1])],
      nodes: [
        ...linear(2).nodes,
        softmax('probabilities'),
        node({
          operator: 'ArgMax',
          inputs: ['probabilities'],
          outputs: ['place'],
          attributes: [integerAttribute('axis', 1)],
        }),
        node({
          operator,
          domain: operator === 'Gather' ? '' : 'ai.onnx.ml',
          inputs: ['classes', 'place'],
          outputs: ['found'],
        }),
        node({ operator: 'Reshape', inputs: ['found', 'any'], outputs: ['label'] }),
      ],
    })
  const classesOf = (file: Uint8Array): readonly string[] => adaptGraph(file, columns('x', 'y')).signature.classes
  const texts = { 1: 2, 2: text, 6: ['no', 'yes'], 8: 'classes' }
  expect(classesOf(taken(texts))).toEqual(['no', 'yes'])
  expect(classesOf(taken(texts, { operator: 'Gather' }))).toEqual(['no', 'yes'])
  expect(classesOf(taken(longTensor('classes', [2], [3, -7]), { element: int64 }))).toEqual(['3', '-7'])
  // As int32, one by one: 5 and -1.
  const whole = { 1: 2, 2: 6, 5: [5, -1], 8: 'classes' }
  expect(classesOf(taken(whole, { element: int64 }))).toEqual(['5', '-1'])
  const named = { ...columns('x', 'y'), task: 'binary' as const, classes: ['yes', 'no'] }
  expect(adaptGraph(taken(texts), named).rewrites.join()).toContain('put into the order')
  // Texts that a model makes of the codes of one inside of it.
  const inner = node({
    operator: 'LinearClassifier',
    domain: 'ai.onnx.ml',
    inputs: ['X'],
    outputs: ['code', 'score'],
    attributes: [wholesAttribute('classlabels_ints', [0, 1])],
  })
  const encoded = modelFile({
    ...linear(2),
    outputs: [valueInfo('label', text, ['N']), valueInfo('probabilities', float, ['N', 2])],
    nodes: [
      ...linear(2).nodes,
      softmax('probabilities'),
      inner,
      node({ operator: 'LabelEncoder', domain: 'ai.onnx.ml', inputs: ['code'], outputs: ['label'] }),
    ],
  })
  expect(() => adaptGraph(encoded, columns('x', 'y'))).toThrow('name the classes')
  const computed = taken(texts, { operator: 'LabelEncoder' })
  expect(() => adaptGraph(computed, columns('x', 'y'))).toThrow('name the classes')
  expect(adaptGraph(computed, named).signature.classes).toEqual(['yes', 'no'])
})

test('the score is the value of a graph that tells outliers, and not its label', async () => {
  const file = modelFile({
    ...linear(1),
    outputs: [valueInfo('label', int64, ['N', 1]), valueInfo('scores', float, ['N', 1])],
    nodes: [
      ...linear(1).nodes,
      node({ operator: 'Neg', inputs: ['raw'], outputs: ['scores'] }),
      node({ operator: 'Sign', inputs: ['scores'], outputs: ['sign'] }),
      node({ operator: 'Cast', inputs: ['sign'], outputs: ['label'], attributes: [integerAttribute('to', int64)] }),
    ],
  })
  expect(adaptGraph(file, columns('x', 'y'))).toMatchObject({
    signature: { task: 'regression' },
    rewrites: ['output "scores" named "prediction"', 'outputs left out: "label"'],
  })
  expect(await answers(file, columns('x', 'y'), [[1, 0], [2.5, 9]])).toEqual([1, 2.5]) // prettier-ignore
})

test('an input that is a list of values is served as a column', async () => {
  const file = modelFile({
    inputs: [valueInfo('amount', float, ['N']), valueInfo('count', float, [1])],
    outputs: [valueInfo('total', float, ['N'])],
    nodes: [node({ operator: 'Mul', inputs: ['amount', 'count'], outputs: ['total'] })],
  })
  const { bytes, signature, rewrites } = adaptGraph(file, {})
  expect(signature.inputs.map(({ name, type }) => `${name} ${type}`)).toEqual(['amount float', 'count float'])
  expect(rewrites).toEqual([
    'output "total" became a column [N,1]',
    'output "total" named "prediction"',
    'input "amount" takes a column [N,1]',
    'input "count" takes a column [N,1]',
  ])
  expect(checkGraph(bytes).inputs.map(({ shape }) => shape)).toEqual([['N', 1], ['N', 1]]) // prettier-ignore
  expect(await answers(file, {}, [[2, 3], [5, 0.5], [-1, 4]])).toEqual([6, 2.5, -4]) // prettier-ignore
})

test('a list may have any name, and one of a fixed length is no column', async () => {
  const listed = (name: string, size: string | number): Uint8Array =>
    modelFile({
      inputs: [valueInfo(name, float, [size])],
      outputs: [valueInfo('total', float, ['N'])],
      nodes: [node({ operator: 'Neg', inputs: [name], outputs: ['total'] })],
    })
  expect(await answers(listed('shape', 'N'), {}, [[1], [2]])).toEqual([-1, -2])
  expect(await answers(listed('length', ''), {}, [[3]])).toEqual([-3])
  const wish = { inputs: [{ name: 'x', types: ['float' as const], required: true }] }
  expect(() => adaptGraph(listed('x', 30), wish)).toThrow('inputs are [N,1] or a matrix')
})

test('a width that is written as unknown is one', async () => {
  for (const size of [-1, 0]) {
    const file = modelFile({
      ...linear(1),
      inputs: [valueInfo('X', float, [size, size])],
      outputs: [valueInfo('raw', float, ['N', size])],
    })
    const wish = { ...columns('x', 'y'), task: 'regression' as const }
    expect(await answers(file, wish, [[1, 0], [2, 5]])).toEqual([-1, -2]) // prettier-ignore
    const named = modelFile({
      ...linear(1),
      inputs: [valueInfo('X', float, ['N', 2])],
      outputs: [valueInfo('prediction', float, ['N', size])],
      nodes: [node({ operator: 'MatMul', inputs: ['X', 'W'], outputs: ['prediction'] })],
    })
    expect(await answers(named, wish, [[1, 0]])).toEqual([-1])
    expect(() => adaptGraph(file, { task: 'regression' })).toThrow('does not say how many columns it has')
  }
})
