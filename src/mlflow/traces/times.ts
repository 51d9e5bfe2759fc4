// Times and durations as protobuf's JSON spells them.
import { invalidParameter } from '../wire/errors.ts'

/** `2026-11-21T18:02:40.858Z`, without the fraction where it is none. */
export const timestampOf = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')

/** `0.426s`, `1.500s`, `1s` */
export const durationOf = (ms: number): string => `${(ms / 1000).toFixed(ms % 1000 === 0 ? 0 : 3)}s`

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function msOfTimestamp(text: string, field: string): number {
  // Dates know milliseconds; of more digits the first three count.
  const ms = Date.parse(text.replace(/(?<kept>\.\d{3})\d+/v, '$<kept>'))
  if (Number.isNaN(ms))
    throw invalidParameter(`Invalid value "${text}" for parameter '${field}' supplied: not a timestamp.`)
  return ms
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function msOfDuration(text: string, field: string): number {
  const seconds = Number(/^(?<seconds>-?\d+(?:\.\d+)?)s$/v.exec(text)?.groups?.['seconds'] ?? Number.NaN)
  const ms = Math.trunc(seconds * 1000 + Math.sign(seconds) * 1e-6)
  if (!Number.isSafeInteger(ms))
    throw invalidParameter(`Invalid value "${text}" for parameter '${field}' supplied: not a duration.`)
  return ms
}

/** A time in milliseconds that a client chose. @throws MlflowError INVALID_PARAMETER_VALUE */
export function msOfInteger(value: number | bigint, field: string): number {
  if (Number.isSafeInteger(Number(value))) return Number(value)
  throw invalidParameter(`Invalid value ${value} for parameter '${field}' supplied: not a time in milliseconds.`)
}
