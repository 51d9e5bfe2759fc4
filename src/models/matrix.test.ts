// A matrix that is written at once is in the batch, or refused, as its columns one by one would be.
import { expect, test } from 'vitest'
import { createGenerator, type Generator } from '../statistics/random.ts'
import { DomainError } from '../platform/errors.ts'
import { appendMatrix, type Matrix } from './matrix.ts'
import { appendColumns, createBatch, type Batch, type ColumnInput } from './rows.ts'
import type { ElementType, Signature, SignatureType } from './signature.ts'

const signatureOf = (
  columns: readonly string[],
  { type = 'float', elementType = 'float32' }: { type?: SignatureType; elementType?: ElementType } = {},
): Signature => ({
  task: 'regression',
  inputs: columns.map((name) => ({ name, type, required: false })),
  classes: [],
  tensors: [{ name: 'X', elementType, columns: [...columns] }],
})

const cut = ({ names, rows, values }: Matrix): Record<string, ColumnInput> =>
  Object.fromEntries(
    names.map((name, place) => {
      const part = Array.from({ length: rows }, (_, row) => values[row * names.length + place])
      return [name, values instanceof Float32Array ? Float32Array.from(part as number[]) : part]
    }),
  )

/** The rows that the batch holds afterwards, or the code of the refusal. */
function outcome(batch: Batch, append: () => unknown): unknown {
  try {
    append()
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return [error.code, batch.rows]
  }
  const { values, width } = batch.tensors[0]!
  return [batch.rows, Array.from(values as Float32Array).slice(0, batch.rows * width)]
}

const odd = [null, undefined, Number.NaN, Infinity, 1e39, '1', true, 5n, {}]

function randomMatrix(random: Generator, names: readonly string[]): Matrix {
  const rows = random.integer(70)
  const numbers = Array.from({ length: rows * names.length }, () => random.normal() * 10 ** random.integer(6))
  if (random.integer(2) === 0) return { names, rows, values: Float32Array.from(numbers) }
  const oddShare = [0, 0, 0.01][random.integer(3)]!
  const mixed = numbers.map((value) => (random.uniform() < oddShare ? odd[random.integer(odd.length)] : value))
  return { names, rows, values: mixed }
}

test.each(['float32', 'float64'] as const)('rows of a matrix of %s are those of its columns', (elementType) => {
  const random = createGenerator(`matrices of ${elementType}`)
  const names = ['a', 'b', 'constructor']
  const signature = signatureOf(names, { elementType, type: elementType === 'float32' ? 'float' : 'double' })
  const [whole, apart] = [createBatch(signature, 8), createBatch(signature, 8)]
  const seen = { rows: 0, refusals: 0 }
  for (let time = 0; time < 300; time++) {
    const matrix = randomMatrix(random, names)
    const found = outcome(whole, () => expect(appendMatrix(whole, matrix)).toBe(true))
    expect(found).toEqual(outcome(apart, () => appendColumns(apart, cut(matrix))))
    if (typeof (found as unknown[])[0] === 'string') seen.refusals++
    else seen.rows += matrix.rows
    if (random.integer(5) === 0) whole.rows = apart.rows = 0
  }
  expect(seen.rows).toBeGreaterThan(4_000)
  expect(seen.refusals).toBeGreaterThan(10)
})

test('what is refused names the column and the row', () => {
  const names = ['a', 'b']
  const batch = createBatch(signatureOf(names))
  const values = [1, 2, 3, 'x']
  expect(() => appendMatrix(batch, { names, rows: 2, values })).toThrow('column "b", row 1: "x" is not a number')
  expect(batch.rows).toBe(0)
})

test('columns that the batch does not have as one matrix of floats are left to be read one by one', () => {
  const names = ['a', 'b']
  const matrix = { names, rows: 1, values: Float32Array.of(1, 2) }
  const unfit: Signature[] = [
    signatureOf(['b', 'a']),
    signatureOf(['a', 'b', 'c']),
    signatureOf(['a']),
    signatureOf(names, { type: 'integer' }),
    signatureOf(names, { type: 'long', elementType: 'int64' }),
    signatureOf(names, { type: 'string', elementType: 'string' }),
    { ...signatureOf(names), tensors: names.map((name) => ({ name, elementType: 'float32', columns: [name] })) },
  ]
  for (const signature of unfit) {
    const batch = createBatch(signature)
    expect(appendMatrix(batch, matrix)).toBe(false)
    expect(batch.rows).toBe(0)
  }
})
