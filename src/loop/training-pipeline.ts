// The pipeline of one attempt: from rows of a dataset version to a registered model version that its gate has judged. Pure.
import { z } from 'zod'
import { PipelineSpec } from '../pipelines/pipeline.ts'
import type { LoopCommand } from './policy-state.ts'
import type { LoopSpec } from './spec.ts'

/** The step whose output tells the loop how the attempt went. */
export const gateStep = 'gate'

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

const from = (step: string, path?: string): { $from: string; path?: string } => ({
  $from: step,
  ...(path ? { path } : {}),
})

type StartTraining = Extract<LoopCommand, { kind: 'start_training' }>

/** The graph for a command of the policy: the same command gives the same graph, so that an unchanged step is found in the cache. */
export function trainingPipeline(spec: LoopSpec, command: StartTraining): PipelineSpec {
  const { features, target, dataset, training, gate } = spec
  const { window, datasetVersion, champion } = command
  const model = modelName(spec)
  const split = {
    dataset: datasetVersion,
    timeColumn: dataset.timeColumn,
    columns: [...new Set([dataset.timeColumn, ...features, target.column])],
    training: window.training,
    holdout: window.holdout,
  }
  const { trainer, seed, threads } = training
  const train = {
    manifest: from('split', 'training'),
    timeColumn: dataset.timeColumn,
    features,
    target,
    trainer,
    seed,
    threads,
  }
  const evaluate = { candidate: from('train'), champion, manifest: from('split', 'holdout'), target, gate }
  const register = {
    model,
    trained: from('train'),
    infra: from('infra'),
    datasetVersion,
    trainedOn: window.training,
    reason: command.trigger.reason,
  }
  return PipelineSpec.parse({
    name: `${spec.name}.train`,
    steps: [
      { name: 'split', kind: 'data.split', input: split },
      { name: 'train', kind: 'training.train', input: train },
      { name: 'infra', kind: 'models.infra_validate', input: { trained: from('train') } },
      { name: 'evaluate', kind: 'models.evaluate', input: evaluate },
      { name: 'register', kind: 'models.register', input: register },
      {
        name: gateStep,
        kind: 'models.gate',
        input: {
          version: from('register', 'version'),
          champion,
          evaluation: from('evaluate'),
          infra: from('infra'),
          gate,
        },
      },
    ],
  })
}
