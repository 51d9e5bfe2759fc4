// What a request may write in a column, and what it is told when it may not.
import { expect, test } from 'vitest'
import {
  appendColumns,
  appendRow,
  batchRowsMax,
  cellAt,
  clearBatch,
  createBatch,
  missingMicros,
  type Batch,
  type ColumnInput,
} from './rows.ts'
import type { Signature, SignatureType } from './signature.ts'
import { microsOf } from './time-value.ts'

const signatureOf = (types: Record<string, SignatureType>, optional: readonly string[] = []): Signature => ({
  task: 'regression',
  inputs: Object.entries(types).map(([name, type]) => ({ name, type, required: !optional.includes(name) })),
  classes: [],
})

const cellsOf = (batch: Batch, name: string): unknown[] =>
  Array.from({ length: batch.rows }, (_, row) => cellAt(batch.byName.get(name)!, row))

/** What one column of `type` becomes, or the refusal's code and message. */
function written(type: SignatureType, values: ColumnInput): unknown {
  const batch = createBatch(signatureOf({ v: type }), 1)
  try {
    appendColumns(batch, { v: values })
  } catch (error) {
    expect(batch.rows).toBe(0)
    return error
  }
  return cellsOf(batch, 'v')
}
const refused = (message: string) =>
  expect.objectContaining({ code: 'input_value', message: expect.stringContaining(message) as string }) as unknown

test('numbers become float32, and null and NaN are missing', () => {
  expect(written('double', [1, 0.1, null, undefined, Number.NaN, 5n])).toEqual([1, Math.fround(0.1), NaN, NaN, NaN, 5])
  expect(written('double', Float64Array.from([1, 2]))).toEqual([1, 2])
  expect(written('float', Float32Array.from([1, 2]))).toEqual([1, 2])
  expect(written('double', ['1'])).toEqual(refused('column "v", row 0: "1" is not a number'))
  expect(written('double', [0, 1e39])).toEqual(refused('row 1: 1e+39 is out of range'))
  expect(written('double', [Infinity])).toEqual(refused('out of range'))
  expect(written('double', [[1]])).toEqual(refused('a list is not a number'))
  expect(written('double', [true])).toEqual(refused('true is not a number'))
})

test('whole numbers and booleans are held to their range', () => {
  expect(written('integer', [1, -5, null])).toEqual([1, -5, NaN])
  expect(written('integer', [1.5])).toEqual(refused('1.5 is not a whole number'))
  expect(written('integer', [2 ** 31])).toEqual(refused('out of range'))
  expect(written('long', [2 ** 40])).toEqual([2 ** 40])
  expect(written('long', [2 ** 63])).toEqual(refused('out of range'))
  expect(written('boolean', [true, false, 1, 0, null])).toEqual([1, 0, 1, 0, NaN])
  expect(written('boolean', [2])).toEqual(refused('out of range'))
  expect(written('boolean', ['true'])).toEqual(refused('"true" is not true or false'))
})

test('text is taken as it is, and missing text is empty', () => {
  expect(written('string', ['AA', '', null, 'ü'])).toEqual(['AA', '', '', 'ü'])
  expect(written('string', [7])).toEqual(refused('7 is not text'))
  expect(written('string', ['x', {}])).toEqual(refused('row 1: an object is not text'))
})

