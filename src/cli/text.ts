// Numbers, times and rows as people read them on a terminal. Pure.
import type { Code } from '../experiments/run.ts'

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Four significant digits, thousands separated: `1,234,567`, `0.1235`, `12.35`. A dash for none. */
export function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-'
  if (!Number.isFinite(value)) return String(value)
  if (Number.isInteger(value)) return value.toLocaleString('en-US')
  const shown = Number(value.toPrecision(4))
  return Math.abs(shown) >= 1e-4 ? shown.toLocaleString('en-US', { maximumFractionDigits: 8 }) : shown.toExponential()
}

/** `0.1 %`, `12.35 %`. */
export const shareText = (share: number | null): string => (share === null ? '-' : `${numberText(share * 100)} %`)

/** `512 B`, `1.5 kB`, `12.3 MB`: powers of ten. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** UTC, to the second, to the minute when the seconds are zero, to the day at midnight: `2001-04-20`, `2001-04-20 13:00`. */
export function timeText(ms: number | null): string {
  if (ms === null) return '-'
  const text = new Date(ms).toISOString()
  if (ms % dayMs === 0) return text.slice(0, 10)
  return text.slice(0, ms % minuteMs === 0 ? 16 : 19).replace('T', ' ')
}

/** `350 ms`, `12 s`, `3 min`, `5 h`, `12 d`. */
export function durationText(ms: number): string {
  const long = Math.abs(ms)
  if (long < secondMs) return `${Math.round(ms)} ms`
  if (long < 2 * minuteMs) return `${Math.round(ms / secondMs)} s`
  if (long < 2 * hourMs) return `${Math.round(ms / minuteMs)} min`
  if (long < 2 * dayMs) return `${Math.round(ms / hourMs)} h`
  return `${Math.round(ms / dayMs)} d`
}

/** `3 min ago`; what comes is `in 3 min`. */
export function agoText(ms: number, nowMs: number): string {
  const age = nowMs - ms
  return age >= 0 ? `${durationText(age)} ago` : `in ${durationText(-age)}`
}

/** Names to the left, values in one column: `rows     3,995`. A value of undefined leaves its line out. */
export function factLines(facts: readonly (readonly [name: string, value: string | undefined])[]): string {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined)
  const width = Math.max(0, ...known.map(([name]) => name.length))
  return known.map(([name, value]) => `${name.padEnd(width)}  ${plain(value)}`.trimEnd()).join('\n')
}

/** Values come from anywhere: none may move the cursor of the terminal that shows them. */
export const plain = (text: string): string => text.replaceAll(/\p{C}/gv, '·')

/** A value of a row as it is stored, every digit of it. */
export const valueText = (value: unknown): string => (typeof value === 'number' ? String(value) : cellText(value))

/** A value of a row, as one cell. */
export const cellText = (value: unknown): string =>
  value === null || value === undefined
    ? '-'
    : typeof value === 'number'
      ? numberText(value)
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)

/** `1 row`, `2 rows`. */
export const countText = (count: number, noun: string): string =>
  `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`

/** `3fa9c1d2e0b7 with changes, snapshot 0bb1…`: commit and snapshot as far as there are; undefined without any. */
export function codeText(code: Code | null): string | undefined {
  if (!code) return undefined
  const commit = code.commit && `${code.commit.slice(0, 12)}${code.isDirty ? ' with changes' : ''}`
  return [commit, code.snapshot && `snapshot ${code.snapshot}`].filter(Boolean).join(', ') || undefined
}

/** At most `width` characters, the last one an ellipsis when something is missing. */
export const clip = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`
