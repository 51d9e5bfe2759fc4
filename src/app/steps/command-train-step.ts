// The step kind training.command: a candidate by any program, run in a copy of the loop's code on its training rows as files.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crossFittedDays, type Fold } from '../../models/baseline-builder.ts'
import type { Baseline } from '../../models/baseline.ts'
import { adaptGraph } from '../../models/graph-adaptation.ts'
import type { Signature } from '../../models/signature.ts'
import { runCommand, storeOutputs, type CommandEnvironment } from '../../pipelines/run-command.ts'
import type { StepKind, StepTools } from '../../pipelines/step.ts'
import { CommandTrainInput, copyCode, writeInputs } from './command-inputs.ts'
import { listArtifacts, readGraph, readMetrics } from './command-outputs.ts'
import { describeGraph } from './foreign-graph.ts'
import type { LabelledRows } from './rows.ts'
import { answersOf, crossFitted, hasDaysToJudge, Trained } from './train-step.ts'

export function commandTrainStep(environment: CommandEnvironment): StepKind<CommandTrainInput, Trained> {
  return {
    kind: 'training.command',
    version: 1,
    // The engine cannot know what else a command reads: its interpreter, its packages, the network.
    cacheable: false,
    input: CommandTrainInput,
    output: Trained,
    execute: (tools, input) => execute({ environment, tools, input }),
  }
}

interface Work {
  readonly environment: CommandEnvironment
  readonly tools: StepTools
  readonly input: CommandTrainInput
}

/**
 * @throws DomainError command_not_found, command_failed, command_output_invalid, model_missing; as adaptGraph; what
 *   reading rows and code throws
 */
async function execute(work: Work): Promise<Trained> {
  const { input, tools } = work
  const { argv, features, folds, rows, seed, target } = input
  const share = 1 / (folds + 1)
  tools.progress(0, `running ${argv[0] ?? ''}`)
  const outputs = await runOnce(work)
  tools.progress(0.9 * share, 'looking at the graph')
  const onnx = await readGraph(outputs)
  const metrics = await readMetrics(outputs)
  const artifacts = await listArtifacts(outputs)
  const { days, ...described } = await describeGraph(tools, {
    onnx,
    rows,
    features,
    target,
    judgeDays: (labelled, signature) => judgeDays(work, labelled, signature),
  })
  return {
    ...described,
    metrics: { ...crossFitted(days), ...metrics },
    params: { trainer: 'command', command: JSON.stringify(argv), seed: String(seed) },
    artifacts: { ...described.artifacts, ...(await storeOutputs(tools, outputs, artifacts)) },
    seed,
    runId: null,
  }
}

/** A fold is no part of the training's run: what it logs becomes a run of its own, beneath that one. */
function ofItsOwn({ variables, ...rest }: CommandEnvironment): CommandEnvironment {
  const { MLFLOW_RUN_ID: _, ...others } = variables
  return { ...rest, variables: others }
}

/** Answers the directory with what it left. */
async function runOnce({ environment, tools, input }: Work, without?: Fold): Promise<string> {
  const { argv, code, env } = input
  const { outputs } = await runCommand(without ? ofItsOwn(environment) : environment, tools, {
    argv,
    env,
    fill: (directory) => copyCode(tools, code, directory),
    writeInputs: (directory) => writeInputs(tools, input, { directory, without }),
  })
  return outputs
}

/** What graphs say of days that the command has not seen: it trains once more for each fold. */
async function judgeDays(work: Work, labelled: LabelledRows, signature: Signature): Promise<Baseline['days']> {
  const { input, tools } = work
  const { folds } = input
  if (folds === 0 || !hasDaysToJudge(labelled)) return []
  const trainPart = async (_: unknown, fold: Fold): Promise<(rows: LabelledRows['frame']) => Promise<Float32Array>> => {
    tools.progress((fold.index + 1) / (folds + 1), `cross-fitting: ${fold.index + 1} of ${folds}`)
    const scratchDirectory = join(tools.scratchDirectory, `fold-${fold.index}`)
    await mkdir(scratchDirectory)
    const onnx = await readGraph(await runOnce({ ...work, tools: { ...tools, scratchDirectory } }, fold))
    await rm(scratchDirectory, { recursive: true })
    const { task, classes, tensors } = signature
    const inputs = signature.inputs.map(({ name, type, required }) => ({ name, types: [type], required }))
    const { bytes } = adaptGraph(onnx, { task, classes, tensors, inputs })
    return async (rows) => (await answersOf(bytes, signature, rows)).values
  }
  return crossFittedDays(trainPart, { frame: labelled.frame, signature, micros: labelled.times, folds })
}
