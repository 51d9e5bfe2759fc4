// The baseline of a model version: bins and training counts of each input and of the prediction, which live values are counted into. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { binCount, FeatureBins } from '../statistics/binning.ts'
import { MISSING_MICROS as missingMicros } from '../training/frame.ts'
import type { Signature } from './signature.ts'

export const BaselineFeature = z.strictObject({
  /** Input column. */
  name: z.string(),
  /** What is binned: the value itself, or a calendar part of a time stamp (hour 0-23 UTC; weekday 0 = Monday). */
  derive: z.enum(['value', 'hour', 'weekday']),
  bins: FeatureBins,
  /** Training rows in each bin, in the layout that statistics/binning.ts documents. */
  counts: z.array(z.int().nonnegative()),
})
export type BaselineFeature = Readonly<z.infer<typeof BaselineFeature>>

export const Baseline = z.strictObject({
  rows: z.int().positive(),
  features: z.array(BaselineFeature),
  /** Of the positive class's probability, of the regression value, or of the predicted class (category bins of class names). */
  prediction: z.strictObject({ bins: FeatureBins, counts: z.array(z.int().nonnegative()) }),
  /** Cross-fitted daily values on the training period, for thresholds: one row a day of event time. */
  days: z.array(
    z.strictObject({
      dayMs: z.int(),
      rows: z.int().positive(),
      sumPredicted: z.number(),
      sumObserved: z.number(),
      sumLoss: z.number(),
    }),
  ),
})
export type Baseline = Readonly<z.infer<typeof Baseline>>

/**
 * Every feature is an input of the model, and every count has its bin.
 * @throws DomainError baseline_mismatch
 */
export function baselineFits(baseline: Baseline, signature: Signature): void {
  const mismatch = (message: string): DomainError =>
    new DomainError(
      'invalid',
      'baseline_mismatch',
      `the baseline does not fit the model: ${message}; compute it again from the training rows`,
    )
  const inputs = new Set(signature.inputs.map(({ name }) => name))
  for (const { name, bins, counts } of baseline.features) {
    if (!inputs.has(name)) throw mismatch(`"${name}" is no input of the model`)
    if (counts.length !== binCount(bins))
      throw mismatch(`"${name}" has ${counts.length} counts for ${binCount(bins)} bins`)
  }
  const { bins, counts } = baseline.prediction
  if (counts.length !== binCount(bins))
    throw mismatch(`the prediction has ${counts.length} counts for ${binCount(bins)} bins`)
}

const microsPerHour = 3_600_000_000n
const microsPerDay = 86_400_000_000n

/** What is binned of a time stamp in microseconds: its hour (UTC) or weekday (0 = Monday), or itself; null when it is missing. */
export function derivedValue(micros: bigint, derive: BaselineFeature['derive']): number | null {
  if (micros === missingMicros) return null
  if (derive === 'value') return Number(micros)
  const ofDay = ((micros % microsPerDay) + microsPerDay) % microsPerDay
  if (derive === 'hour') return Number(ofDay / microsPerHour)
  const weekday = ((micros - ofDay) / microsPerDay + 3n) % 7n // 1970-01-01 was a Thursday.
  return Number(weekday < 0n ? weekday + 7n : weekday)
}
