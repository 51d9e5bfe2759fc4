// Times read by hand, against the platform's own reader of dates.
import { expect, test } from 'vitest'
import { createGenerator } from '../statistics/random.ts'
import { microsOf } from './time-value.ts'

const pad = (value: number, length = 2): string => String(value).padStart(length, '0')

test('random times in many notations are what Date says they are', () => {
  const generator = createGenerator(5)
  const offsets = ['Z', 'z', '', '+00:00', '+02:00', '-05:30', '+1400', '-08']
  for (let count = 0; count < 2000; count++) {
    // Date.parse reads two-digit years and expanded ones otherwise than ISO 8601 texts of four digits.
    const date = `${pad(1 + generator.integer(9998), 4)}-${pad(1 + generator.integer(12))}-${pad(1 + generator.integer(28))}`
    const time = `${pad(generator.integer(24))}:${pad(generator.integer(60))}:${pad(generator.integer(60))}`
    const micros = generator.integer(1_000_000)
    const offset = offsets[count % offsets.length]!
    const strict =
      offset === '' || offset === 'z'
        ? 'Z'
        : offset.length === 5
          ? `${offset.slice(0, 3)}:${offset.slice(3)}`
          : offset.length === 3
            ? `${offset}:00`
            : offset
    const wanted = BigInt(Date.parse(`${date}T${time}${strict}`)) * 1000n + BigInt(micros)
    const text = `${date}${count % 3 ? 'T' : ' '}${time}.${pad(micros, 6)}${offset}`
    // An offset may carry the first and last days out of the years that are read.
    const isInside = wanted >= -62_135_596_800_000_000n && wanted < 253_402_300_800_000_000n
    expect([text, microsOf(text)]).toEqual([text, isInside ? wanted : undefined])
    expect(microsOf(date)).toBe(BigInt(Date.parse(`${date}T00:00:00Z`)) * 1000n)
  }
})

test('every day of four centuries follows the one before', () => {
  let before = microsOf('1799-12-31')!
  let wrong = 0
  for (let year = 1800; year < 2200; year++) {
    for (let month = 1; month <= 12; month++) {
      for (let day = 1; day <= 31; day++) {
        const micros = microsOf(`${year}-${pad(month)}-${pad(day)}`)
        if (micros === undefined) continue
        if (micros - before !== 86_400_000_000n) wrong++
        before = micros
      }
    }
  }
  expect(wrong).toBe(0)
  expect(before).toBe(microsOf('2199-12-31'))
})

test('what is no time is refused', () => {
  const wrong = [
    '2001-02-29',
    '1900-02-29',
    '2001-00-10',
    '2001-1-1',
    '0000-01-01',
    '2001-01-01T',
    '2001-01-01T1',
    '2001-01-01T10',
    '2001-01-01T10:60',
  ]
  const more = [
    '2001-01-01T10:00:60',
    '2001-01-01T10:00:00.',
    '2001-01-01T10:00:00.1234567890',
    '2001-01-01T10:00:00Q',
    '2001-01-01T10:00:00ZZ',
    '2001-01-01T10:00:00+',
    '2001-01-01T10:00:00+2',
    '2001-01-01T10:00:00+02:0',
    '2001-01-01T10:00:00+02:000',
    '2001-01-01T10:00:00+24:00',
    '2001-01-01x10:00',
    '２001-01-01',
    ' 2001-01-01',
    '2001-01-01 ',
    '+002001-01-01',
  ]
  for (const text of [...wrong, ...more]) expect([text, microsOf(text)]).toEqual([text, undefined])
  expect(microsOf('2000-02-29')).toBeDefined()
  expect([
    microsOf(Number.NaN),
    microsOf(Infinity),
    microsOf(null),
    microsOf(new Date(Number.NaN)),
    microsOf(10n ** 30n),
  ]).toEqual([undefined, undefined, undefined, undefined, undefined])
})
