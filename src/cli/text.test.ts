// What people read: numbers, times, tables, and nothing that moves a terminal's cursor.
import { expect, test } from 'vitest'
import { table } from './terminal.ts'
import {
  agoText,
  bytesText,
  cellText,
  clip,
  countText,
  durationText,
  factLines,
  numberText,
  shareText,
  timeText,
} from './text.ts'

test('a number has four significant digits, and a whole one all of them', () => {
  expect([1_234_567, 0.123456, 12.3456, -0.00002, 0, null, Number.NaN].map(numberText)).toEqual([
    '1,234,567',
    '0.1235',
    '12.35',
    '-2e-5',
    '0',
    '-',
    'NaN',
  ])
  expect(shareText(0.12345)).toBe('12.35 %')
  expect(bytesText(999)).toBe('999 B')
  expect(bytesText(12_345_678)).toBe('12.3 MB')
})

test('a moment is as short as it can be without losing anything', () => {
  const dayMs = Date.parse('2001-04-20T00:00:00Z')
  expect([dayMs, dayMs + 46_800_000, dayMs + 1_000].map(timeText)).toEqual([
    '2001-04-20',
    '2001-04-20 13:00',
    '2001-04-20 00:00:01',
  ])
  expect(agoText(dayMs, dayMs + 600_000)).toBe('10 min ago')
  expect(agoText(dayMs + 90_000_000, dayMs)).toBe('in 25 h')
  expect(durationText(350)).toBe('350 ms')
})

test('columns are as wide as their widest cell, and numbers stand to the right', () => {
  expect(
    table(
      ['NAME', 'ROWS'],
      [
        ['flights', '12'],
        ['a', '3,000,000'],
      ],
    ),
  ).toBe('NAME          ROWS\nflights         12\na        3,000,000')
})

test('a value that would move the cursor is shown as dots', () => {
  expect(table(['NAME'], [['\u001B[2J\u0007evil']])).toBe('NAME\n·[2J·evil')
  expect(
    factLines([
      ['name', 'a\r\nb'],
      ['left', undefined],
    ]),
  ).toBe('name  a··b')
})

test('a cell shows what it holds, and a clipped one that something is missing', () => {
  expect([null, 1.5, 'x', { a: 1 }].map(cellText)).toEqual(['-', '1.5', 'x', '{"a":1}'])
  expect(clip('abcdef', 4)).toBe('abc…')
  expect([countText(1, 'row'), countText(2000, 'row')]).toEqual(['1 row', '2,000 rows'])
})
