// A graph that no trainer of ours has made becomes a candidate: made fit to serve, its signature from the loop's columns, its baseline and examples from their rows.
import type { Target } from '../../loop/target.ts'
import { computeBaseline } from '../../models/baseline-builder.ts'
import type { Baseline } from '../../models/baseline.ts'
import { examplesFrom } from '../../models/examples.ts'
import { adaptGraph } from '../../models/graph-adaptation.ts'
import type { Signature, SignatureType } from '../../models/signature.ts'
import type { StepTools } from '../../pipelines/step.ts'
import { takeRows, type Frame, type FrameColumn } from '../../training/frame.ts'
import { readLabelled, type LabelledRows, type RowsReference } from './rows.ts'
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

/** The artifact of the run that is the graph as its maker left it, where another one serves. */
const originalFile = 'original.onnx'

type Described = Pick<Trained, 'onnx' | 'signature' | 'rewritten' | 'artifacts' | 'baseline' | 'examples' | 'rows'> & {
  readonly days: Baseline['days']
}

/** What a column may be to a graph: as its tensor says. */
const typesOfKind: Readonly<Record<FrameColumn['kind'], readonly SignatureType[]>> = {
  number: ['float', 'double', 'long', 'integer', 'boolean'],
  category: ['string'],
  time: ['datetime'],
}

/** What a candidate has whoever made it. @throws DomainError as adaptGraph; column_not_found; what `judgeDays` throws */
export async function describeGraph(tools: StepTools, { onnx, judgeDays, ...input }: ForeignGraph): Promise<Described> {
  const labelled = await readLabelled(tools, input)
  const { frame: all, classes } = labelled
  const frame = thinned(all)
  const { bytes, signature, rewrites } = adaptGraph(onnx, {
    task: input.target.task,
    inputs: frame.columns.map(({ name, kind }) => ({ name, types: typesOfKind[kind], required: true })),
    classes,
  })
  const stored = await tools.blobs.put(bytes)
  const original = rewrites.length === 0 ? null : await tools.blobs.put(onnx)
  const answers = await answersOf(bytes, signature, frame)
  const days = (await judgeDays?.(labelled, signature)) ?? []
  return {
    onnx: stored,
    signature,
    rewritten: original && { from: original.digest, changes: [...rewrites] },
    artifacts: original ? { [originalFile]: original } : {},
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
