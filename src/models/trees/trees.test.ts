// Trees that are walked here say what ONNX Runtime says of them, and what cannot be walked is left to it.
import { expect, test } from 'vitest'
import { lowerBound } from '../../statistics/lower-bound.ts'
import { createGenerator } from '../../statistics/random.ts'
import { openEngine, type Engine, type Feeds } from '../onnx/engine.ts'
import { MalformedProtobuf } from '../onnx/protobuf.ts'
import { readOnnx } from '../onnx/reader.ts'
import { integerAttribute, longTensor, node, valueInfo } from '../testing.ts'
import { cutAtTrees } from './cut.ts'
import { belowOf, formOf } from './ensemble.ts'
import { readEnsemble } from './read.ts'
import { decodeTrees, encodeTrees } from './proven-bytes.ts'
import { openTrees, proveTrees } from './session.ts'
import { treesModel, treesNode, type TreesText } from './testing.ts'
import { walk, widthOf } from './walk.ts'

const limits = { nodes: 100, initializers: 100, values: 100 }
const generator = createGenerator('trees')
const signed = (): number => generator.normal()
const positive = (): number => generator.uniform() / 50
const smaller = ['BRANCH_LEQ', 'BRANCH_LT']
const all = [...smaller, 'BRANCH_GTE', 'BRANCH_GT']

const plain: TreesText = {
  operator: 'TreeEnsembleRegressor',
  trees: 37,
  depth: 6,
  features: 5,
  outputs: 1,
  modes: ['BRANCH_LEQ'],
  ids: [0],
  weight: signed,
}
const classifier = { ...plain, operator: 'TreeEnsembleClassifier', outputs: 2 } as const

/** A word has no room for a limit beside so many places and look-ups. */
const large: Partial<TreesText> = { trees: 2, depth: 22, features: 900, modes: all, missing: 0.5 }

const kinds: readonly (readonly [string, TreesText])[] = [
  ['one value', plain],
  ['one value, all ways to compare, gaps', { ...plain, modes: all, missing: 0.4, base: [0.5] }],
  ['a single tree', { ...plain, trees: 1, modes: all, missing: 0.5 }],
  ['stumps and roots that are leaves', { ...plain, depth: 0 }],
  ['values on average', { ...plain, aggregate: 'AVERAGE', base: [0.5] }],
  ['three values', { ...plain, outputs: 3, ids: [0, 1, 2], base: [1, 2, 3], missing: 0.3 }],
  ['three classes', { ...classifier, outputs: 3, ids: [2, 0], transform: 'SOFTMAX', base: [0.1, 0.2, 0.3] }],
  ['three classes as they are', { ...classifier, outputs: 3, ids: [0, 1, 2], weight: positive, modes: smaller }],
  ['two classes with weights each', { ...classifier, ids: [0, 1], transform: 'LOGISTIC', modes: all, missing: 0.3 }],
  ['two classes with weights each, as they are', { ...classifier, ids: [0, 1], weight: positive }],
  ['probabilities of one of two classes', { ...classifier, weight: positive }],
  ['probabilities of one of two classes, with a base', { ...classifier, weight: positive, base: [0.125] }],
  ['margins of one of two classes', { ...classifier, transform: 'LOGISTIC', base: [-0.5], modes: all, missing: 0.3 }],
  ['margins of one of two classes, as they are', { ...classifier, base: [0.25] }],
  ['limits beside their words', { ...plain, ...large }],
  ['limits beside their words, three values', { ...plain, ...large, outputs: 3, ids: [0, 1, 2] }],
]

/** Some meet a threshold, some have gaps, some are far away. */
function rowsOf(rows: number, features: number): Float32Array {
  const values = [Number.NaN, Infinity, -Infinity, 0, -0, 1e30, belowOf(0.25)]
  return Float32Array.from({ length: rows * features }, () => {
    if (generator.uniform() < 0.1) return values[generator.integer(values.length)]!
    return generator.uniform() < 0.5 ? generator.integer(9) / 4 - 1 : generator.normal()
  })
}

