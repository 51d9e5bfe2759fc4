// Durations as people write them (`28d`, `12h`, `90s`) and as the program counts them. Pure.
import { z } from 'zod'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Unit = keyof typeof unitMs

const pattern = /^(?<count>\d{1,9}(?:\.\d{1,3})?)(?<unit>ms|s|m|h|d)$/v

export const dayMs = unitMs.d

/** A whole or decimal number and a unit: `ms`, `s`, `m` (minutes), `h`, `d` (24 hours). */
export const Duration = z.string().regex(pattern, { error: 'a duration such as "28d", "12h" or "90s"', abort: true })

/** As {@link Duration}; typed as a template, so that an editor refuses `28 days`. */
export type Duration = `${number}${Unit}`

/**
 * Milliseconds of a duration.
 * @throws RangeError for text that {@link Duration} would refuse.
 */
export function durationMs(text: string): number {
  const { count, unit } = pattern.exec(text)?.groups ?? {}
  if (!count || !unit) throw new RangeError(`"${text}" is no duration: write one such as "28d", "12h" or "90s"`)
  return Math.round(Number(count) * unitMs[unit as Unit])
}

/** The shortest exact text: 86400000 is `1d`, 5400000 is `90m`. */
export function durationText(ms: number): Duration {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return `${ms}ms`
}

/** A moment for a sentence: `2001-04-20`, with hours and minutes unless it is midnight (UTC). */
export function momentText(ms: number): string {
  const text = new Date(ms).toISOString()
  return ms % dayMs === 0 ? text.slice(0, 10) : `${text.slice(0, 16)}Z`
}
