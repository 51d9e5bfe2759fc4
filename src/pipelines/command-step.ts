// A step that is any command: inputs come as files, what it leaves in `outputs/` is stored, and no shell ever sees its arguments.
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { copyFile, mkdir, readFile, readdir, lstat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Digest, Manifest } from '../data/manifest.ts'
import { DomainError } from '../platform/errors.ts'
import type { StepKind, StepTools } from './step.ts'

const inputsMax = 1_000
const outputFilesMax = 10_000
const outputJsonBytesMax = 1024 * 1024
const stderrNote = 'its log has what it printed'

/** One path segment that every file system takes, and that names nothing but itself. */
const FileName = z.string().regex(/^[a-z0-9_][\w.\-]{0,127}$/iv, 'letters, digits, `_`, `-` and `.`, not first')

const CommandInput = z.strictObject({
  /** The program and its arguments; `{inputs}` and `{outputs}` in them stand for the directories. */
  argv: z.array(z.string().max(32_768)).min(1).max(1_000),
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
  /** Added to its environment, over nothing of ours. */
  env: z.record(z.string().regex(/^(?!TRUELOOP_)[A-Z_][A-Z0-9_]{0,127}$/v), z.string().max(32_768)).default({}),
})
type CommandInput = z.infer<typeof CommandInput>

const CommandOutput = z.strictObject({
  /** By path below `outputs/`, with `/` between segments. */
  files: z.record(z.string(), z.strictObject({ digest: Digest, bytes: z.int().nonnegative() })),
  /** What it wrote as `output.json` into its working directory; null without. */
  json: z.unknown(),
})
type CommandOutput = z.infer<typeof CommandOutput>

/** Where a command finds what; `app` gives it, since steps read no environment. */
export interface CommandEnvironment {
  /** `PATH` of commands. */
  readonly path: string
  /** `TRUELOOP_URL`, `TRUELOOP_TOKEN` (scoped, short-lived) and `TRUELOOP_RUN_ID` as far as there are. */
  readonly variables: Readonly<Record<string, string>>
}

export function commandStep(environment: CommandEnvironment): StepKind<CommandInput, CommandOutput> {
  return {
    kind: 'command',
    version: 1,
    // The engine cannot know what else a command reads.
    cacheable: false,
    input: CommandInput,
    output: CommandOutput,
    execute: (tools, input) => runCommand(environment, tools, input),
  }
}

/** @throws DomainError command_not_found, command_output_invalid; Error when it fails, to be tried again. */
async function runCommand(
  environment: CommandEnvironment,
  tools: StepTools,
  input: CommandInput,
): Promise<CommandOutput> {
  const work = tools.scratchDirectory
  const inputs = join(work, 'inputs')
  const outputs = join(work, 'outputs')
  for (const directory of [inputs, outputs, join(work, 'tmp'), join(work, 'home')]) await mkdir(directory)
  for (const [name, source] of Object.entries(input.inputs)) await materialise(tools, join(inputs, name), source)
  const fill = (text: string): string => text.replaceAll('{inputs}', inputs).replaceAll('{outputs}', outputs)
  const [program = '', ...rest] = input.argv.map(fill)
  await runToEnd(tools, {
    program,
    rest,
    cwd: work,
    env: {
      ...input.env,
      ...environment.variables,
      PATH: environment.path,
      HOME: join(work, 'home'),
      TMPDIR: join(work, 'tmp'),
      LANG: 'C.UTF-8',
      PYTHONUNBUFFERED: '1',
      TRUELOOP_INPUTS: inputs,
      TRUELOOP_OUTPUTS: outputs,
    },
  })
  return { files: await collect(tools, outputs), json: await readOutputJson(join(work, 'output.json')) }
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

interface Command {
  readonly program: string
  readonly rest: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** In the step's own process group, so that a timeout ends it too; its output goes to the step's log. */
function runToEnd({ signal }: StepTools, { cwd, env, program, rest }: Command): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] })
    signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'EACCES') return reject(error)
      const message = `the command "${program}" cannot be run (${error.code}): install it, or write the path of one that exists`
      reject(new DomainError('invalid', 'command_not_found', message))
    })
    child.once('exit', (code, by) => {
      if (code === 0) resolve()
      else
        reject(
          new Error(`the command "${program}" ${by ? `was ended by ${by}` : `gave exit code ${code}`}; ${stderrNote}`),
        )
    })
  })
}

async function collect(tools: StepTools, outputs: string): Promise<CommandOutput['files']> {
  const files: CommandOutput['files'] = {}
  let count = 0
  const walk = async (directory: string, prefix: string): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const name = prefix + entry.name
      if (entry.isDirectory()) await walk(join(directory, entry.name), `${name}/`)
      else if (!entry.isFile()) throw outputInvalid(`"${name}" is neither a file nor a directory: write plain files`)
      else if (++count > outputFilesMax) throw outputInvalid(`there are more than ${outputFilesMax} files: pack them`)
      else files[name] = await tools.blobs.putFile(join(directory, entry.name))
    }
  }
  await walk(outputs, '')
  return files
}

async function readOutputJson(path: string): Promise<unknown> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return null
  if (!found.isFile() || found.size > outputJsonBytesMax) {
    throw outputInvalid(
      `output.json is no file of at most ${outputJsonBytesMax} bytes: put what is large into outputs/`,
    )
  }
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch (error) {
    throw outputInvalid(`output.json is no JSON (${String(error)})`)
  }
}

const outputInvalid = (why: string): DomainError => new DomainError('invalid', 'command_output_invalid', why)
