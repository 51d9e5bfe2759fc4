// What the columns of a table hold, in numbers: counts, moments, quantiles, frequent values, a histogram. Pure.
import { z } from 'zod'
import { ColumnType } from './manifest.ts'

/** A value as text or number; moments are ISO 8601 in UTC. */
const Value = z.union([z.number(), z.string(), z.boolean(), z.null()])

/** Of the quantiles that a profile has. */
export const profileQuantiles = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const
export const histogramBins = 40
export const topValuesMax = 20

export const ColumnProfile = z.object({
  name: z.string(),
  type: ColumnType,
  /** Rows without a value; NaN counts as such. */
  nulls: z.int(),
  /** Infinities; they are left out of mean, deviation, quantiles and histogram. */
  infinite: z.int(),
  distinct: z.int(),
  /**
   * Whether `distinct` and `quantiles` are exact. Else they come from sketches: the count up to some 16 % off, the quantiles by ranks less
   * than 1 %.
   */
  exact: z.boolean(),
  min: Value,
  max: Value,
  /** Of numbers. `sd` is the sample's (n - 1). */
  mean: z.number().nullable(),
  sd: z.number().nullable(),
  /** Of {@link profileQuantiles}, straight between neighbouring rows; of moments, milliseconds since 1970. */
  quantiles: z.array(z.number().nullable()),
  /** Most frequent first; of strings, booleans, integers and days. */
  top: z.array(z.object({ value: Value, count: z.int() })),
  /** `counts` of equal bins from `from` to `to`, the last one closed; of numbers, and of moments in milliseconds since 1970. */
  histogram: z.object({ from: z.number(), to: z.number(), counts: z.array(z.int()) }).nullable(),
})
export type ColumnProfile = Readonly<z.infer<typeof ColumnProfile>>

export const Profile = z.object({ rows: z.int(), columns: z.array(ColumnProfile) })
export type Profile = Readonly<z.infer<typeof Profile>>
