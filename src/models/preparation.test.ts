// What is written down of a graph loads the same model, and nothing else than it was written for.
import { expect, test } from 'vitest'
import { createGenerator } from '../statistics/random.ts'
import { appendColumns } from './rows.ts'
import { createBatch } from './batch.ts'
import { loadModel, proveModel, type LoadedModel } from './inference.ts'
import {
  decodePreparation,
  encodePreparation,
  isPreparationWhole,
  loadPrepared,
  preparationName,
} from './preparation.ts'
import type { Signature } from './signature.ts'
import { linearModel } from './linear/testing.ts'
import { regressionModel } from './testing.ts'
import { forestModel } from './testing-forest.ts'

const names = ['a', 'b', 'c', 'd', 'e']
const generator = createGenerator('preparation')

const forest = (): ReturnType<typeof forestModel> => forestModel(names, generator)

const columns = Array.from({ length: names.length }, () => Array.from({ length: 40 }, () => generator.normal()))

async function answersOf(model: LoadedModel): Promise<number[]> {
  const { inputs } = model.signature
  const batch = createBatch(model.signature, 40)
  appendColumns(batch, Object.fromEntries(inputs.map(({ name }, at) => [name, columns[at]!])))
  const { values } = await model.run(batch)
  await model.release()
  return [...values]
}

const never = (): never => {
  throw new Error('the graph itself is not needed')
}

test('a forest is loaded again without its graph, and says the same', async () => {
  const { bytes, signature } = forest()
  const { model, proof } = await proveModel(bytes, { signature })
  expect(proof.trees).toBeDefined()
  const runs = [
    { rows: 1, ms: 0.01 },
    { rows: 32, ms: 0.2 },
  ]
  const kept = await encodePreparation(signature, { loadMs: 1.5, runs, proof })
  expect(isPreparationWhole(kept)).toBe(true)
  const found = (await decodePreparation(kept, signature))!
  expect([found.loadMs, found.runs]).toEqual([1.5, runs])
  const expected = await answersOf(await loadModel(bytes, { signature }))
  expect(new Set(expected).size).toBeGreaterThan(20)
  expect(await answersOf(await loadPrepared(found, { signature, graph: never }))).toEqual(expected)
  expect(await answersOf(model)).toEqual(expected)
})

test('a graph without trees is loaded from its bytes', async () => {
  const { bytes, signature } = regressionModel()
  const { model, proof } = await proveModel(bytes, { signature })
  expect(proof.trees).toBeUndefined()
  const kept = await encodePreparation(signature, { loadMs: 0.5, runs: [], proof })
  const found = (await decodePreparation(kept, signature))!
  const again = await loadPrepared(found, { signature, graph: async () => bytes })
  expect(await answersOf(again)).toEqual(await answersOf(model))
})

test('a linear model is computed here again', async () => {
  const { signature } = forest()
  const text = { operator: 'LinearRegressor', features: names.length, outputs: 1, output: 'prediction' } as const
  const bytes = linearModel(text, generator)
  const { model, proof } = await proveModel(bytes, { signature })
  expect([proof, model.alwaysEnds]).toEqual([{ trees: undefined, isLinear: true }, true])
  const kept = await encodePreparation(signature, { loadMs: 0.5, runs: [], proof })
  const again = await loadPrepared((await decodePreparation(kept, signature))!, { signature, graph: async () => bytes })
  expect(again.alwaysEnds).toBe(true)
  expect(await answersOf(again)).toEqual(await answersOf(model))
})

test('it is for one signature, one release, and whole or not at all', async () => {
  const { bytes, signature } = forest()
  const { model, proof } = await proveModel(bytes, { signature })
  await model.release()
  const kept = await encodePreparation(signature, { loadMs: 1, runs: [], proof })
  const other: Signature = { ...signature, inputs: signature.inputs.toReversed() }
  expect(await decodePreparation(kept, other)).toBeUndefined()
  expect(preparationName('abc', other)).not.toBe(preparationName('abc', signature))
  const replaced = (text: string, by: string): Uint8Array => {
    const copy = Buffer.from(kept)
    copy.write(by, copy.indexOf(text))
    return copy
  }
  for (const later of [replaced('"format":2', '"format":9'), replaced('"engine":"1', '"engine":"9')]) {
    expect(await decodePreparation(later, signature)).toBeUndefined()
    expect(isPreparationWhole(later)).toBe(false)
  }
  const [cut, empty] = [kept.subarray(0, kept.length - 64), new Uint8Array(0)]
  for (const broken of [cut, empty]) {
    expect(isPreparationWhole(broken)).toBe(false)
    await expect(decodePreparation(broken, signature)).rejects.toThrow()
  }
})
