// Memory of models that were let go is used again, where it fits and nobody looks at it any more.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { proveModel, type LoadedModel } from '../../models/inference.ts'
import { encodePreparation, preparationName } from '../../models/preparation.ts'
import { appendColumns, createBatch } from '../../models/rows.ts'
import { forestModel } from '../../models/testing-forest.ts'
import { createGenerator } from '../../statistics/random.ts'
import { createModelMemory, type ModelMemory } from './model-memory.ts'
import { readStored } from './stored-model.ts'

const megabyte = 1024 * 1024

test('what is given back is taken again by what has about its size', () => {
  const memory = createModelMemory()
  const first = memory.take(10 * megabyte)
  expect(first.length).toBeGreaterThanOrEqual(10 * megabyte)
  expect(memory.take(10 * megabyte)).not.toBe(first)
  memory.giveBack(first)
  expect(memory.take(2 * megabyte)).not.toBe(first)
  expect(memory.take(12 * megabyte)).not.toBe(first)
  expect(memory.take(10.5 * megabyte)).toBe(first)
  expect(memory.take(10.5 * megabyte)).not.toBe(first)
})

test('little is kept: the last two, and none that is small or huge', () => {
  const memory = createModelMemory()
  const several = [1, 2, 3].map(() => memory.take(4 * megabyte))
  for (const each of several) memory.giveBack(each)
  const again = [memory.take(4 * megabyte), memory.take(4 * megabyte)]
  expect(again.map((each) => several.indexOf(each)).toSorted((a, b) => a - b)).toEqual([1, 2])
  expect(several).not.toContain(memory.take(4 * megabyte))
  const small = memory.take(1000)
  expect(small.length).toBe(1000)
  memory.giveBack(small)
  expect(memory.take(1000)).not.toBe(small)
})

const names = ['a', 'b', 'c']
const random = createGenerator('memory of models')
const columns = Object.fromEntries(names.map((name) => [name, Array.from({ length: 30 }, () => random.normal())]))

async function answersOf(model: LoadedModel): Promise<number[]> {
  const batch = createBatch(model.signature, 30)
  appendColumns(batch, columns)
  return [...(await model.run(batch)).values]
}

test('a forest is read into the memory of one that was let go, which answers nothing from then on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-memory-'))
  const lent: Buffer[] = []
  const only = Buffer.alloc(megabyte)
  let isFree = true
  const memory: ModelMemory = {
    take(bytes) {
      expect([isFree, bytes <= only.length]).toEqual([true, true])
      isFree = false
      lent.push(only)
      return only
    },
    giveBack(given) {
      expect([isFree, given]).toEqual([false, only])
      isFree = true
    },
  }
  try {
    const load = async (digest: string): Promise<{ model: LoadedModel; expected: number[] }> => {
      const { bytes, signature } = forestModel(names, random)
      const { model: whole, proof } = await proveModel(bytes, { signature })
      const kept = await encodePreparation(signature, { loadMs: 1, runs: [], proof })
      writeFileSync(join(directory, preparationName(digest, signature)), kept)
      const warn = (reason: string): never => {
        throw new Error(reason)
      }
      const stored = { path: join(directory, digest), signature, isTrusted: true, memory }
      const { load: open } = await readStored(stored, warn)
      return { model: await open(), expected: await answersOf(whole) }
    }
    const first = await load('aa')
    expect(await answersOf(first.model)).toEqual(first.expected)
    await first.model.release()
    await first.model.release()
    const second = await load('bb')
    expect(second.expected).not.toEqual(first.expected)
    expect(await answersOf(second.model)).toEqual(second.expected)
    expect(lent).toEqual([only, only])
    await expect(answersOf(first.model)).rejects.toThrow('the model was let go before this run')
    await second.model.release()
    expect(isFree).toBe(true)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
