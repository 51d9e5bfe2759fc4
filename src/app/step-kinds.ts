// Every step kind that runs in a process, by name: what the step process knows.
import { commandStep } from '../pipelines/command-step.ts'
import type { StepKind, StepKinds } from '../pipelines/step.ts'
import type { Config } from './config.ts'
import { adoptStep } from './steps/adopt-step.ts'
import { commandTrainStep } from './steps/command-train-step.ts'
import { evaluateStep } from './steps/evaluate-step.ts'
import { infraStep } from './steps/infra-step.ts'
import { ingestStep } from './steps/ingest-step.ts'
import { splitStep } from './steps/split-step.ts'
import { trainStep } from './steps/train-step.ts'

export function stepKinds(config: Config): StepKinds {
  const { url, token, runId, path, tracking } = config
  const variables = {
    ...tracking,
    ...(url ? { TRUELOOP_URL: url } : {}),
    ...(token ? { TRUELOOP_TOKEN: token } : {}),
    ...(runId ? { TRUELOOP_RUN_ID: runId } : {}),
  }
  const environment = { path, variables }
  const kinds = [
    ingestStep(config),
    splitStep,
    trainStep,
    commandTrainStep(environment),
    adoptStep,
    infraStep,
    evaluateStep,
    commandStep(environment),
  ]
  // Each checks its own input and output, whatever their types.
  return new Map(kinds.map((kind) => [kind.kind, kind as StepKind]))
}
