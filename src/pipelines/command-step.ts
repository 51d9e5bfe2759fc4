// A step that is any command: inputs come as files, what it leaves in `outputs/` is stored, and no shell ever sees its arguments.
import { constants } from 'node:fs'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Digest, Manifest } from '../data/manifest.ts'
import { CommandLine, commandOutputInvalid, CommandVariables } from './command.ts'
import { listOutputs, runCommand, sizeOfFile, storeOutputs, type CommandEnvironment } from './run-command.ts'
import type { StepKind, StepTools } from './step.ts'

const inputsMax = 1_000
const outputJsonBytesMax = 1024 * 1024

/** One path segment that every file system takes, and that names nothing but itself. */
const FileName = z.string().regex(/^[a-z0-9_][\w.\-]{0,127}$/iv, 'letters, digits, `_`, `-` and `.`, not first')

const CommandInput = z.strictObject({
  argv: CommandLine,
  /** By the name of the file (or directory) that each becomes in `inputs/`. */
  inputs: z
    .record(
      FileName,
      z.union([
        z.strictObject({ blob: Digest }),
        /** A dataset: a directory of `part-00000.parquet`, … and `manifest.json`. */
        z.strictObject({ manifest: Manifest }),
        z.strictObject({ json: z.unknown() }),
      ]),
    )
    .refine((inputs) => Object.keys(inputs).length <= inputsMax, `at most ${inputsMax} inputs`)
    .default({}),
  env: CommandVariables.default({}),
})
type CommandInput = z.infer<typeof CommandInput>

const CommandOutput = z.strictObject({
  /** By path below `outputs/`, with `/` between segments. */
  files: z.record(z.string(), z.strictObject({ digest: Digest, bytes: z.int().nonnegative() })),
  /** What it wrote as `output.json` into its working directory; null without. */
  json: z.unknown(),
})
type CommandOutput = z.infer<typeof CommandOutput>

export function commandStep(environment: CommandEnvironment): StepKind<CommandInput, CommandOutput> {
  return {
    kind: 'command',
    version: 1,
    // The engine cannot know what else a command reads.
    cacheable: false,
    input: CommandInput,
    output: CommandOutput,
    execute: (tools, input) => execute(environment, tools, input),
  }
}

/** @throws DomainError command_not_found, command_failed, command_output_invalid */
async function execute(
  environment: CommandEnvironment,
  tools: StepTools,
  { argv, env, inputs }: CommandInput,
): Promise<CommandOutput> {
  const writeInputs = async (directory: string): Promise<void> => {
    for (const [name, source] of Object.entries(inputs)) await materialise(tools, join(directory, name), source)
  }
  const { directory, outputs } = await runCommand(environment, tools, { argv, env, writeInputs })
  const files = await storeOutputs(tools, outputs, await listOutputs(outputs))
  return { files, json: await readOutputJson(join(directory, 'output.json')) }
}

type InputSource = CommandInput['inputs'][string]

async function materialise(tools: StepTools, path: string, source: InputSource): Promise<void> {
  if ('json' in source) return writeFile(path, JSON.stringify(source.json ?? null))
  if ('blob' in source) return copyBlob(tools, source.blob, path)
  await mkdir(path)
  await writeFile(join(path, 'manifest.json'), JSON.stringify(source.manifest))
  for (const [i, part] of source.manifest.parts.entries()) {
    await copyBlob(tools, part.blob, join(path, `part-${String(i).padStart(5, '0')}.parquet`))
  }
}

/** A copy (shared on disk where the file system can), never a link: a command may write to its inputs. */
async function copyBlob({ blobs }: StepTools, digest: string, path: string): Promise<void> {
  await copyFile(await blobs.localPath(digest), path, constants.COPYFILE_FICLONE)
}

async function readOutputJson(path: string): Promise<unknown> {
  const bytes = await sizeOfFile(path)
  if (bytes === undefined) return null
  if (bytes > outputJsonBytesMax) {
    throw commandOutputInvalid(
      `output.json has ${bytes} bytes, at most ${outputJsonBytesMax} are read: put what is large into outputs/`,
    )
  }
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch (error) {
    throw commandOutputInvalid(`output.json is no JSON (${String(error)})`)
  }
}
