// Starting a step's process so that it outlives the control plane: in a session of its own, its output into the attempt's log.
import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { attemptFiles } from './attempts/attempt-directory.ts'
import type { Labels } from './pipeline-run.ts'

export interface AttemptStart {
  readonly attemptId: string
  /** The process's only argument that matters. */
  readonly directory: string
  readonly pipelineRunId: string
  readonly stepRunId: string
  readonly step: string
  readonly kind: string
  readonly labels: Labels
  /** After which it is ended. */
  readonly timeoutMs: number
}

export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface SpawnedStep {
  /** Also its process group. */
  readonly pid: number
  readonly exited: Promise<ProcessEnd>
}

/** Given by `app`: starts the step entry on an attempt's directory, with whatever environment and token it shall have. */
export type SpawnStep = (attempt: AttemptStart) => Promise<SpawnedStep>

export interface DetachedCommand {
  readonly argv: readonly [string, ...string[]]
  readonly directory: string
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
}

/** Resolves when the process has started. @throws Error when it cannot be started. */
export async function spawnDetached({ argv, directory, env }: DetachedCommand): Promise<SpawnedStep> {
  const log = await open(join(directory, attemptFiles.log), 'a')
  try {
    const [command, ...rest] = argv
    const child = spawn(command, rest, { cwd: directory, env, detached: true, stdio: ['ignore', log.fd, log.fd] })
    const exited = new Promise<ProcessEnd>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    if (child.pid === undefined) throw new Error(`${command} has started without a process id`)
    return { pid: child.pid, exited }
  } finally {
    await log.close()
  }
}
