// The log of a step's attempt, from an offset on: for `--follow` and for the console.
import { join } from 'node:path'
import { z } from 'zod'
import type { Db } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { attemptFiles, readTail } from './attempts/attempt-directory.ts'
import { findPipelineRun, type PipelineRunTables } from './stores/pipeline-run-store.ts'
import { pipelineRunNotFound, StepAttemptState, stepNotFound } from './pipeline-run.ts'
import { listStepAttempts, type StepAttemptTables } from './stores/step-attempt-store.ts'
import { listStepRuns, type StepRunTables } from './stores/step-run-store.ts'

const readBytesMax = 256 * 1024

export const LogTail = z.strictObject({
  /** The attempt that it is of; null: none has begun. */
  attempt: z.int().nullable(),
  state: StepAttemptState.nullable(),
  text: z.string(),
  /** Ask again from here; the same as before when nothing was added. */
  nextOffset: z.int(),
  /** Whether this is all there is, and will be. */
  isComplete: z.boolean(),
})
export type LogTail = Readonly<z.infer<typeof LogTail>>

export interface LogRequest {
  readonly pipelineRunId: string
  readonly step: string
  /** The last by default. */
  readonly attempt?: number | undefined
  /** In bytes. */
  readonly offset: number
}

/**
 * At most 256 KiB of the log; characters that are cut at the end come with the next call.
 * @throws DomainError pipeline_run_not_found, step_not_found, step_attempt_not_found
 */
export async function readStepLog(
  deps: { readonly db: Db<PipelineRunTables & StepRunTables & StepAttemptTables>; readonly attemptsDirectory: string },
  request: LogRequest,
): Promise<LogTail> {
  const { attempt: number, offset, pipelineRunId } = request
  if (!(await findPipelineRun(deps.db, pipelineRunId))) throw pipelineRunNotFound(pipelineRunId)
  const step = (await listStepRuns(deps.db, pipelineRunId)).find((candidate) => candidate.name === request.step)
  if (!step) throw stepNotFound(pipelineRunId, request.step)
  const attempts = await listStepAttempts(deps.db, step.id)
  const attempt = number === undefined ? attempts.at(-1) : attempts.find((candidate) => candidate.number === number)
  if (!attempt && number !== undefined) {
    const message = `step "${step.name}" has had ${attempts.length} attempts, not ${number}`
    throw new DomainError('not_found', 'step_attempt_not_found', message)
  }
  if (!attempt) return { attempt: null, state: null, text: '', nextOffset: offset, isComplete: false }
  // The attempt's id is ours, so it may be part of a path.
  const path = join(deps.attemptsDirectory, attempt.id, attemptFiles.log)
  const { bytes, size } = await readTail(path, { offset, limit: readBytesMax })
  const text = new TextDecoder().decode(bytes, { stream: true })
  const nextOffset = offset + bytes.byteLength - incompleteBytes(bytes)
  const isEnded = attempt.state !== 'running'
  return {
    attempt: attempt.number,
    state: attempt.state,
    text,
    nextOffset,
    isComplete: isEnded && offset + bytes.byteLength >= size,
  }
}

/** Bytes at the end that begin a UTF-8 character and do not finish it. */
function incompleteBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return length > back ? back : 0
  }
  return 0
}