test.each(kinds)('%s: as ONNX Runtime says', async (_name, text) => {
  const bytes = treesModel(treesNode(text, generator), { features: text.features, output: 'said' })
  const ensemble = readEnsemble(readOnnx(bytes, limits).nodes[0]!)!
  expect(ensemble.nodes).toBeGreaterThan(0)
  const engine = await openEngine()
  const session = await engine.load(bytes, ['said'])
  for (const rows of [0, 1, 2, 7, 300]) {
    const values = rowsOf(rows, text.features)
    const feeds: Feeds = { X: new engine.tensor('float32', values, [rows, text.features]) }
    const expected = (await session.run(feeds))['said']!.data as Float32Array
    const found = walk(ensemble, { values, width: text.features, rows })
    expect(found).toHaveLength(rows * widthOf(ensemble))
    expect(found).toHaveLength(expected.length)
    const far = found.findIndex(
      (value, at) => !(Math.abs(value - expected[at]!) <= 2e-6 * Math.max(1, Math.abs(value))),
    )
    expect([far, found[far], expected[far]]).toEqual([-1, undefined, undefined])
  }
  await session.release()
})

test('a limit stands in its word where there is room', () => {
  const isWide = (text: TreesText): boolean | undefined => {
    const bytes = treesModel(treesNode(text, generator), { features: text.features, output: 'said' })
    return readEnsemble(readOnnx(bytes, limits).nodes[0]!)?.form.isWide
  }
  expect([plain, { ...plain, ...large }].map(isWide)).toEqual([false, true])
  expect(formOf({ pair: 2 ** 12 - 1, lookups: 8, limit: 2 ** 15 - 1 })).toEqual({
    isWide: false,
    pairMask: 2 ** 13 - 2,
    lookupShift: 13,
    lookupMask: 7,
    rankShift: 16,
  })
  expect(formOf({ pair: 2 ** 12 - 1, lookups: 9, limit: 2 ** 15 - 1 })).toMatchObject({ isWide: true, rankShift: 0 })
  expect(formOf({ pair: 2 ** 20, lookups: 9, limit: 2 ** 15 - 1 })).toBeUndefined()
})

test.each(kinds)('%s: the same whatever rows stand beside it', (_name, text) => {
  const bytes = treesModel(treesNode(text, generator), { features: text.features, output: 'said' })
  const ensemble = readEnsemble(readOnnx(bytes, limits).nodes[0]!)!
  const width = text.features
  const values = rowsOf(50, width)
  const together = walk(ensemble, { values, width, rows: 50 })
  const alone = Array.from({ length: 50 }, (_, row) => [
    ...walk(ensemble, { values: values.subarray(row * width, (row + 1) * width), width, rows: 1 }),
  ])
  expect(alone.flat()).toEqual([...together])
})

const strange: readonly (readonly [string, Partial<TreesText>])[] = [
  ['values that are tested to be equal', { modes: ['BRANCH_LEQ', 'BRANCH_EQ'] }],
  ['a transform of another kind', { transform: 'PROBIT' }],
  ['the least of all trees', { aggregate: 'MIN' }],
  ['a base of another number', { base: [1, 2] }],
  ['an output beyond those that it has', { ids: [1] }],
  ['more outputs than memory', { outputs: 2 ** 30 }],
  ['fewer outputs than none', { outputs: -1, idsOf: () => [] }],
  ['a leaf with two weights', { ids: [0, 0] }],
  ['a leaf with a number and no weight', { idsOf: (leaf) => (leaf % 5 === 0 ? [] : [0]), leafValue: 7 }],
  ['leaves of one of two classes', { ...classifier, ids: [0, 1], idsOf: (leaf) => (leaf % 7 === 0 ? [0] : [0, 1]) }],
  ['more features than a look-up can name', { features: 4_000, trees: 2, depth: 22 }],
]

test.each(strange)('%s: left to ONNX Runtime', (_name, part) => {
  const text = { ...plain, ...part }
  const bytes = treesModel(treesNode(text, generator), { features: text.features, output: 'said' })
  expect(readEnsemble(readOnnx(bytes, limits).nodes[0]!)).toBeUndefined()
})

