// Tensors of a request become columns: by their names, as matrices of the graph's own inputs, or as one matrix of all columns.
import { expect, test } from 'vitest'
import type { Signature } from '../../models/signature.ts'
import { columnsByName } from './request-rows.ts'
import { rowsOfTensors, type InputTensor } from './tensors.ts'

const column = (name: string, type: 'float' | 'string') => ({ name, type, required: true })
const signature: Signature = {
  task: 'regression',
  inputs: [column('a', 'float'), column('s', 'string'), column('b', 'float')],
  classes: [],
  tensors: [
    { name: 'numbers', elementType: 'float32', columns: ['b', 'a'] },
    { name: 'text', elementType: 'string', columns: ['s'] },
  ],
}
const numbers: InputTensor = { name: 'numbers', datatype: 'FP32', shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) }
const text: InputTensor = { name: 'text', datatype: 'BYTES', shape: [2, 1], values: ['x', 'y'] }
const columnsOf = (tensors: readonly InputTensor[], of = signature): unknown => {
  const { columns, rows } = rowsOfTensors(tensors, of)
  return {
    rows,
    ...Object.fromEntries(Object.entries(columnsByName(columns)).map(([name, values]) => [name, [...values]])),
  }
}

test('a matrix that the graph has is its columns, in its own order', () => {
  const expected = { rows: 2, b: [1, 3], a: [2, 4], s: ['x', 'y'] }
  expect(columnsOf([numbers, text])).toEqual(expected)
  expect(columnsOf([text, numbers])).toEqual(expected)
  const byName: InputTensor = { ...text, name: 's', shape: [2] }
  expect(columnsOf([numbers, byName])).toEqual(expected)
  expect(columnsOf([{ ...numbers, shape: [0, 2], values: [] }])).toEqual({ rows: 0, a: [], b: [] })
})

test('a matrix of another name alone is all columns in the order of the signature', () => {
  const plain = { ...signature, inputs: [column('a', 'float'), column('b', 'float')], tensors: undefined }
  const { tensors: _, ...without } = plain
  expect(columnsOf([{ ...numbers, name: 'anything' }], without)).toEqual({ rows: 2, a: [1, 3], b: [2, 4] })
})

test('a column that comes twice, or a matrix of another width, is refused by name', () => {
  const a: InputTensor = { name: 'a', datatype: 'FP32', shape: [2], values: [1, 2] }
  expect(() => columnsOf([a, numbers])).toThrow('has the column "a", which stands in the request already')
  expect(() => columnsOf([numbers, a])).toThrow('"a" stands twice')
  expect(() => columnsOf([numbers, numbers])).toThrow('stands twice')
  expect(() => columnsOf([{ ...numbers, shape: [1, 4] }, text])).toThrow('has 4 columns, and the model takes 2')
  expect(() => columnsOf([{ ...numbers, shape: [1, 2, 2] }])).toThrow('columns, and the model takes 2')
  expect(() => columnsOf([numbers, { ...text, shape: [1, 1], values: ['x'] }])).toThrow('has 1 rows')
})
