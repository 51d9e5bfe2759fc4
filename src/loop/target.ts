// What a model predicts, as data: a column of the dataset, or a comparison of one. Pure.
import { z } from 'zod'

const column = z.string().min(1).max(256)

/** Of a number column with a number, or of any column with a text or a boolean (`=` and `!=` only). */
export const Operator = z.enum(['>', '>=', '<', '<=', '=', '!='])
export type Operator = z.infer<typeof Operator>

const BinaryTarget = z
  .strictObject({
    task: z.literal('binary'),
    column,
    operator: Operator,
    value: z.union([z.number(), z.string(), z.boolean()]),
  })
  .refine(({ operator, value }) => typeof value === 'number' || operator === '=' || operator === '!=', {
    path: ['operator'],
    message: 'a text or a boolean is compared with = or != only',
  })

/** binary: whether the comparison holds (the positive class). multiclass: one of a column's values. regression: its number. */
export const Target = z.discriminatedUnion('task', [
  BinaryTarget,
  z.strictObject({ task: z.literal('multiclass'), column }),
  z.strictObject({ task: z.literal('regression'), column }),
])
export type Target = Readonly<z.infer<typeof Target>>
