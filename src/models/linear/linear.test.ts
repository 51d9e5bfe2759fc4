// Linear models that are computed here say what ONNX Runtime says of them, and what is something else is left to it.
import { expect, test } from 'vitest'
import { createGenerator } from '../../statistics/random.ts'
import { openEngine, type Feeds } from '../onnx/engine.ts'
import { node } from '../testing.ts'
import { readLinear } from './read.ts'
import { isProvenLinear, openLinear } from './session.ts'
import { linearModel, type LinearText } from './testing.ts'

const output = 'said'
const generator = createGenerator('linear')

const plain: LinearText = {
  operator: 'LinearClassifier',
  features: 7,
  outputs: 2,
  labels: 'whole',
  transform: 'LOGISTIC',
}

const graphOf = (text: LinearText): Uint8Array => linearModel(text, generator)

const kinds: readonly (readonly [string, LinearText])[] = [
  ['two classes', plain],
  ['two classes, of scaled columns', { ...plain, hasScaler: true, labels: 'text' }],
  ['two classes, together one', { ...plain, transform: 'SOFTMAX', hasScaler: true }],
  ['margins', { ...plain, transform: 'NONE' }],
  ['five classes', { ...plain, outputs: 5, transform: 'SOFTMAX', labels: 'text' }],
  ['a value', { operator: 'LinearRegressor', features: 7, outputs: 1, transform: 'NONE' }],
  ['a value of scaled columns', { operator: 'LinearRegressor', features: 40, outputs: 1, hasScaler: true }],
  ['columns whose number is not said', { ...plain, width: 'C' }],
]

test.each(kinds)('%s: the same as ONNX Runtime says, for one row and for many', async (_, text) => {
  const engine = await openEngine()
  const graph = { bytes: graphOf(text), output }
  expect(await isProvenLinear(engine, graph)).toBe(true)
  const [ours, its] = [openLinear(engine, graph)!, await engine.load(graph.bytes, [output])]
  const { centre, spread } = readLinear(graph.bytes, output)!
  for (const rows of [0, 1, 2, 300]) {
    const matrix = Float32Array.from(
      { length: rows * text.features },
      (_value, at) => centre[at % text.features]! + generator.normal() * spread[at % text.features]!,
    )
    const feeds: Feeds = { X: new engine.tensor('float32', matrix, [rows, text.features]) }
    const found = (await ours.run(feeds))[output]!
    const expected = (await its.run(feeds))[output]!
    expect([found.type, found.dims]).toEqual([expected.type, [rows, text.outputs]])
    const far = [...(found.data as Float32Array)].map((value, at) => Math.abs(value - (expected.data[at] as number)))
    expect(Math.max(0, ...far)).toBeLessThan(1e-5)
  }
  await its.release()
})

test('a row that is not what it reads is an error, and what is not finite stays so', async () => {
  const engine = await openEngine()
  const session = openLinear(engine, { bytes: graphOf(plain), output })!
  const feedsOf = (values: readonly number[]): Feeds => ({
    X: new engine.tensor('float32', Float32Array.from(values), [1, values.length]),
  })
  expect(() => session.run(feedsOf([1, 2]))).toThrow('it reads 7 numbers a row, and is given [1,2]')
  const { [output]: said } = await session.run(feedsOf([Number.NaN, 1, 2, 3, 4, 5, 6]))
  expect([...(said!.data as Float32Array)]).toEqual([Number.NaN, Number.NaN])
})

const reader = node({ operator: 'Relu', inputs: ['scaled'], outputs: ['other'] })
const others: readonly (readonly [string, LinearText])[] = [
  ['one sum for two classes', { ...plain, sums: 1 }],
  ['a transform of its own', { ...plain, transform: 'SOFTMAX_ZERO' }],
  // ONNX Runtime's small probabilities are rough, and rougher once they are divided by their sum.
  ['classes each against the rest', { ...plain, outputs: 5, norm: 'L1' }],
  ['several values', { operator: 'LinearRegressor', features: 7, outputs: 3 }],
  ['a matrix that is too wide', { ...plain, width: 8 }],
  ['more weights than are worth it', { ...plain, features: 200 }],
]

test.each(others)('%s: left to ONNX Runtime', async (_, text) => {
  expect(await isProvenLinear(await openEngine(), { bytes: graphOf(text), output })).toBe(false)
})

test('another reader of the columns changes nothing, bytes that are no graph are no linear model', async () => {
  const engine = await openEngine()
  const graph = { bytes: graphOf({ ...plain, hasScaler: true, more: [reader] }), output }
  expect(await isProvenLinear(engine, graph)).toBe(true)
  for (const bytes of [graph.bytes.subarray(0, 50), new Uint8Array(0), new Uint8Array(70_000)]) {
    expect(readLinear(bytes, output)).toBeUndefined()
  }
  expect(readLinear(graph.bytes, 'label')).toBeUndefined()
  expect(readLinear(graph.bytes, 'nothing')).toBeUndefined()
  const ring = ['said', 'again'].map((name, at, names) =>
    node({ operator: 'Identity', inputs: [names[1 - at]!], outputs: [name] }),
  )
  expect(readLinear(linearModel({ ...plain, output: 'other', more: ring }, generator), 'said')).toBeUndefined()
})
