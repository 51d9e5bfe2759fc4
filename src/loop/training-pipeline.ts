// The pipeline of one attempt: from rows of a dataset version to a registered model version that its gate has judged. Pure.
import { z } from 'zod'
import { PipelineSpec } from '../pipelines/pipeline.ts'
import { loopCodeMissing } from './command-trainer.ts'
import { durationMs } from './duration.ts'
import type { LoopCommand } from './policy-state.ts'
import type { Definition } from './plan.ts'
import type { LoopSpec } from './spec.ts'

/** The step whose output tells the loop how the attempt went. */
export const gateStep = 'gate'

/** The step that makes a model from rows, with the loop's own code. */
export const trainingStep = 'train'

/** What the gate step's output holds at least. */
export const PipelineGateOutput = z.object({
  /** Id of the stored gate result. */
  gate: z.string(),
  /** The candidate, `model/version`. */
  version: z.string(),
  passed: z.boolean(),
  /** Why, with its numbers. */
  sentence: z.string(),
})

/** The registered model of a loop has the loop's name. */
export const modelName = (spec: LoopSpec): string => spec.name

/** Step kind that takes a graph made elsewhere in the place of a training. */
const adoptKind = 'models.adopt'

const from = (name: string, path?: string): object => ({ $from: name, ...(path ? { path } : {}) })

type StartTraining = Extract<LoopCommand, { kind: 'start_training' }>

/** The graph for a command of the policy: the same command gives the same graph, so that an unchanged step is found in the cache. */
export function trainingPipeline({ spec, code }: Definition, command: StartTraining): PipelineSpec {
  const { features, target, gate } = spec
  const { window, datasetVersion, champion, trigger } = command
  const { proposal } = trigger
  const trained = from(proposal ? 'adopt' : trainingStep)
  const rows = from('split', 'training')
  const maker = proposal
    ? step('adopt', adoptKind, { onnx: proposal.onnx, origin: trigger.reason, rows, features, target })
    : makerStep({ spec, code }, rows)
  const infra = from('infra')
  const steps = [
    step('split', 'data.split', { dataset: datasetVersion, training: window.training, holdout: window.holdout }),
    maker,
    step('infra', 'models.infra_validate', { trained }),
    // What a step process cannot look up: the champion's bytes and signature.
    step('champion', 'models.resolve', { version: champion }),
    step('evaluate', 'models.evaluate', {
      candidate: trained,
      champion: from('champion'),
      rows: from('split', 'holdout'),
      target,
      gate,
    }),
    step('register', 'models.register', {
      model: modelName(spec),
      trained,
      infra,
      datasetVersion,
      trainedOn: window.training,
      reason: trigger.reason,
    }),
    step(gateStep, 'models.gate', {
      version: from('register', 'version'),
      champion,
      evaluation: from('evaluate'),
      infra,
      gate,
    }),
  ]
  return PipelineSpec.parse({ name: `${spec.name}.${proposal ? 'adopt' : 'train'}`, steps })
}

/** @throws DomainError loop_code_missing */
function makerStep({ spec, code }: Definition, rows: object): object {
  const { name: loop, features, target, training } = spec
  const { trainer, seed, threads } = training
  const common = { rows, features, target, seed, threads }
  if (trainer.trainer !== 'command') return step(trainingStep, 'training.train', { ...common, trainer })
  if (!code?.snapshot) throw loopCodeMissing(loop)
  const { argv, env, folds, retries, timeout } = trainer
  // The code is a part of its input: other code is other work.
  const input = { ...common, loop, argv, env, folds, code: code.snapshot }
  return { ...step(trainingStep, 'training.command', input), retries, timeoutMs: durationMs(timeout) }
}

const step = (name: string, kind: string, input: object): object => ({ name, kind, input })
