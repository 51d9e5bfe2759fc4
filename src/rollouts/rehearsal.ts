// A rehearsal of going back: the version that would take over again is asked its stored examples. Pure.
import { z } from 'zod'

export const Rehearsal = z.strictObject({
  /** `model/version` that was asked. */
  version: z.string(),
  /** Wall time. */
  atMs: z.int(),
  passed: z.boolean(),
  /** Stored examples that it answered as when it was registered. */
  examples: z.int().nonnegative(),
  sentence: z.string(),
})
export type Rehearsal = Readonly<z.infer<typeof Rehearsal>>

/** Loads a version apart from whatever serves, and asks it. Takes seconds at most; what goes wrong is in the result. */
export type Rehearse = (version: string) => Promise<Rehearsal>
