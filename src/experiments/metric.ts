// A metric: numbers by step and time under one key of a run. Pure, so web/ and client/ import it too.
import { z } from 'zod'

/** JSON has no NaN and no infinities: they travel as text, in the spelling that JavaScript and Python both read. */
export const WireNumber = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])
export type WireNumber = z.infer<typeof WireNumber>

export const numberOfWire = (value: WireNumber): number => Number(value)
export const wireOfNumber = (value: number): WireNumber =>
  Number.isFinite(value) ? value : (String(value) as 'NaN' | 'Infinity' | '-Infinity')

/** A double, with NaN and the infinities. */
const AnyNumber = z.custom<number>((value) => typeof value === 'number')

/** One point; `step` may be negative, `atMs` is Unix time. */
export interface MetricPoint {
  readonly key: string
  readonly step: number
  readonly atMs: number
  readonly value: number
}

const summaryOf = <T extends z.ZodType>(value: T) =>
  z.strictObject({
    /** Of the greatest step, then time, then value; NaN counts as the least value. */
    latest: value,
    step: z.int(),
    atMs: z.int(),
    /** Of all points that are not NaN; null when all are. */
    min: value.nullable(),
    max: value.nullable(),
  })

/** What a list shows of a metric. */
export const MetricSummary = summaryOf(AnyNumber)
export type MetricSummary = Readonly<z.infer<typeof MetricSummary>>
export const WireMetricSummary = summaryOf(WireNumber)
export type WireMetricSummary = Readonly<z.infer<typeof WireMetricSummary>>

export function wireOfSummary({ latest, min, max, ...when }: MetricSummary): WireMetricSummary {
  const orNull = (value: number | null): WireNumber | null => (value === null ? null : wireOfNumber(value))
  return { ...when, latest: wireOfNumber(latest), min: orNull(min), max: orNull(max) }
}

/** The summary of `before` and one point more. Order does not matter, and a point that comes twice changes nothing. */
export function withPoint(before: MetricSummary | undefined, point: Omit<MetricPoint, 'key'>): MetricSummary {
  const { step, atMs, value } = point
  const bound = Number.isNaN(value) ? null : value
  if (!before) return { latest: value, step, atMs, min: bound, max: bound }
  const isLater = isAfter(point, { step: before.step, atMs: before.atMs, value: before.latest })
  return {
    ...(isLater ? { latest: value, step, atMs } : { latest: before.latest, step: before.step, atMs: before.atMs }),
    min: pick(before.min, bound, Math.min),
    max: pick(before.max, bound, Math.max),
  }
}

type Moment = Omit<MetricPoint, 'key'>

function isAfter(a: Moment, b: Moment): boolean {
  if (a.step !== b.step) return a.step > b.step
  if (a.atMs !== b.atMs) return a.atMs > b.atMs
  return Number.isNaN(b.value) ? !Number.isNaN(a.value) : a.value > b.value
}

function pick(a: number | null, b: number | null, of: (a: number, b: number) => number): number | null {
  if (a === null || b === null) return a ?? b
  return of(a, b)
}
