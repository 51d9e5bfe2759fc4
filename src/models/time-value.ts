// A point in time as a request writes it, in microseconds since 1970 UTC. On the gateway's hot path: read by hand, without a regular expression.

/** Year 1 to year 9999: what ISO text can say, and calendar features are right for. */
const millisMin = -62_135_596_800_000
const millisMax = 253_402_300_799_999
const microsMin = BigInt(millisMin) * 1000n
const microsMax = BigInt(millisMax) * 1000n + 999n

/**
 * ISO 8601 text (a date, or date and time; without an offset UTC; digits beyond microseconds are cut), a whole number of milliseconds, a bigint
 * of microseconds, or a Date. Undefined for anything else, dates that do not exist and years outside of 1 to 9999 included.
 */
export function microsOf(value: unknown): bigint | undefined {
  if (typeof value === 'string') return microsOfText(value)
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= millisMin && value <= millisMax ? BigInt(value) * 1000n : undefined
  }
  if (typeof value === 'bigint') return value >= microsMin && value <= microsMax ? value : undefined
  return value instanceof Date ? microsOf(value.getTime()) : undefined
}

const zero = 48
const dash = 45
const colon = 58
const dateLength = 10
const textLengthMax = 40

/** The two digits at `at`; NaN when they are none, which no comparison below lets pass. */
function pair(text: string, at: number): number {
  const tens = text.charCodeAt(at) - zero
  const ones = text.charCodeAt(at + 1) - zero
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function microsOfText(text: string): bigint | undefined {
  if (text.length < dateLength || text.length > textLengthMax) return undefined
  if (text.charCodeAt(4) !== dash || text.charCodeAt(7) !== dash) return undefined
  const days = daysOf(pair(text, 0) * 100 + pair(text, 2), pair(text, 5), pair(text, 8))
  if (days === undefined) return undefined
  const clock = text.length === dateLength ? { millis: 0, micros: 0 } : clockOf(text)
  if (!clock) return undefined
  const millis = days * 86_400_000 + clock.millis
  return millis >= millisMin && millis <= millisMax ? BigInt(millis) * 1000n + BigInt(clock.micros) : undefined
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Days since 1970 of a date of the proleptic Gregorian calendar (Howard Hinnant's `days_from_civil`); undefined when there is no such day. */
function daysOf(year: number, month: number, day: number): number | undefined {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const last = month === 2 && isLeap ? 29 : monthDays[month - 1]
  if (last === undefined || !(day >= 1 && day <= last) || !(year >= 1)) return undefined
  // Years that begin in March, so that the leap day is the last.
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

/** `T10:20`, `T10:20:30`, `T10:20:30.123456789`, each with or without an offset, from the date's end on. */
function clockOf(text: string): { millis: number; micros: number } | undefined {
  const separator = text[dateLength]
  if ((separator !== 'T' && separator !== ' ' && separator !== 't') || text.charCodeAt(13) !== colon) return undefined
  const hour = pair(text, 11)
  const minute = pair(text, 14)
  let at = 16
  let second = 0
  let micros = 0
  if (text.charCodeAt(at) === colon) {
    second = pair(text, 17)
    at = 19
    const point = text[at]
    if (point === '.' || point === ',') {
      const start = ++at
      for (let digit = text.charCodeAt(at) - zero; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - zero) {
        if (at < start + 6) micros = micros * 10 + digit
      }
      if (at === start || at > start + 9) return undefined
      for (let digits = at - start; digits < 6; digits++) micros *= 10
    }
  }
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined
  const offset = at === text.length ? 0 : offsetMinutes(text, at)
  if (offset === undefined) return undefined
  const seconds = (hour * 60 + minute - offset) * 60 + second
  return { millis: seconds * 1000 + Math.floor(micros / 1000), micros: micros % 1000 }
}

/** `Z`, `+02`, `+0200`, `+02:00`, after a space or not, to the end of the text. */
function offsetMinutes(text: string, start: number): number | undefined {
  const at = text[start] === ' ' ? start + 1 : start
  const sign = text[at]
  if (sign === 'Z' || sign === 'z') return at + 1 === text.length ? 0 : undefined
  if (sign !== '+' && sign !== '-') return undefined
  const hours = pair(text, at + 1)
  const minutesAt = text.charCodeAt(at + 3) === colon ? at + 4 : at + 3
  const hasMinutes = text.length > at + 3
  const minutes = hasMinutes ? pair(text, minutesAt) : 0
  if (!(hours <= 23 && minutes <= 59) || (hasMinutes && text.length !== minutesAt + 2)) return undefined
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes)
}
