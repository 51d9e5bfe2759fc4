// The step kind training.command: a candidate by any program, run in a copy of the loop's code on its training rows as files.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Digest } from '../../data/manifest.ts'
import { openVersion } from '../../data/select.ts'
import { readSnapshot, restoreSnapshot } from '../../experiments/restore-snapshot.ts'
import { artifactsMax, batchMax, Key } from '../../experiments/run.ts'
import { Target } from '../../loop/target.ts'
import { modelBytesMax } from '../../models/graph-check.ts'
import { CommandLine, commandOutputInvalid, CommandVariables } from '../../pipelines/command.ts'
import {
  listOutputs,
  runCommand,
  sizeOfFile,
  storeOutputs,
  type CommandEnvironment,
} from '../../pipelines/run-command.ts'
import type { StepKind, StepTools } from '../../pipelines/step.ts'
import { DomainError } from '../../platform/errors.ts'
import { openTables } from '../../platform/tables.ts'
import { literal, quoteName } from '../../platform/tables-sql.ts'
import { describeGraph } from './foreign-graph.ts'
import { columnOf, kindOfType, readLabelled, readManifest, RowsReference, signatureTypeOf } from './rows.ts'
import { Trained } from './train-step.ts'

const CommandTrainInput = z.strictObject({
  loop: z.string(),
  /** Blob with the manifest of the code. */
  code: Digest,
  argv: CommandLine,
  env: CommandVariables,
  rows: RowsReference,
  features: z.array(z.string()).min(1),
  target: Target,
  seed: z.int().nonnegative(),
  threads: z.int().positive(),
})
type CommandTrainInput = z.infer<typeof CommandTrainInput>

const graphFile = 'model.onnx'
const metricsFile = 'metrics.json'
/** Names of artifacts that every training's run has. */
const ownArtifacts = ['baseline.json', 'examples.json']
const metricsBytesMax = 1024 * 1024
const metricsMax = batchMax.metrics - 100
const filesMax = artifactsMax - 100

const Metrics = z
  .record(Key, z.number())
  .refine((metrics) => Object.keys(metrics).length <= metricsMax, `at most ${metricsMax} metrics`)

export function commandTrainStep(environment: CommandEnvironment): StepKind<CommandTrainInput, Trained> {
  return {
    kind: 'training.command',
    version: 1,
    // The engine cannot know what else a command reads: its interpreter, its packages, the network.
    cacheable: false,
    input: CommandTrainInput,
    output: Trained,
    execute: (tools, input) => execute(environment, tools, input),
  }
}

/**
 * @throws DomainError command_not_found, command_failed, command_output_invalid, model_missing; as checkGraph and assertGraphFits; what
 *   reading rows and code throws
 */
async function execute(environment: CommandEnvironment, tools: StepTools, input: CommandTrainInput): Promise<Trained> {
  const { argv, env, features, rows, seed, target } = input
  tools.progress(0, 'copying code and rows')
  const { outputs } = await runCommand(environment, tools, {
    argv,
    env,
    fill: (directory) => copyCode(tools, input.code, directory),
    writeInputs: async (directory) => {
      await writeInputs(tools, input, directory)
      tools.progress(0.1, `running ${argv[0] ?? ''}`)
    },
  })
  tools.progress(0.8, 'looking at the graph')
  const onnx = await readGraph(outputs)
  const metrics = await readMetrics(outputs)
  const others = (await listOutputs(outputs)).filter((name) => name !== graphFile && name !== metricsFile)
  assertArtifacts(others)
  return {
    ...(await describeGraph(tools, { onnx, rows, features, target })),
    onnx: await tools.blobs.put(onnx),
    metrics,
    params: { trainer: 'command', command: JSON.stringify(argv), seed: String(seed) },
    artifacts: await storeOutputs(tools, outputs, others),
    seed,
    runId: null,
  }
}

/** But for what the project has under the names of the step's own directories: a sample to try the command on, say. */
async function copyCode({ blobs }: StepTools, code: string, folder: string): Promise<void> {
  const { files, ...rest } = await readSnapshot(blobs, code)
  const kept = files.filter(({ path }) => !/^(?:inputs|outputs)(?:\/|$)/v.test(path))
  await restoreSnapshot({ manifest: { ...rest, files: kept }, folder, read: (digest) => blobs.get(digest) })
}

