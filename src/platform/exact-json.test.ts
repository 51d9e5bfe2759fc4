// JSON that comes back as it was written.
import { expect, test } from 'vitest'
import { parseExact, printExact } from './exact-json.ts'

test('what Python writes comes back to the letter', () => {
  const texts = [
    '{"a": 1.0, "b": 1, "c": 9223372036854775808, "d": 1e-05, "e": NaN, "f": [Infinity, -Infinity], "g": null}',
    '{"NaN": "NaN, Infinity and \\"NaN\\"", "x": [true, false, {}], "__proto__": {"y": []}}',
    String.raw`["\u00e9\u0000\ud83d\ude00", "\\", "\""]`,
    '"text"',
    '-0.0',
  ]
  for (const text of texts) expect(printExact(parseExact(text))).toBe(text)
})

test('keys in order when that is asked for', () => {
  expect(printExact(parseExact('{"b": 1, "a": {"d": 2, "c": 3}}'), { isSorted: true })).toBe(
    '{"a": {"c": 3, "d": 2}, "b": 1}',
  )
})

test('what is no JSON, or too deep to be read by others, is refused', () => {
  for (const text of ['{', 'nan', "{'a': 1}", '', '[1,]', 'NaN NaN']) {
    expect(() => parseExact(text), text).toThrow(expect.objectContaining({ code: 'json_invalid' }))
  }
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
  expect(printExact(parseExact(deep(200)))).toBe(deep(200))
  expect(() => printExact(parseExact(deep(300)))).toThrow(expect.objectContaining({ code: 'json_invalid' }))
})
