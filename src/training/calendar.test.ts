// Calendar parts against the platform's own calendar.
import { expect, test } from 'vitest'
import { createGenerator } from '../statistics/random.ts'
import { calendarPart, calendarValues } from './calendar.ts'
import { MISSING_MICROS } from './frame.ts'

const expected = (moment: Date) => ({
  minute_of_day: moment.getUTCHours() * 60 + moment.getUTCMinutes(),
  hour: moment.getUTCHours(),
  weekday: (moment.getUTCDay() + 6) % 7,
  day_of_month: moment.getUTCDate(),
  month: moment.getUTCMonth() + 1,
  days_since_1970: Math.floor(moment.getTime() / 86_400_000),
})

test('every part of a moment is what Date says, from the year -2000 to 9000 and at the edges of days and leap years', () => {
  const random = createGenerator(1)
  const drawn = Array.from(
    { length: 3000 },
    () => -125_000_000_000_000 + Math.floor(random.uniform() * 347_000_000_000_000),
  )
  const edges = [
    '1970-01-01',
    '1969-12-31',
    '2000-02-29',
    '2000-03-01',
    '1900-02-28',
    '1900-03-01',
    '2100-12-31',
  ].flatMap((day) => [Date.parse(day), Date.parse(day) - 1, Date.parse(day) + 86_399_999])
  const wrong: unknown[] = []
  for (const millis of [...drawn, ...edges]) {
    const wanted = expected(new Date(millis))
    for (const part of Object.keys(wanted) as (keyof typeof wanted)[]) {
      // The last microsecond of the millisecond belongs to it still, before 1970 too.
      for (const micros of [BigInt(millis) * 1000n, BigInt(millis) * 1000n + 999n]) {
        if (!Object.is(calendarPart(micros, part), wanted[part])) wrong.push([millis, part, calendarPart(micros, part)])
      }
    }
  }
  expect(wrong).toEqual([])
})

test('a missing moment has no parts', () => {
  expect(calendarValues(BigInt64Array.of(MISSING_MICROS, 0n), 'weekday')).toEqual(Float32Array.of(NaN, 3))
})