async function writeInputs(tools: StepTools, input: CommandTrainInput, directory: string): Promise<void> {
  const { features, loop, rows, seed, target } = input
  const manifest = await readManifest(tools.blobs, rows.manifest)
  const { classes } = await readLabelled(tools, { rows, features: [], target })
  const count = await writeRows(tools, input, join(directory, 'training'))
  const file = {
    loop,
    target,
    features,
    /** What the graph must take, in this order; of classifiers what it must tell apart, in this order. */
    inputs: features.map((name) => ({ name, type: signatureTypeOf[kindOfType[columnOf(manifest, name).type]] })),
    classes,
    timeColumn: manifest.timeColumn,
    window: { from: new Date(rows.fromMs).toISOString(), to: new Date(rows.toMs).toISOString() },
    rows: count,
    seed,
    threads: Math.min(input.threads, tools.threads),
  }
  await writeFile(join(directory, 'loop.json'), `${JSON.stringify(file, null, 2)}\n`)
}

/** All columns of the rows with a label: what a project makes of them is its own affair. Answers how many. */
async function writeRows(tools: StepTools, { rows, target }: CommandTrainInput, directory: string): Promise<number> {
  const manifest = await readManifest(tools.blobs, rows.manifest)
  await mkdir(directory)
  await using tables = await openTables({ ...tools, tempDirectory: tools.scratchDirectory })
  await openVersion({ tables, blobs: tools.blobs }, { manifest, view: 'training', time: rows })
  const path = literal(join(directory, 'part-00000.parquet')).slice(1, -1)
  const labelled = `SELECT * FROM training WHERE ${quoteName(columnOf(manifest, target.column).name)} IS NOT NULL`
  return await tables.run(`COPY (${labelled}) TO ${path} (FORMAT parquet)`)
}

async function readGraph(outputs: string): Promise<Uint8Array> {
  const path = join(outputs, graphFile)
  const bytes = await sizeOfFile(path)
  if (bytes === undefined) throw modelMissing(await listOutputs(outputs))
  if (bytes > modelBytesMax) {
    throw commandOutputInvalid(`outputs/${graphFile} has ${bytes} bytes, at most ${modelBytesMax} are loaded`)
  }
  return readFile(path)
}

const namedFiles = 10

function modelMissing(found: readonly string[]): DomainError {
  const there = found.length === 0 ? 'it left no file there' : `it left ${found.slice(0, namedFiles).join(', ')}`
  return new DomainError(
    'invalid',
    'model_missing',
    `the command ended well and wrote no outputs/${graphFile}: ${there}; save the ONNX graph as outputs/${graphFile} in its working directory (TRUELOOP_OUTPUTS names the folder)`,
  )
}

async function readMetrics(outputs: string): Promise<z.infer<typeof Metrics>> {
  const path = join(outputs, metricsFile)
  const bytes = await sizeOfFile(path)
  if (bytes === undefined) return {}
  const wanted = `outputs/${metricsFile} must be one JSON object of names and numbers, such as {"auc": 0.71}`
  if (bytes > metricsBytesMax) throw commandOutputInvalid(`${wanted}; it has ${bytes} bytes`)
  const parsed = Metrics.safeParse(jsonOf(await readFile(path, 'utf8')))
  if (parsed.success) return parsed.data
  throw commandOutputInvalid(`${wanted}: ${z.prettifyError(parsed.error)}`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function assertArtifacts(names: readonly string[]): void {
  if (names.length > filesMax) {
    throw commandOutputInvalid(`outputs/ has ${names.length} files, and a run takes ${filesMax}: pack them`)
  }
  const taken = names.find((name) => ownArtifacts.includes(name))
  if (taken) throw commandOutputInvalid(`outputs/${taken} is a name that every run of a training has: choose another`)
  const unnamable = names.find((name) => !Key.safeParse(name).success)
  if (unnamable)
    throw commandOutputInvalid(`outputs/${unnamable} cannot be the name of an artifact: choose a plainer one`)
}
