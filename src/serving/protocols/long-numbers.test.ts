// Long whole numbers in JSON become text, and nothing else changes.
import { expect, test } from 'vitest'
import { quoteLongs } from './long-numbers.ts'

const quoted = (text: string): string => quoteLongs(Buffer.from(text)).toString()

test.each([
  ['[9007199254740993,-9223372036854775808]', '["9007199254740993","-9223372036854775808"]'],
  ['[1234567890123456]', '["1234567890123456"]'],
  ['18446744073709551615', '"18446744073709551615"'],
])('%s becomes %s', (text, expected) => {
  expect(quoted(text)).toBe(expected)
})

test.each([
  '[123456789012345, 1.2345678901234567, 1234567890123456.5, 1234567890123456e3, 12e1234567890123456]',
  '{"9007199254740993": "9007199254740993", "a\\"9007199254740993": [true, false, null, NaN]}',
  '["\\\\", "\\u005c9007199254740993", "\u{1F6EB}9007199254740993"]',
  `[${'9'.repeat(21)}]`,
  '',
])('%s stays as it is', (text) => {
  expect(quoted(text)).toBe(text)
})
