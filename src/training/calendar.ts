// Calendar features of a moment: what part of a time stamp a model sees. Pure; the graph of `onnx/calendar-graph.ts` computes the same.
import { z } from 'zod'
import { MISSING_MICROS } from './frame.ts'

/**
 * Parts of a moment in UTC: `minute_of_day` 0 to 1439, `hour` 0 to 23, `weekday` 0 (Monday) to 6, `day_of_month` 1 to 31, `month` 1 to 12,
 * `days_since_1970`, which may be negative.
 */
export const CalendarPart = z.enum(['minute_of_day', 'hour', 'weekday', 'day_of_month', 'month', 'days_since_1970'])
export type CalendarPart = z.infer<typeof CalendarPart>

export const MICROS_PER_DAY = 86_400_000_000n
export const MICROS_PER_MINUTE = 60_000_000n

/** 1970-01-01 was a Thursday, three days after a Monday. */
export const WEEKDAY_OF_DAY_ZERO = 3

/** How many values a part has, where they are few enough to be told apart as categories: values are `first` to `first + count - 1`. */
export const CALENDAR_RANGES: Readonly<Partial<Record<CalendarPart, { first: number; count: number }>>> = {
  hour: { first: 0, count: 24 },
  weekday: { first: 0, count: 7 },
  day_of_month: { first: 1, count: 31 },
  month: { first: 1, count: 12 },
}

/** The part of each moment as float32, NaN where the moment is missing. */
export function calendarValues(micros: BigInt64Array, part: CalendarPart): Float32Array {
  const values = new Float32Array(micros.length)
  for (let row = 0; row < micros.length; row++) {
    const moment = micros[row]!
    values[row] = moment === MISSING_MICROS ? NaN : calendarPart(moment, part)
  }
  return values
}

/** One part of one moment, right before 1970 too. */
export function calendarPart(micros: bigint, part: CalendarPart): number {
  const { day, minuteOfDay } = splitMoment(micros)
  switch (part) {
    case 'minute_of_day':
      return minuteOfDay
    case 'hour':
      return Math.floor(minuteOfDay / 60)
    case 'weekday':
      return (((day + WEEKDAY_OF_DAY_ZERO) % 7) + 7) % 7
    case 'day_of_month':
      return civilFromDays(day).dayOfMonth
    case 'month':
      return civilFromDays(day).month
    case 'days_since_1970':
      return day
  }
}

/** Plain numbers where they are exact (until the year 2255), since bigint arithmetic costs a column of half a million rows a second. */
function splitMoment(micros: bigint): { day: number; minuteOfDay: number } {
  const number = Number(micros)
  const remainder = Number.isSafeInteger(number) ? number % Number(MICROS_PER_DAY) : Number(micros % MICROS_PER_DAY)
  const microsOfDay = remainder < 0 ? remainder + Number(MICROS_PER_DAY) : remainder + 0
  const midnight = Number.isSafeInteger(number) ? number - microsOfDay : Number(micros - BigInt(microsOfDay))
  return {
    day: Math.round(midnight / Number(MICROS_PER_DAY)),
    minuteOfDay: Math.floor(microsOfDay / Number(MICROS_PER_MINUTE)),
  }
}

/**
 * Month and day in the Gregorian calendar. Counts in eras of 400 years from the first of March of the year 0, so that the leap day is a year's
 * last (Howard Hinnant, "chrono-compatible low-level date algorithms").
 */
function civilFromDays(day: number): { month: number; dayOfMonth: number } {
  const shifted = day + 719_468
  const dayOfEra = shifted - Math.floor(shifted / 146_097) * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  return { month: marchMonth < 10 ? marchMonth + 3 : marchMonth - 9, dayOfMonth }
}
