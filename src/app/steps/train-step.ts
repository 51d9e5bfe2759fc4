// The step kind training.train: rows in; a graph, its signature, baseline and stored examples out.
import { z } from 'zod'
import { Digest } from '../../data/manifest.ts'
import { Target } from '../../loop/target.ts'
import { computeBaseline, crossFittedDays, type Fold } from '../../models/baseline-builder.ts'
import type { Baseline } from '../../models/baseline.ts'
import { examplesFrom, type Examples } from '../../models/examples.ts'
import { loadModel } from '../../models/inference.ts'
import { Rewritten } from '../../models/model-version.ts'
import { answersFor, type Answers } from '../../models/scoring.ts'
import { Signature } from '../../models/signature.ts'
import type { BlobRef } from '../../platform/blobs.ts'
import type { StepKind, StepTools } from '../../pipelines/step.ts'
import { createGenerator } from '../../statistics/random.ts'
import { takeRows, type Frame } from '../../training/frame.ts'
import { train, type TrainingInput } from '../../training/trainer.ts'
import { TrainerSpec } from '../../training/trainer-spec.ts'
import type { TrainedModel } from '../../training/trained-model.ts'
import { readLabelled, RowsReference, type LabelledRows } from './rows.ts'

const Blob = z.strictObject({ digest: Digest, bytes: z.int().positive() })

/** A candidate before it has a name: what training (or adopting somebody's graph) gives, and what later steps work on. */
export const Trained = z.strictObject({
  onnx: Blob,
  signature: Signature,
  /** How the graph differs from its maker's file; null: in nothing. */
  rewritten: Rewritten.nullable().default(null),
  /** Blob with a `Baseline`. */
  baseline: Blob,
  /** Blob with `Examples`. */
  examples: Blob,
  metrics: z.record(z.string(), z.number()),
  params: z.record(z.string(), z.string()),
  /** Whatever else its maker left, by name. */
  artifacts: z.record(z.string(), z.strictObject({ digest: Digest, bytes: z.int().nonnegative() })).default({}),
  seed: z.int(),
  /** What was trained on, in rows. */
  rows: z.int().positive(),
  /** The run that it was recorded as; null until the control plane has. */
  runId: z.string().nullable(),
})
export type Trained = Readonly<z.infer<typeof Trained>>

export const TrainInput = z.strictObject({
  rows: RowsReference,
  features: z.array(z.string()).min(1),
  target: Target,
  trainer: TrainerSpec,
  seed: z.int().nonnegative(),
  threads: z.int().positive(),
})
type TrainInput = z.infer<typeof TrainInput>

/** Rows that teach the model of a fold. Days differ by far more than a model of all rows would differ from one of these. */
const foldRowsMax = 100_000
/** Fewer days say nothing about how days differ, so that no threshold can be set from them. */
const daysMin = 7
const folds = 5

export const trainStep: StepKind<TrainInput, Trained> = {
  kind: 'training.train',
  version: 1,
  cacheable: true,
  input: TrainInput,
  output: Trained,
  async execute(tools, input) {
    tools.progress(0, 'reading rows')
    const labelled = await readLabelled(tools, input)
    const threads = Math.min(input.threads, tools.threads)
    const training = { spec: input.trainer, frame: labelled.frame, seed: input.seed, threads, signal: tools.signal }
    const model = await train({
      ...training,
      onProgress: ({ iteration, iterations, trainLoss }) => {
        tools.progress(0.05 + 0.6 * (iteration / iterations), `training: ${iteration} of ${iterations}`)
        tools.metric('train_loss', trainLoss, iteration)
      },
    })
    const { objective, inputs } = model
    const signature = Signature.parse({
      task: objective,
      inputs: inputs.map(({ name, type }) => ({ name, type })),
      classes: labelled.classes,
    })
    const days = await judgedDays(tools, { training, labelled, signature })
    tools.progress(0.9, 'baseline')
    return describe(tools, { input, labelled, model, signature, days })
  },
}

/** What models that have not seen a day say of it. */
async function judgedDays(
  tools: StepTools,
  { training, labelled, signature }: { training: TrainingInput; labelled: LabelledRows; signature: Signature },
): Promise<Baseline['days']> {
  if (!hasDaysToJudge(labelled)) return []
  const trainPart = async (part: Frame, { index }: Fold): Promise<(rows: Frame) => Float64Array> => {
    tools.progress(0.65 + 0.25 * (index / folds), `cross-fitting: ${index + 1} of ${folds}`)
    const frame = sampleOf(part, training.seed)
    const model = await train({ ...training, frame })
    return (rows) => model.predict(rows)
  }
  return crossFittedDays(trainPart, { frame: labelled.frame, signature, micros: labelled.times, folds })
}

const dayMicros = 86_400_000_000n

export const hasDaysToJudge = ({ times }: LabelledRows): boolean =>
  new Set(Array.from(times, (time) => time / dayMicros)).size >= daysMin

function sampleOf(frame: Frame, seed: number): Frame {
  if (frame.rowCount <= foldRowsMax) return frame
  const generator = createGenerator(seed)
  const share = foldRowsMax / frame.rowCount
  return takeRows(
    frame,
    Array.from({ length: frame.rowCount }, (_, row) => row).filter(() => generator.uniform() < share),
  )
}

interface Finished {
  readonly input: TrainInput
  readonly labelled: LabelledRows
  readonly model: TrainedModel
  readonly signature: Signature
  readonly days: Baseline['days']
}

async function describe(tools: StepTools, { input, labelled, model, signature, days }: Finished): Promise<Trained> {
  const { frame } = labelled
  const answers = await answersOf(model.onnx, signature, frame)
  const baseline: Baseline = computeBaseline({ frame, signature, answers, days })
  const examples: Examples = examplesFrom({ frame, signature }, answers)
  const { trainer, objective, ...params } = input.trainer
  return {
    onnx: await tools.blobs.put(model.onnx),
    signature,
    rewritten: null,
    baseline: await putJson(tools, baseline),
    examples: await putJson(tools, examples),
    metrics: { iterations: model.iterations, ...importances(model), ...crossFitted(days) },
    params: Object.fromEntries(
      Object.entries({ trainer, objective, ...params, seed: input.seed }).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
    artifacts: {},
    seed: input.seed,
    rows: frame.rowCount,
    runId: null,
  }
}

/** What the graph itself says of every row. */
export async function answersOf(onnx: Uint8Array, signature: Signature, frame: Frame): Promise<Answers> {
  const loaded = await loadModel(onnx, { signature })
  try {
    return await answersFor(loaded, frame)
  } finally {
    await loaded.release()
  }
}

export const putJson = (tools: StepTools, value: unknown): Promise<BlobRef> =>
  tools.blobs.put(Buffer.from(JSON.stringify(value)))

const importances = (model: TrainedModel): Record<string, number> =>
  Object.fromEntries(model.featureImportance.slice(0, 50).map(({ name, gain }) => [`gain.${name}`, gain]))

/** Loss and calibration of the cross-fitted rows: what to expect of this trainer on days it has not seen. */
export function crossFitted(days: Baseline['days']): Record<string, number> {
  if (days.length === 0) return {}
  const sum = (pick: (day: Baseline['days'][number]) => number): number =>
    days.reduce((total, day) => total + pick(day), 0)
  const rows = sum((day) => day.rows)
  return {
    cross_fitted_loss: sum((day) => day.sumLoss) / rows,
    cross_fitted_gap: sum((day) => day.sumPredicted - day.sumObserved) / rows,
  }
}
