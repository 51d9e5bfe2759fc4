// The step kind models.evaluate: candidate and champion on the same held-out rows.
import { z } from 'zod'
import { Digest } from '../../data/manifest.ts'
import { Target } from '../../loop/target.ts'
import { evaluatePair } from '../../models/comparison.ts'
import { ComparisonOptions, GateEvidence } from '../../models/evaluation.ts'
import { GatePolicy } from '../../models/gate-policy.ts'
import { loadModel, type LoadedModel } from '../../models/inference.ts'
import { Signature } from '../../models/signature.ts'
import type { StepKind, StepTools } from '../../pipelines/step.ts'
import { readLabelled, RowsReference } from './rows.ts'
import { Trained } from './train-step.ts'

/** The champion to compare with, as the control plane knows it; null: there is none yet. */
export const Opponent = z.strictObject({ version: z.string(), digest: Digest, signature: Signature }).nullable()

export const EvaluateInput = z.strictObject({
  candidate: Trained,
  champion: Opponent,
  rows: RowsReference,
  target: Target,
  gate: GatePolicy,
})

export const Evaluated = z.strictObject({
  evidence: GateEvidence,
  rows: RowsReference,
  /** Blob of float32: the candidate's loss on each row. */
  losses: Digest,
})

export const evaluateStep: StepKind<z.infer<typeof EvaluateInput>, z.infer<typeof Evaluated>> = {
  kind: 'models.evaluate',
  version: 1,
  cacheable: true,
  input: EvaluateInput,
  output: Evaluated,
  async execute(tools, { candidate, champion, rows, target, gate }) {
    const { signature } = candidate
    const features = [...new Set([...signature.inputs, ...(champion?.signature.inputs ?? [])].map(({ name }) => name))]
    const { frame } = await readLabelled(tools, {
      rows,
      features,
      target,
      classes: target.task === 'multiclass' ? signature.classes : undefined,
    })
    const { evidence, losses } = await evaluatePair({
      candidate: await load(tools, { digest: candidate.onnx.digest, signature }),
      champion: champion && (await load(tools, champion)),
      frame,
      slices: gate.slices?.by ?? [],
      options: ComparisonOptions.parse(withoutMargin(gate.notWorseThanChampion)),
      signal: tools.signal,
    })
    const bytes = new Uint8Array(losses.buffer, losses.byteOffset, losses.byteLength)
    return { evidence, rows, losses: (await tools.blobs.put(bytes)).digest }
  },
}

async function load(
  { blobs }: StepTools,
  { digest, signature }: { digest: string; signature: Signature },
): Promise<LoadedModel> {
  return loadModel(await blobs.get(digest), { signature })
}

function withoutMargin(policy: GatePolicy['notWorseThanChampion']): object {
  if (!policy) return {}
  const { margin: _, ...options } = policy
  return options
}
