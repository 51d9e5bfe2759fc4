// The step kind data.make_split: a version's rows counted and digested by the parts that a rule puts them into.
import { z } from 'zod'
import { Digest } from '../../data/manifest.ts'
import { openVersion } from '../../data/select.ts'
import { makeSplit, Split, SplitRule } from '../../data/split.ts'
import type { StepKind } from '../../pipelines/step.ts'
import { openTables } from '../../platform/tables.ts'
import { readManifest } from './rows.ts'

export const SplitStepInput = z.strictObject({
  dataset: z.string(),
  version: z.int().positive(),
  /** Blob with the manifest, and the digest of its rows. */
  manifest: Digest,
  versionDigest: Digest,
  rule: SplitRule,
})
export type SplitStepInput = z.infer<typeof SplitStepInput>

export const splitStep: StepKind<SplitStepInput, Split> = {
  kind: 'data.make_split',
  version: 1,
  cacheable: true,
  input: SplitStepInput,
  output: Split,
  async execute(tools, { manifest: blob, versionDigest, rule }) {
    tools.progress(0, 'placing rows')
    await using tables = await openTables({ ...tools, tempDirectory: tools.scratchDirectory })
    const manifest = await readManifest(tools.blobs, blob)
    await openVersion({ tables, blobs: tools.blobs }, { manifest, view: 'version' })
    // Awaited here: the tables go with this scope.
    return await makeSplit(tables, { view: 'version', manifest, versionDigest, rule })
  },
}
