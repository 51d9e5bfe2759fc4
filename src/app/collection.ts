// A collection: the end of what was deleted, as it is asked for and as it is told. Pure.
import { z } from 'zod'

/** Of one list. */
export const idsMax = 10_000
const ids = z.array(z.string().min(1).max(300)).max(idsMax)

export const CollectionRequest = z.strictObject({
  /** Only what was deleted at least so long ago. */
  olderThanMs: z.int().nonnegative().default(0),
  /** Given one of these lists, only what they name goes, and all of it must be deleted already. */
  runIds: ids.optional(),
  experimentIds: ids.optional(),
  loggedModelIds: ids.optional(),
  /** Counts what would go. */
  isDryRun: z.boolean().default(false),
})
export type CollectionRequest = Readonly<z.infer<typeof CollectionRequest>>

export const Collection = z.strictObject({
  id: z.string(),
  state: z.enum(['running', 'finished', 'failed']),
  isDryRun: z.boolean(),
  experiments: z.int(),
  runs: z.int(),
  loggedModels: z.int(),
  traces: z.int(),
  /** Of runs, models and traces that go. */
  files: z.int(),
  fileBytes: z.int(),
  /** Stored bytes that nothing names any more: files have them in common, so they may be fewer than `fileBytes`, and older ones may come to them. */
  blobs: z.int(),
  blobBytes: z.int(),
  startedAtMs: z.int(),
  finishedAtMs: z.int().nullable(),
  /** Why it failed. */
  error: z.string().nullable(),
})
export type Collection = Readonly<z.infer<typeof Collection>>
