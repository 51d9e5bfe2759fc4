// Running a command for a step: a working directory with `inputs/` and `outputs/` of its own, its output in the step's log, and what it left.
import { spawn } from 'node:child_process'
import { lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobRef } from '../platform/blobs.ts'
import { commandFailed, commandNotFound, commandOutputInvalid, endOfLog } from './command.ts'
import type { StepTools } from './step.ts'

const outputFilesMax = 10_000

/** Where a command finds what; `app` gives it, since steps read no environment. */
export interface CommandEnvironment {
  /** `PATH` of commands. */
  readonly path: string
  /** `TRUELOOP_URL`, `TRUELOOP_TOKEN` (scoped, good while the step runs) and `TRUELOOP_RUN_ID` as far as there are, and MLflow's names of them. */
  readonly variables: Readonly<Record<string, string>>
}

export interface CommandWork {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Fills the working directory, which is empty, before `inputs` and `outputs` are made in it. */
  readonly fill?: (directory: string) => Promise<void>
  /** Writes what the command reads into the directory `inputs`. */
  readonly writeInputs: (directory: string) => Promise<void>
}

export interface CommandPlaces {
  /** Where it ran. */
  readonly directory: string
  readonly outputs: string
}

/**
 * Runs a command to its end, in the step's own process group, so that a timeout ends it too; what it prints goes to the step's log.
 * @throws DomainError command_not_found, command_failed (to be tried again), and what `fill` and `writeInputs` throw
 */
export async function runCommand(
  environment: CommandEnvironment,
  tools: StepTools,
  work: CommandWork,
): Promise<CommandPlaces> {
  const place = (name: string): string => join(tools.scratchDirectory, name)
  const directory = place('work')
  for (const made of [directory, place('tmp'), place('home')]) await mkdir(made)
  await work.fill?.(directory)
  const [inputs, outputs] = [join(directory, 'inputs'), join(directory, 'outputs')]
  for (const made of [inputs, outputs]) await mkdir(made)
  await work.writeInputs(inputs)
  const filled = (text: string): string => text.replaceAll('{inputs}', inputs).replaceAll('{outputs}', outputs)
  const [program = '', ...rest] = work.argv.map(filled)
  const env = {
    ...work.env,
    ...environment.variables,
    PATH: environment.path,
    HOME: place('home'),
    TMPDIR: place('tmp'),
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    TRUELOOP_INPUTS: inputs,
    TRUELOOP_OUTPUTS: outputs,
  }
  const how = await runToEnd(tools.signal, { program, rest, directory, env })
  if (how !== undefined) throw commandFailed(program, { how, said: endOfLog(await tools.recentLog()) })
  return { directory, outputs }
}

interface Process {
  readonly program: string
  readonly rest: readonly string[]
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
}

/** How it failed, in words; undefined when it did not. */
function runToEnd(signal: AbortSignal, { directory, env, program, rest }: Process): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd: directory, env, stdio: ['ignore', 'inherit', 'inherit'] })
    signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    child.once('error', (error: NodeJS.ErrnoException) => {
      const { code } = error
      reject(code === 'ENOENT' || code === 'EACCES' ? commandNotFound(program, code) : error)
    })
    child.once('exit', (code, by) => {
      if (code === 0) resolve(undefined)
      else resolve(by ? `was ended by ${by}` : `gave exit code ${code}`)
    })
  })
}

/** Files below `directory` by their path in it, with `/` between segments, in no order. @throws DomainError command_output_invalid */
export async function listOutputs(directory: string): Promise<string[]> {
  const names: string[] = []
  const walk = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(directory, prefix), { withFileTypes: true })) {
      const name = prefix + entry.name
      if (entry.isDirectory()) await walk(`${name}/`)
      else if (!entry.isFile()) {
        throw commandOutputInvalid(`"${name}" is neither a file nor a directory: write plain files`)
      } else if (names.push(name) > outputFilesMax) {
        throw commandOutputInvalid(`there are more than ${outputFilesMax} files: pack them`)
      }
    }
  }
  await walk('')
  return names
}

/** Stores those of the outputs that are named. */
export async function storeOutputs(
  { blobs }: Pick<StepTools, 'blobs'>,
  directory: string,
  names: readonly string[],
): Promise<Record<string, BlobRef>> {
  const files: Record<string, BlobRef> = {}
  for (const name of names) files[name] = await blobs.putFile(join(directory, name))
  return files
}

/** Bytes of a plain file; undefined when there is none. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return undefined
  if (!found.isFile()) throw commandOutputInvalid(`"${path}" is no plain file`)
  return found.size
}
