// A graph that no trainer of ours has made becomes a candidate: checked, its signature from the loop's columns, its baseline and examples from their rows.
import type { Target } from '../../loop/target.ts'
import { computeBaseline } from '../../models/baseline-builder.ts'
import type { Baseline } from '../../models/baseline.ts'
import { examplesFrom } from '../../models/examples.ts'
import { assertGraphFits, checkGraph } from '../../models/graph-check.ts'
import { Signature } from '../../models/signature.ts'
import type { StepTools } from '../../pipelines/step.ts'
import { takeRows, type Frame } from '../../training/frame.ts'
import { readLabelled, signatureTypeOf, type LabelledRows, type RowsReference } from './rows.ts'
import { answersOf, putJson, type Trained } from './train-step.ts'

/** Rows that the baseline counts, at most: enough for its bins, and a slow graph does not hold the step up for long. */
const baselineRowsMax = 20_000

export interface ForeignGraph {
  readonly onnx: Uint8Array
  readonly rows: RowsReference
  readonly features: readonly string[]
  readonly target: Target
  /** What models that have not seen a day say of it. Without it no day is judged: a graph's maker alone could train it again. */
  readonly judgeDays?: (labelled: LabelledRows, signature: Signature) => Promise<Baseline['days']>
}

type Described = Pick<Trained, 'signature' | 'baseline' | 'examples' | 'rows'> & { readonly days: Baseline['days'] }

/** What a candidate has whoever made it. @throws DomainError as checkGraph and assertGraphFits; column_not_found; what `judgeDays` throws */
export async function describeGraph(tools: StepTools, { onnx, judgeDays, ...input }: ForeignGraph): Promise<Described> {
  const checked = checkGraph(onnx)
  const labelled = await readLabelled(tools, input)
  const { frame: all, classes } = labelled
  const frame = thinned(all)
  const signature = Signature.parse({
    task: input.target.task,
    inputs: frame.columns.map(({ name, kind }) => ({ name, type: signatureTypeOf[kind] })),
    classes,
  })
  assertGraphFits(checked, signature)
  const answers = await answersOf(onnx, signature, frame)
  const days = (await judgeDays?.(labelled, signature)) ?? []
  return {
    signature,
    days,
    baseline: await putJson(tools, computeBaseline({ frame, signature, answers, days })),
    examples: await putJson(tools, examplesFrom({ frame, signature }, answers)),
    rows: all.rowCount,
  }
}

function thinned(frame: Frame): Frame {
  if (frame.rowCount <= baselineRowsMax) return frame
  const rows = Array.from({ length: baselineRowsMax }, (_, at) => Math.floor((at * frame.rowCount) / baselineRowsMax))
  return takeRows(frame, rows)
}
