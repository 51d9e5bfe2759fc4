// The manifest of a batch scoring. Pure.
import { z } from 'zod'
import { Digest } from '../data/manifest.ts'

/** What was scored with what: a file beside the output, and what the control plane is told. */
export const ScoringManifest = z.strictObject({
  /** The same when a scoring goes on after it was killed. */
  id: z.string().regex(/^scr_\w{1,60}$/v),
  endpoint: z.string(),
  /** `model/version`. */
  version: z.string(),
  /** sha256 of the ONNX bytes. */
  model: Digest,
  rows: z.int().nonnegative(),
  input: z.strictObject({ path: z.string().max(4096), digest: Digest }),
  output: z.strictObject({ path: z.string().max(4096), digest: Digest }),
  /** Columns of the input in the output. */
  keys: z.array(z.string()).max(4096),
  finishedAtMs: z.int(),
})
export type ScoringManifest = Readonly<z.infer<typeof ScoringManifest>>
