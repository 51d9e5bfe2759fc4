// A point in time as a request writes it, in microseconds since 1970 UTC.

/** Year 1 to year 9999: what ISO text can say, and calendar features are right for. */
const millisMin = -62_135_596_800_000
const millisMax = 253_402_300_799_999
const microsMin = BigInt(millisMin) * 1000n
const microsMax = BigInt(millisMax) * 1000n + 999n

const pattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|[+\-]\d\d(?::?\d\d)?)?)?$/v

/**
 * ISO 8601 text (without an offset: UTC; digits beyond microseconds are cut), a whole number of milliseconds, a bigint of microseconds, or a
 * Date. Undefined for anything else, dates that do not exist and years outside of 1 to 9999 included.
 */
export function microsOf(value: unknown): bigint | undefined {
  if (typeof value === 'string') return microsOfText(value)
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= millisMin && value <= millisMax ? BigInt(value) * 1000n : undefined
  }
  if (typeof value === 'bigint') return value >= microsMin && value <= microsMax ? value : undefined
  return value instanceof Date ? microsOf(value.getTime()) : undefined
}

function microsOfText(text: string): bigint | undefined {
  const parts = pattern.exec(text)
  if (!parts) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset] = parts
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const midnight = new Date(0)
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  // The 31st of a month of 30 days would silently be the 1st of the next.
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) return undefined
  const shift = offsetMinutes(offset)
  if (shift === undefined) return undefined
  const seconds = Number(hour) * 3600 + (Number(minute) - shift) * 60 + Number(second)
  const millis = midnight.getTime() + seconds * 1000
  if (millis < millisMin || millis > millisMax) return undefined
  return BigInt(millis) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'))
}

function offsetMinutes(offset: string | undefined): number | undefined {
  if (offset === undefined || offset === 'Z' || offset === 'z') return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(3).replace(':', ''))
  if (hours > 23 || minutes > 59) return undefined
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
