// The baseline of a model version: bins and training counts of each input and of the prediction, which live values are counted into. Pure.
import { z } from 'zod'
import { FeatureBins } from '../statistics/binning.ts'

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
