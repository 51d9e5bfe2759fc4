// What a command that trains leaves in `outputs/`: the graph, which it must, metrics, and whatever else.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { artifactsMax, batchMax, Key } from '../../experiments/run.ts'
import { modelBytesMax } from '../../models/graph-check.ts'
import { commandOutputInvalid } from '../../pipelines/command.ts'
import { listOutputs, sizeOfFile } from '../../pipelines/run-command.ts'
import { DomainError } from '../../platform/errors.ts'

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

/** @throws DomainError model_missing, command_output_invalid */
export async function readGraph(outputs: string): Promise<Uint8Array> {
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

/** @throws DomainError command_output_invalid */
export async function readMetrics(outputs: string): Promise<z.infer<typeof Metrics>> {
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

/** The names of what else it left, which become the run's artifacts. @throws DomainError command_output_invalid */
export async function listArtifacts(outputs: string): Promise<string[]> {
  const names = (await listOutputs(outputs)).filter((name) => name !== graphFile && name !== metricsFile)
  if (names.length > filesMax) {
    throw commandOutputInvalid(`outputs/ has ${names.length} files, and a run takes ${filesMax}: pack them`)
  }
  const taken = names.find((name) => ownArtifacts.includes(name))
  if (taken) throw commandOutputInvalid(`outputs/${taken} is a name that every run of a training has: choose another`)
  const unnamable = names.find((name) => !Key.safeParse(name).success)
  if (unnamable)
    throw commandOutputInvalid(`outputs/${unnamable} cannot be the name of an artifact: choose a plainer one`)
  return names
}
