// Real models in the real ONNX Runtime, this process being one that may hang.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import * as onnxruntime from 'onnxruntime-node'
import { expect, test } from 'vitest'
import {
  answerOf,
  firstBrokenRow,
  labelIndex,
  loadModel,
  loadProven,
  loadUnchecked,
  openEngine,
  type Predictions,
} from './inference.ts'
import { nativeEngine, publicEngine } from './onnx/engine.ts'
import { appendColumns, appendRow, appendRows, clearBatch, createBatch } from './rows.ts'
import { fragileModel, regressionModel, smallModel, smallSignature } from './testing.ts'

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))
const row = (x: number | null, carrier: string | null) => ({ x, carrier, date: '2001-01-01' })

test('a model answers rows of numbers, text and times, and missing text is a category of its own', async () => {
  const model = await loadModel(smallModel(), { signature: smallSignature })
  const batch = createBatch(smallSignature)
  for (const record of [row(0, 'AA'), row(1, 'BB'), row(2, null), row(3, 'ZZ'), row(null, 'AA')])
    appendRow(batch, record)
  const predictions = await model.run(batch)
  expect(predictions).toMatchObject({ rows: 5, width: 2 })
  const positives = [0, 1, 2, 3].map((index) => predictions.values[index * 2 + 1])
  const expected = [0.5, 0.5, 2, 3].map(sigmoid)
  for (const [index, value] of expected.entries()) expect(positives[index]).toBeCloseTo(value, 6)
  expect(firstBrokenRow(predictions)).toBe(4)
  expect(answerOf(smallSignature, predictions, 1)).toMatchObject({
    label: 'yes',
    probabilities: { yes: expect.closeTo(sigmoid(0.5), 6) },
  })
  await model.release()
})

test('no rows are answered without a run, and a disk that fails is not told as a model that does', async () => {
  const model = await loadModel(smallModel(), { signature: smallSignature })
  expect(await model.run(createBatch(smallSignature))).toEqual({ rows: 0, width: 2, values: new Float32Array() })
  await model.release()
  const proof = { trees: undefined, isLinear: false }
  const gone = { proof, bytes: () => readFile('/nowhere/model.onnx'), signature: smallSignature }
  await expect(loadProven(await openEngine(), gone)).rejects.toMatchObject({ name: 'Error', code: 'ENOENT' })
})

test('a batch that was run can be cleared and filled again, with fewer and with more rows than before', async () => {
  const model = await loadModel(smallModel(), { signature: smallSignature })
  const batch = createBatch(smallSignature, 2)
  const answers: number[][] = []
  for (const size of [3, 1, 100]) {
    clearBatch(batch)
    for (let index = 0; index < size; index++) appendRow(batch, row(index, 'ZZ'))
    const { values } = await model.run(batch)
    answers.push(Array.from({ length: size }, (_, index) => values[index * 2 + 1]!))
  }
  expect(answers.map(({ length }) => length)).toEqual([3, 1, 100])
  answers[2]!.forEach((value, index) => expect(value).toBeCloseTo(sigmoid(index), 5))
  expect(answers[0]).toEqual(answers[2]!.slice(0, 3))
})

test('rows run together answer as each does alone, and zero rows answer with zero rows', async () => {
  const model = await loadModel(smallModel(), { signature: smallSignature })
  const all = createBatch(smallSignature)
  for (let index = 0; index < 50; index++) appendRow(all, row(Math.sin(index), ['AA', 'BB', 'CC'][index % 3]!))
  const together = await model.run(all)
  const single = createBatch(smallSignature)
  for (let index = 0; index < 50; index++) {
    clearBatch(single)
    appendRows(single, all, [index, index + 1])
    const alone = await model.run(single)
    expect([...alone.values]).toEqual([...together.values.subarray(index * 2, index * 2 + 2)])
  }
  expect(await model.run(createBatch(smallSignature))).toMatchObject({ rows: 0, width: 2 })
})

test('a regression model gives its value', async () => {
  const { bytes, signature } = regressionModel(2)
  const model = await loadModel(bytes, { signature })
  const batch = createBatch(signature)
  appendColumns(batch, { x: [1, 2.5] })
  const predictions = await model.run(batch)
  expect(answerOf(signature, predictions, 1)).toEqual({ value: 6 })
})

test('a model that fails on a row says so, and answers other rows afterwards', async () => {
  const model = await loadModel(fragileModel(), { signature: smallSignature })
  const batch = createBatch(smallSignature)
  appendRow(batch, row(1, 'ZZ'))
  expect(() => model.run(batch)).toThrow(expect.objectContaining({ code: 'model_failed' }))
  clearBatch(batch)
  appendRow(batch, row(1, 'AA'))
  expect((await model.run(batch)).values[1]).toBeCloseTo(sigmoid(1.5), 6)
})

test('the native engine answers at once, the public API later, and both say the same', async () => {
  const native = createRequire(import.meta.url)('onnxruntime-node/dist/binding.js') as Parameters<
    typeof nativeEngine
  >[0]
  const model = { bytes: smallModel(), signature: smallSignature }
  const fast = await loadUnchecked(nativeEngine(native, onnxruntime.Tensor), model)
  const slow = await loadUnchecked(publicEngine(onnxruntime), model)
  const batch = createBatch(smallSignature)
  appendRow(batch, row(0.25, 'BB'))
  const atOnce = fast.run(batch)
  const later = slow.run(batch)
  expect(atOnce).not.toBeInstanceOf(Promise)
  expect(later).toBeInstanceOf(Promise)
  expect([...(await later).values]).toEqual([...(atOnce as Predictions).values])
  const fragile = await loadUnchecked(publicEngine(onnxruntime), { ...model, bytes: fragileModel() })
  clearBatch(batch)
  appendRow(batch, row(0, 'ZZ'))
  await expect(fragile.run(batch)).rejects.toMatchObject({ code: 'model_failed' })
})

test('what ONNX Runtime itself refuses is told in its words', async () => {
  const engine = publicEngine(onnxruntime)
  const broken = loadUnchecked(engine, { bytes: new Uint8Array([1, 2, 3]), signature: smallSignature })
  await expect(broken).rejects.toMatchObject({ code: 'model_unloadable' })
})

test('of several classes the most probable is the label', () => {
  const predictions = { rows: 2, width: 3, values: Float32Array.from([0.1, 0.7, 0.2, 0.4, 0.2, 0.4]) }
  expect([labelIndex(predictions, 0), labelIndex(predictions, 1)]).toEqual([1, 0])
})