test('nodes that are no tree are left to ONNX Runtime', () => {
  const text = { ...plain, trees: 1, depth: 2 }
  const bytes = Buffer.from(treesModel(treesNode(text, createGenerator('small')), { features: 5, output: 'said' }))
  const nameAt = bytes.indexOf('nodes_truenodeids')
  const mutants = new Set<unknown>()
  for (let at = nameAt + 18; at < nameAt + 32; at += 2) {
    for (const child of [0, 1, 99]) {
      const mutant = Buffer.from(bytes)
      mutant[at] = child
      try {
        mutants.add(readEnsemble(readOnnx(mutant, limits).nodes[0]!) === undefined)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedProtobuf)
      }
    }
  }
  expect(mutants).toContain(true)
})

/** As the next process opens them. */
async function openKept(engine: Engine, graph: { bytes: Uint8Array; output: string }) {
  const proven = await proveTrees(engine, graph)
  return proven && openTrees(engine, decodeTrees(encodeTrees(proven)))
}

test.each(kinds)('%s: the same after it was kept', (_name, text) => {
  const bytes = treesModel(treesNode(text, generator), { features: text.features, output: 'said' })
  const ensemble = readEnsemble(readOnnx(bytes, limits).nodes[0]!)!
  const tail = { bytes: Uint8Array.of(1, 2, 3), input: 'said', output: 'answer' }
  const proven = { ensemble, matrix: 'X', output: 'answer', head: undefined, tail }
  const kept = encodeTrees(proven)
  expect(decodeTrees(kept)).toEqual(proven)
  // Wherever in memory they lie.
  const shifted = new Uint8Array(kept.length + 3)
  shifted.set(kept, 3)
  expect(decodeTrees(shifted.subarray(3))).toEqual(proven)
  for (const end of [0, 3, 20, kept.length - 8]) expect(() => decodeTrees(kept.subarray(0, end))).toThrow()
  expect(() => decodeTrees(Uint8Array.from(kept).fill(0, 0, 4))).toThrow()
})

/** Enough of them that the walk is worth it. */
const many = { ...plain, trees: 60 }
const answersOf = async (bytes: Uint8Array, output: string, feeds: (rows: Float32Array) => Feeds) => {
  const engine = await openEngine()
  const walked = await openKept(engine, { bytes, output })
  const whole = await engine.load(bytes, [output])
  const told = feeds(rowsOf(40, many.features).map((value) => (Number.isFinite(value) ? value : 0)))
  const expected = [...((await whole.run(told))[output]!.data as Float32Array)]
  const found = walked && [...((await walked.run(told))[output]!.data as Float32Array)]
  await walked?.release()
  await whole.release()
  return { expected, found }
}
const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 4))

test('a graph is cut at its trees: what comes before and after them is still ONNX Runtime’s', async () => {
  const { tensor: TensorOf } = await openEngine()
  const columns = Array.from({ length: many.features }, (_, index) => `c${index}`)
  const bytes = treesModel(treesNode({ ...many, trees: 1_500 }, generator), {
    features: many.features,
    output: 'prediction',
    inputs: columns.map((name) => valueInfo(name, 1, ['N', 1])),
    outputs: [valueInfo('prediction', 1, ['N', 1])],
    initializers: [longTensor('shape', [2], [-1, 1])],
    nodes: [
      node({ operator: 'Concat', inputs: columns, outputs: ['X'], attributes: [integerAttribute('axis', 1)] }),
      treesNode({ ...many, trees: 1_500 }, generator),
      node({ operator: 'Sigmoid', inputs: ['said'], outputs: ['squeezed'] }),
      node({ operator: 'Reshape', inputs: ['squeezed', 'shape'], outputs: ['prediction'] }),
    ],
  })
  const { expected, found } = await answersOf(bytes, 'prediction', (values) =>
    Object.fromEntries(
      columns.map((name, at) => {
        const column = values.filter((_, index) => index % many.features === at)
        return [name, new TensorOf('float32', column, [column.length, 1])]
      }),
    ),
  )
  expect(found).toEqual(close(expected))
})

