// The step kind models.adopt: somebody else's graph becomes a candidate, with a baseline and examples from the loop's own rows.
import { z } from 'zod'
import { Digest } from '../../data/manifest.ts'
import { Target } from '../../loop/target.ts'
import { computeBaseline } from '../../models/baseline-builder.ts'
import { examplesFrom } from '../../models/examples.ts'
import { assertGraphFits, checkGraph } from '../../models/graph-check.ts'
import { Signature } from '../../models/signature.ts'
import type { StepKind } from '../../pipelines/step.ts'
import { takeRows, type Frame } from '../../training/frame.ts'
import { readLabelled, RowsReference } from './rows.ts'
import { answersOf, putJson, Trained } from './train-step.ts'

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

/** Rows that the baseline counts, at most: enough for its bins, and a slow graph does not hold the step up for long. */
const baselineRowsMax = 20_000

export const adoptStep: StepKind<AdoptInput, Trained> = {
  kind: 'models.adopt',
  version: 1,
  cacheable: true,
  input: AdoptInput,
  output: Trained,
  async execute(tools, input) {
    const onnx = await tools.blobs.get(input.onnx)
    const checked = checkGraph(onnx)
    const { frame: all, classes } = await readLabelled(tools, input)
    const frame = thinned(all)
    const signature = Signature.parse({
      task: input.target.task,
      inputs: frame.columns.map(({ name, kind }) => ({ name, type: typeOf[kind] })),
      classes,
    })
    assertGraphFits(checked, signature)
    const answers = await answersOf(onnx, signature, frame)
    return {
      onnx: { digest: input.onnx, bytes: onnx.length },
      signature,
      // Without cross-fitted days: the graph's maker alone could train it again without them.
      baseline: await putJson(tools, computeBaseline({ frame, signature, answers, days: [] })),
      examples: await putJson(tools, examplesFrom({ frame, signature }, answers)),
      metrics: {},
      params: { origin: input.origin },
      seed: 0,
      rows: frame.rowCount,
      runId: null,
    }
  },
}

const typeOf = { number: 'float', category: 'string', time: 'datetime' } as const

function thinned(frame: Frame): Frame {
  if (frame.rowCount <= baselineRowsMax) return frame
  const rows = Array.from({ length: baselineRowsMax }, (_, at) => Math.floor((at * frame.rowCount) / baselineRowsMax))
  return takeRows(frame, rows)
}
