// JSON with bare NaN, infinities and long whole numbers, and texts made to be slow to read.
import { expect, test } from 'vitest'
import { parseLenientJson } from './lenient-json.ts'

const read = (text: string): unknown => parseLenientJson(Buffer.from(text))

test('bare NaN is a missing value and infinities are numbers, outside of texts only', () => {
  expect(read('[NaN, 1, Infinity, -Infinity]')).toEqual([null, 1, Infinity, -Infinity])
  expect(read('{"NaN": "NaN \\" Infinity", "x":[NaN]}')).toEqual({ NaN: 'NaN " Infinity', x: [null] })
})

test('what is no number in Python either stays an error', () => {
  for (const text of [
    '5Infinity',
    '5.Infinity',
    'Infinity5',
    '[1NaN]',
    'NaNs',
    'Nan',
    'I',
    '[-NaN]',
    '[NaN',
    '"NaN',
    '',
  ]) {
    expect(() => read(text), text).toThrow('Ensure that input is a valid JSON formatted string')
  }
})

test('whole numbers beyond 2^53 come back exactly, and other numbers as ever', () => {
  expect(read('[9007199254740993, -9223372036854775808, 18446744073709551615]')).toEqual([
    9_007_199_254_740_993n,
    -(2n ** 63n),
    2n ** 64n - 1n,
  ])
  expect(read('[9007199254740993, NaN, "12345678901234567890"]')).toEqual([
    9_007_199_254_740_993n,
    null,
    '12345678901234567890',
  ])
  expect(read('[0.1234567890123456789, 1234567890123456.5, 1e20]')).toEqual([
    0.123_456_789_012_345_68, 1234567890123456.5, 1e20,
  ])
  expect(read(`[${'9'.repeat(400)}]`)).toEqual([Infinity])
  expect(read(`[${'1'.repeat(8e6)}]`)).toEqual([Infinity])
})

test('megabytes made to be slow to look through are refused at once', () => {
  const started = performance.now()
  for (const text of [
    `"${'\\"'.repeat(2e6)}`,
    '1'.repeat(8e6) + '.',
    `[${'1'.repeat(8e6)}.]`,
    `[${'"a",'.repeat(1e6)}NaN`,
    '-'.repeat(4e6),
  ]) {
    expect(() => read(text)).toThrow('no valid JSON')
  }
  expect(performance.now() - started).toBeLessThan(10_000)
})

test('bytes that are no UTF-8 are refused', () => {
  expect(() => parseLenientJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow('valid UTF-8 encoded string')
})
