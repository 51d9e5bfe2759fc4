// The step kind models.adopt: somebody else's graph becomes a candidate, with a baseline and examples from the loop's own rows.
import { z } from 'zod'
import { Digest } from '../../data/manifest.ts'
import { Target } from '../../loop/target.ts'
import type { StepKind } from '../../pipelines/step.ts'
import { describeGraph } from './foreign-graph.ts'
import { RowsReference } from './rows.ts'
import { Trained } from './train-step.ts'

export const AdoptInput = z.strictObject({
  /** Blob with the ONNX bytes. */
  onnx: Digest,
  /** Who made it and how, in words. */
  origin: z.string().min(1).max(2000),
  rows: RowsReference,
  features: z.array(z.string()).min(1),
  target: Target,
})
type AdoptInput = z.infer<typeof AdoptInput>

export const adoptStep: StepKind<AdoptInput, Trained> = {
  kind: 'models.adopt',
  version: 2,
  cacheable: true,
  input: AdoptInput,
  output: Trained,
  async execute(tools, { onnx: digest, origin, ...input }) {
    const onnx = await tools.blobs.get(digest)
    const { days: _, ...described } = await describeGraph(tools, { onnx, ...input })
    return {
      ...described,
      metrics: {},
      params: { origin },
      seed: 0,
      runId: null,
    }
  },
}
