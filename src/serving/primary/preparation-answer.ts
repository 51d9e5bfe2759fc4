// What a preparation process says in the end. Pure.
import { z } from 'zod'

export const PreparationAnswer = z.union([
  /** Milliseconds that a worker takes to load and warm it. */
  z.strictObject({ loadMs: z.number().nonnegative() }),
  z.strictObject({ reason: z.string() }),
])
export type PreparationAnswer = z.infer<typeof PreparationAnswer>
