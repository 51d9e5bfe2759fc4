// A row as JSON is the same whether its columns came by name or as one matrix.
import { expect, test } from 'vitest'
import { smallSignature } from '../../../models/testing.ts'
import { MatrixColumns } from '../../protocols/request-rows.ts'
import { inputsText } from './raw-inputs.ts'

const names = ['a', 'b "2"', 'constructor']
const signature = {
  ...smallSignature,
  inputs: names.map((name) => ({ name, type: 'float' as const, required: false })),
}

test('a row of a matrix is told by its columns, whatever its values are, without those to be left out', () => {
  const values = [1.5, null, -0, Number.NaN, 'x', 7n, 1e21, true, Infinity]
  const matrix = new MatrixColumns({ names, rows: 3, values })
  expect(Object.keys(matrix.byName)).toEqual(names)
  for (let row = 0; row < 3; row++) {
    for (const redact of [[], ['a'], ['constructor', 'b "2"'], names]) {
      const text = inputsText({ columns: matrix, row, signature, redact })
      expect(text).toBe(inputsText({ columns: matrix.byName, row, signature, redact }))
      expect(Object.keys(JSON.parse(text) as object)).toEqual(names.filter((name) => !redact.includes(name)))
    }
  }
  const first = JSON.parse(inputsText({ columns: matrix, row: 0, signature, redact: [] })) as unknown
  expect(first).toEqual({ a: 1.5, 'b "2"': null, constructor: 0 })
  const floats = new MatrixColumns({ names, rows: 1, values: Float32Array.of(0.1, Number.NaN, 2) })
  expect(inputsText({ columns: floats, row: 0, signature, redact: [] })).toBe(
    '{"a":0.10000000149011612,"b \\"2\\"":null,"constructor":2}',
  )
})

test('names that callers make up are told whole, however long', () => {
  const name = `"${'é'.repeat(5_000)}`
  const text = inputsText({ columns: { [name]: [1] }, row: 0, signature, redact: [] })
  expect(JSON.parse(text)).toEqual({ [name]: 1 })
})
