// What loading and running a model version in a disposable process showed. Pure.
import { z } from 'zod'

/** Milliseconds of one run, over many runs. */
export const RunLatency = z.strictObject({ p50Ms: z.number(), p99Ms: z.number(), runs: z.int().positive() })

/** Why it failed: the graph's own refusal, a crash, a hang, a wrong or missing answer. */
export const InfraFailure = z.enum([
  'graph_refused',
  'load_failed',
  'run_failed',
  'answer_differs',
  'answer_not_finite',
  'timeout',
  'crashed',
])
export type InfraFailure = z.infer<typeof InfraFailure>

export const InfraResult = z.discriminatedUnion('passed', [
  z.strictObject({
    passed: z.literal(true),
    loadMs: z.number(),
    oneRow: RunLatency,
    hundredRows: RunLatency,
    /** What the process grew by when it loaded and ran the model. */
    residentBytes: z.int().nonnegative(),
    /** Stored examples that were answered as expected. */
    examples: z.int().nonnegative(),
    /** Largest difference from an expected output. */
    differenceMax: z.number(),
  }),
  z.strictObject({ passed: z.literal(false), failure: InfraFailure, reason: z.string() }),
])
export type InfraResult = Readonly<z.infer<typeof InfraResult>>