test('times are text, milliseconds or microseconds, and naive text is UTC', () => {
  const noon = 978_350_400_000_000n // 2001-01-01T12:00:00Z
  const same = [
    '2001-01-01T12:00:00Z',
    '2001-01-01 12:00',
    '2001-01-01T12:00:00.000',
    '2001-01-01T14:00:00+02:00',
    '2001-01-01T07:00-0500',
  ]
  expect(written('datetime', [...same, 978_350_400_000, noon, null])).toEqual([
    ...Array.from({ length: 7 }, () => noon),
    missingMicros,
  ])
  expect(written('datetime', BigInt64Array.from([noon]))).toEqual([noon])
  expect(microsOf('2001-01-01')).toBe(978_307_200_000_000n)
  expect(microsOf('2001-01-01T00:00:00.1234567Z')).toBe(978_307_200_123_456n)
  expect(microsOf('0001-01-01')).toBe(-62_135_596_800_000_000n)
  expect(microsOf('1969-12-31T23:59:59.5')).toBe(-500_000n)
  for (const wrong of ['2001-02-30', '2001-13-01', '2001-01-01T25:00', '01/02/2001', 'now', '', 1.5, 1e18, true, {}]) {
    expect(written('datetime', [wrong])).toEqual(refused('is not an ISO 8601 time'))
  }
})

test('a column that is missing, unknown or of another length is named, and the rest of the batch stays', () => {
  const batch = createBatch(signatureOf({ a: 'double', b: 'string', c: 'double' }, ['c']))
  appendColumns(batch, { a: [1], b: ['x'] })
  const attempts: readonly [Record<string, ColumnInput>, string, string][] = [
    [{ a: [1] }, 'input_column_missing', 'column "b" is missing: the model takes "a" (double), "b" (string)'],
    [{ a: [1], b: ['x'], d: [1] }, 'input_column_unknown', 'column "d" is no input'],
    [{ a: [1, 2], b: ['x'] }, 'input_rows_unequal', 'column "b" has 1 rows, the columns before it 2'],
    [{ a: [2, 3], b: ['x', 4] }, 'input_value', 'column "b", row 1'],
  ]
  for (const [input, code, message] of attempts) {
    expect(() => appendColumns(batch, input)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
    )
  }
  expect(batch.rows).toBe(1)
  appendColumns(batch, { a: [4], b: ['y'], d: [1] }, 'ignore')
  expect(cellsOf(batch, 'a')).toEqual([1, 4])
  expect(cellsOf(batch, 'c')).toEqual([NaN, NaN])
})

test('rows as objects are held to the same rules', () => {
  const batch = createBatch(signatureOf({ a: 'double', b: 'string' }))
  appendRow(batch, { b: 'x', a: 1 })
  expect(() => appendRow(batch, { a: 1 }, { row: 3 })).toThrow(
    expect.objectContaining({ code: 'input_column_missing' }),
  )
  expect(() => appendRow(batch, { a: 'q', b: 'x' }, { row: 3 })).toThrow('column "a", row 3')
  expect(() => appendRow(batch, { a: 1, b: 'x', z: 1 })).toThrow(
    expect.objectContaining({ code: 'input_column_unknown' }),
  )
  const hostile = JSON.parse('{"a":1,"b":"x","__proto__":{"z":1}}') as Record<string, unknown>
  expect(() => appendRow(batch, hostile)).toThrow(expect.objectContaining({ code: 'input_column_unknown' }))
  expect(() => appendRow(createBatch(signatureOf({ ['toString' as string]: 'double' })), {})).toThrow(
    expect.objectContaining({ code: 'input_column_missing' }),
  )
  appendRow(batch, { a: 2, b: 'y', z: 1 }, { extra: 'ignore' })
  expect(batch.rows).toBe(2)
  expect(cellsOf(batch, 'b')).toEqual(['x', 'y'])
})

test('a batch grows as rows come, up to a limit that says what to do', () => {
  const batch = createBatch(signatureOf({ a: 'double' }), 1)
  for (let row = 0; row < 1000; row++) appendRow(batch, { a: row })
  expect(cellAt(batch.columns[0]!, 999)).toBe(999)
  const huge = new Float64Array(batchRowsMax)
  expect(() => appendColumns(batch, { a: huge })).toThrow(
    expect.objectContaining({ code: 'too_many_rows', kind: 'too_large' }),
  )
  clearBatch(batch)
  expect(appendColumns(batch, { a: huge })).toBe(batchRowsMax)
})