test('trees that begin and end their graph need no session, whatever the answer is called', async () => {
  const { tensor: TensorOf } = await openEngine()
  const bytes = treesModel(treesNode(many, generator), {
    features: many.features,
    output: 'prediction',
    nodes: [
      treesNode(many, generator),
      node({ operator: 'Identity', inputs: ['said'], outputs: ['named'] }),
      node({ operator: 'Identity', inputs: ['named'], outputs: ['prediction'] }),
    ],
  })
  expect(cutAtTrees(bytes, { output: 'prediction', nodesMin: 1 })).toMatchObject({ head: undefined, tail: undefined })
  const { expected, found } = await answersOf(bytes, 'prediction', (values) => ({
    X: new TensorOf('float32', values, [40, many.features]),
  }))
  expect(found).toEqual(close(expected))
})

test('columns that no tree reads change nothing', async () => {
  const { tensor: TensorOf } = await openEngine()
  const bytes = treesModel(treesNode(many, generator), { features: many.features + 3, output: 'said' })
  const { expected, found } = await answersOf(bytes, 'said', (values) => ({
    X: new TensorOf('float32', values, [25, many.features + 3]),
  }))
  expect(found).toEqual(close(expected))
})

test('what would be slower, or cannot be, is left to ONNX Runtime as a whole', async () => {
  const engine = await openEngine()
  const opened = async (text: TreesText, features = text.features) =>
    openKept(engine, { bytes: treesModel(treesNode(text, generator), { features, output: 'said' }), output: 'said' })
  expect(await opened({ ...many, features: 1_500, depth: 8 }), 'a look-up for almost each branch').toBeUndefined()
  expect(await opened({ ...many, features: 2 ** 31 - 1, depth: 5 }), 'columns that there are not').toBeUndefined()
  expect(await opened(many, many.features - 1), 'columns that there are not').toBeUndefined()
  const circle = treesModel(treesNode(many, generator), {
    features: many.features,
    output: 'there',
    nodes: [
      treesNode(many, generator),
      node({ operator: 'Identity', inputs: ['there'], outputs: ['here'] }),
      node({ operator: 'Identity', inputs: ['here'], outputs: ['there'] }),
    ],
  })
  expect(cutAtTrees(circle, { output: 'there', nodesMin: 1 })).toBeUndefined()
})

test('trees beside which something else leads to the answer, or that there are twice, are not cut out', () => {
  const one = treesNode(many, generator)
  const beside = treesModel(one, {
    features: 1,
    output: 'prediction',
    nodes: [one, node({ operator: 'Add', inputs: ['said', 'X'], outputs: ['prediction'] })],
  })
  expect(cutAtTrees(beside, { output: 'prediction', nodesMin: 1 })).toBeUndefined()
  const twice = treesModel(one, { features: many.features, output: 'said', nodes: [one, one] })
  expect(cutAtTrees(twice, { output: 'said', nodesMin: 1 })).toBeUndefined()
  const few = treesModel(one, { features: many.features, output: 'said' })
  expect(cutAtTrees(few, { output: 'said', nodesMin: 1_000_000 })).toBeUndefined()
})

test('trees that read more columns than they are given fail on the rows, as a run', async () => {
  const engine = await openEngine()
  const session = (await openKept(engine, {
    bytes: treesModel(treesNode(many, generator), { features: many.features, output: 'said' }),
    output: 'said',
  }))!
  expect(() => session.run({ X: new engine.tensor('float32', new Float32Array(2), [1, 2]) })).toThrow(
    /read 5 numbers a row, and are given \[1,2\]/v,
  )
})

test('the next smaller float32, and the number of smaller ones', () => {
  // NumPy 2.4: np.nextafter(np.float32(x), np.float32(-np.inf)).
  const cases = [
    [1, 0.9999999403953552],
    [-1, -1.0000001192092896],
    [0, -1.401298464324817e-45],
    [-0, -1.401298464324817e-45],
    [1.401298464324817e-45, 0],
    [Infinity, 3.4028234663852886e38],
    [-3.4028234663852886e38, -Infinity],
    [-Infinity, -Infinity],
  ] as const
  for (const [value, below] of cases) expect(belowOf(value)).toBe(below)
  expect(belowOf(Number.NaN)).toBeNaN()
  const rising = Float32Array.of(-1, 0, 0.5)
  expect([-2, -1, -0.5, 0, 0.25, 0.5, 9].map((value) => lowerBound(rising, value))).toEqual([0, 0, 1, 1, 2, 2, 3])
})
