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

/** Of 64 bits: a number where that is exact, else a bigint. The two compare with each other. */
export type Integer = number | bigint
const Integer = z.union([z.int(), z.bigint()])

/** When a point was measured: `step` may be negative, `atMs` is Unix time; clients choose both. */
export interface Moment {
  readonly step: Integer
  readonly atMs: Integer
}

/** One point. */
export interface MetricPoint extends Moment {
  readonly key: string
  readonly value: number
}

/** A point that may be one of a logged model as well. */
export interface LoggedPoint extends MetricPoint {
  readonly model?: PointOfModel | undefined
}
export interface PointOfModel {
  readonly id: string
  /** What it was measured on. */
  readonly dataset: { readonly name: string; readonly digest: string } | null
}

const summaryOf = <T extends z.ZodType, I extends z.ZodType>(value: T, integer: I) =>
  z.strictObject({
    /** Of the greatest step, then time, then value; NaN counts as 0, and of two that are alike in all the first stays. */
    latest: value,
    step: integer,
    atMs: integer,
    /** Of all points that are not NaN; null when all are. */
    min: value.nullable(),
    max: value.nullable(),
  })

/** What a list shows of a metric. */
export const MetricSummary = summaryOf(AnyNumber, Integer)
export type MetricSummary = Readonly<z.infer<typeof MetricSummary>>
/** Steps and times beyond 2^53 are rounded. */
export const WireMetricSummary = summaryOf(WireNumber, z.number())
export type WireMetricSummary = Readonly<z.infer<typeof WireMetricSummary>>

export const wireOrNull = (value: number | null): WireNumber | null => (value === null ? null : wireOfNumber(value))

export const wireOfSummary = ({ latest, step, atMs, min, max }: MetricSummary): WireMetricSummary => ({
  latest: wireOfNumber(latest),
  step: Number(step),
  atMs: Number(atMs),
  min: wireOrNull(min),
  max: wireOrNull(max),
})

/** The summary of `before` and one point more. A point that comes twice changes nothing. */
export function withPoint(before: MetricSummary | undefined, point: Omit<MetricPoint, 'key'>): MetricSummary {
  const { step, atMs, value } = point
  const bound = Number.isNaN(value) ? null : value
  if (!before) return { latest: value, step, atMs, min: bound, max: bound }
  const min = pick(before.min, bound, Math.min)
  const max = pick(before.max, bound, Math.max)
  const isLater = (compareMoments(point, before) || (value || 0) - (before.latest || 0)) > 0
  return isLater
    ? { latest: value, step, atMs, min, max }
    : { latest: before.latest, step: before.step, atMs: before.atMs, min, max }
}

/** By step, then by time. */
export function compareMoments(a: Moment, b: Moment): number {
  if (a.step !== b.step) return a.step < b.step ? -1 : 1
  if (a.atMs !== b.atMs) return a.atMs < b.atMs ? -1 : 1
  return 0
}

function pick(a: number | null, b: number | null, of: (a: number, b: number) => number): number | null {
  if (a === null || b === null) return a ?? b
  return of(a, b)
}
