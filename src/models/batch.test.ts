// Batches whose columns lie in matrices and in tensors of whole numbers: what is written where, and what they cannot hold.
import { expect, test } from 'vitest'
import { appendRows, cellAt, clearBatch, createBatch, type Batch } from './batch.ts'
import { appendColumns, appendRow } from './rows.ts'
import type { Signature } from './signature.ts'

const signature: Signature = {
  task: 'regression',
  inputs: [
    { name: 'a', type: 'double', required: true },
    { name: 'id', type: 'long', required: true },
    { name: 's', type: 'string', required: true },
    { name: 'b', type: 'double', required: true },
    { name: 't', type: 'string', required: true },
    { name: 'flag', type: 'boolean', required: true },
    { name: 'exact', type: 'double', required: true },
    { name: 'small', type: 'integer', required: true },
  ],
  classes: [],
  tensors: [
    { name: 'numbers', elementType: 'float32', columns: ['b', 'a'] },
    { name: 'id', elementType: 'int64', columns: ['id'] },
    { name: 'texts', elementType: 'string', columns: ['s', 't'] },
    { name: 'flag', elementType: 'bool', columns: ['flag'] },
    { name: 'exact', elementType: 'float64', columns: ['exact'] },
    { name: 'small', elementType: 'uint8', columns: ['small'] },
  ],
}
const row = { a: 1, id: 2n ** 53n + 1n, s: 'x', b: 2, t: 'y', flag: true, exact: 0.1, small: 255 }
const memory = (batch: Batch): unknown[] =>
  batch.tensors.map(({ values, width }) => Array.from<unknown>(values).slice(0, batch.rows * width))

test('rows lie beside each other in the order of each tensor, exact where the graph is', () => {
  const batch = createBatch(signature, 1)
  appendRow(batch, row)
  appendRow(batch, { ...row, a: 3, b: null, s: null, id: 7, flag: 0 })
  expect(memory(batch)).toEqual([
    [2, 1, NaN, 3],
    [9_007_199_254_740_993n, 7n],
    ['x', 'y', '', 'y'],
    [1, 0],
    [0.1, 0.1],
    [255, 255],
  ])
  expect(batch.columns.map((column) => cellAt(column, 0))).toEqual([1, row.id, 'x', 2, 'y', 1, 0.1, 255])
  const columns = {
    a: Float32Array.of(5, 6),
    id: BigInt64Array.of(-1n, 2n ** 62n),
    s: ['p', 'q'],
    b: Float64Array.of(0.1, 8),
    t: ['r', 's'],
    flag: [false, true],
    exact: Float64Array.of(0.1, 0.2),
    small: Int32Array.of(0, 1),
  }
  clearBatch(batch)
  appendColumns(batch, columns)
  expect(memory(batch)).toEqual([
    [Math.fround(0.1), 5, 8, 6],
    [-1n, 2n ** 62n],
    ['p', 'r', 'q', 's'],
    [0, 1],
    [0.1, 0.2],
    [0, 1],
  ])
})

test('rows of another batch are copied whole', () => {
  const source = createBatch(signature)
  for (let at = 0; at < 5; at++) appendRow(source, { ...row, a: at, s: `s${at}`, id: at })
  const batch = createBatch(signature, 1)
  appendRows(batch, source, [1, 3])
  appendRows(batch, source, [4, 5])
  expect(memory(batch).slice(0, 3)).toEqual([
    [2, 1, 2, 2, 2, 4],
    [1n, 2n, 4n],
    ['s1', 'y', 's2', 'y', 's4', 'y'],
  ])
})

test('what a whole number of the graph cannot hold is refused, and nothing is appended', () => {
  const batch = createBatch(signature)
  appendRow(batch, row)
  const refused = (change: object, message: string): void => {
    expect(() => appendRow(batch, { ...row, ...change })).toThrow(
      expect.objectContaining({ code: 'input_value', message: expect.stringContaining(message) as string }),
    )
    expect(batch.rows).toBe(1)
  }
  refused({ id: null }, 'column "id", row 0: a value is missing, and the model takes int64')
  refused({ id: Number.NaN }, 'a value is missing')
  refused({ id: 1.5 }, '1.5 is not a whole number of 64 bits')
  refused({ id: 2n ** 63n }, 'out of range for long')
  refused({ small: 256 }, '256 is out of range for integer (uint8 in the graph)')
  refused({ small: null }, 'the model takes uint8')
  refused({ flag: null }, 'the model takes bool')
  refused({ flag: 2 }, 'out of range for boolean')
  refused({ exact: Infinity }, 'out of range for double')
  refused({ s: 'a\0b' }, 'U+0000')
})
