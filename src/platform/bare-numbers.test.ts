// Bare NaN and infinities in JSON, beside strings of any length.
import { expect, test } from 'vitest'
import { replaceBareNumbers } from './bare-numbers.ts'

const quoted = (text: string): string => replaceBareNumbers(text, (found) => `"${found}"`)

test('bare words become what is said, and strings stay as they are', () => {
  expect(quoted('[NaN, -Infinity,Infinity]')).toBe('["NaN", "-Infinity","Infinity"]')
  expect(quoted('{"NaN": "a \\" NaN", "b\\\\": NaN}')).toBe('{"NaN": "a \\" NaN", "b\\\\": "NaN"}')
  expect(quoted('NaNs -1 xNaN')).toBe('NaNs -1 xNaN')
  expect(quoted('"open NaN')).toBe('"open NaN')
  expect(quoted('')).toBe('')
})

test('strings of many megabytes are passed over', () => {
  for (const long of ['a'.repeat(20_000_000), '\\"'.repeat(8_000_000), '\\\\'.repeat(8_000_000)]) {
    const text = `["${long}",NaN]`
    // Compared by hand: a failing comparison would print both.
    expect(quoted(text) === `["${long}","NaN"]`).toBe(true)
  }
})
