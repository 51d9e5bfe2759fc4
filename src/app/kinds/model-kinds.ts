// The step kinds of training and models, in the control plane: what each records when its work is done.
import { z } from 'zod'
import type { Transaction } from '../../platform/database.ts'
import { logBatch } from '../../experiments/log-batch.ts'
import { Baseline } from '../../models/baseline.ts'
import { passGate } from '../../models/gate-decision.ts'
import { GatePolicy } from '../../models/gate-policy.ts'
import type { GateTables } from '../../models/gate-store.ts'
import { InfraResult } from '../../models/infra-result.ts'
import { getGraphVersion } from '../../models/model-version-store.ts'
import { parseVersion, versionText } from '../../models/model-version.ts'
import { registerVersion } from '../../models/registration.ts'
import type { RegistryTables } from '../../models/registry-tables.ts'
import { commitKind, processKind, type CompletedStep, type EngineKind } from '../../pipelines/engine-kind.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import { adoptStep } from '../steps/adopt-step.ts'
import { commandTrainStep } from '../steps/command-train-step.ts'
import { Evaluated, evaluateStep, Opponent } from '../steps/evaluate-step.ts'
import { infraStep } from '../steps/infra-step.ts'
import { Trained, trainStep } from '../steps/train-step.ts'
import { recordTraining, type Tracking, type TrackingTables } from '../tracking.ts'

export type ModelKindTables = RegistryTables & GateTables & TrackingTables
type Trx = Transaction<ModelKindTables>

export interface ModelKindDeps {
  readonly blobs: BlobStore
  readonly environment: Tracking['environment']
}

const TimeRange = z.strictObject({ fromMs: z.int(), toMs: z.int() })
const VersionOrNone = z.string().nullable()

const ResolveInput = z.strictObject({ version: VersionOrNone })
const RegisterInput = z.strictObject({
  model: z.string(),
  trained: Trained,
  infra: InfraResult,
  datasetVersion: z.string(),
  trainedOn: TimeRange,
  reason: z.string(),
})
const Registered = z.strictObject({ version: z.string() })
const GateInput = z.strictObject({
  version: z.string(),
  champion: VersionOrNone,
  evaluation: Evaluated,
  infra: InfraResult,
  gate: GatePolicy,
})
const Gated = z.strictObject({ gate: z.string(), version: z.string(), passed: z.boolean(), sentence: z.string() })

export function modelKinds({ blobs, environment }: ModelKindDeps): EngineKind<ModelKindTables>[] {
  const recorded = async (
    trx: Trx,
    done: CompletedStep<unknown, Trained>,
    rows: { dataset: string },
  ): Promise<Trained> => {
    const runId = await recordTraining(
      trx,
      { actor: done.actor, environment },
      {
        pipelineRunId: done.pipelineRun.id,
        stepRunId: done.stepRun.id,
        step: done.stepRun.name,
        labels: done.pipelineRun.labels,
        trained: done.output,
        datasetVersion: rows.dataset,
        cachedFrom: done.cachedFrom,
        nowMs: done.nowMs,
      },
    )
    return { ...done.output, runId }
  }
  return [
    processKind(trainStep, (trx: Trx, done) => recorded(trx, done, done.input.rows)),
    processKind(commandTrainStep({ path: '', variables: {} }), (trx: Trx, done) =>
      recorded(trx, done, done.input.rows),
    ),
    processKind(adoptStep, (trx: Trx, done) => recorded(trx, done, done.input.rows)),
    processKind(infraStep),
    processKind(evaluateStep, recordEvaluation),
    commitKind({ kind: 'models.resolve', version: 1, input: ResolveInput, output: Opponent }, resolveVersion),
    commitKind({ kind: 'models.register', version: 1, input: RegisterInput, output: Registered }, (trx: Trx, done) =>
      register(trx, blobs, done),
    ),
    commitKind({ kind: 'models.gate', version: 1, input: GateInput, output: Gated }, judge),
  ]
}

async function recordEvaluation(
  trx: Trx,
  { input, output, nowMs }: CompletedStep<z.infer<typeof evaluateStep.input>, z.infer<typeof Evaluated>>,
): Promise<z.infer<typeof Evaluated>> {
  const { runId } = input.candidate
  if (runId === null) return output
  const metrics = Object.entries(output.evidence.candidate.metrics).map(([key, value]) => ({
    key: `holdout.${key}`,
    value,
    step: 0,
    atMs: nowMs,
  }))
  await logBatch(trx, runId, { metrics })
  return output
}

async function resolveVersion(
  trx: Trx,
  { input }: CompletedStep<z.infer<typeof ResolveInput>, undefined>,
): Promise<z.infer<typeof Opponent>> {
  if (input.version === null) return null
  const { digest, signature } = await getGraphVersion(trx, parseVersion(input.version))
  return { version: input.version, digest, signature }
}

async function register(
  trx: Trx,
  blobs: BlobStore,
  { actor, input, pipelineRun }: CompletedStep<z.infer<typeof RegisterInput>, undefined>,
): Promise<z.infer<typeof Registered>> {
  const { model, trained, infra, datasetVersion, trainedOn, reason } = input
  const baseline = Baseline.parse(JSON.parse(Buffer.from(await blobs.get(trained.baseline.digest)).toString()))
  const version = await registerVersion(trx, actor, {
    model,
    digest: trained.onnx.digest,
    bytes: trained.onnx.bytes,
    signature: trained.signature,
    rewritten: trained.rewritten,
    baseline,
    metrics: trained.metrics,
    runId: trained.runId,
    datasetVersion,
    pipelineRunId: pipelineRun.id,
    trainedOn,
    examplesDigest: trained.examples.digest,
    infra,
    description: reason,
  })
  return { version: versionText(version) }
}

async function judge(
  trx: Trx,
  { actor, input }: CompletedStep<z.infer<typeof GateInput>, undefined>,
): Promise<z.infer<typeof Gated>> {
  const { evidence, rows } = input.evaluation
  const gate = await passGate(trx, actor, {
    ...parseVersion(input.version),
    policy: input.gate,
    champion: input.champion === null ? null : parseVersion(input.champion).version,
    evidence,
    datasetVersion: rows.dataset,
    heldOut: { fromMs: rows.fromMs, toMs: rows.toMs },
  })
  return { gate: gate.id, version: input.version, passed: gate.passed, sentence: gate.sentence }
}
