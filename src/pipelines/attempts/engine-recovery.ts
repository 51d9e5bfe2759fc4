// After a restart: steps that another control plane had are taken over, and processes that belong to no running attempt are ended.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { transact } from '../../platform/database.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { takeOverJob, type Job } from '../../platform/jobs.ts'
import { isAlive } from '../../platform/processes.ts'
import { readIdentity } from './attempt-directory.ts'
import { endGroup } from './process-group.ts'
import { findPipelineRun } from '../stores/pipeline-run-store.ts'
import { listStepAttempts, setAttemptFence } from '../stores/step-attempt-store.ts'
import { findStepRun } from '../stores/step-run-store.ts'
import type { EngineContext } from '../engine-context.ts'
import type { AdoptedStep } from './step-execution.ts'
import { loseStep } from '../step-transitions.ts'

/** Logs of attempts are kept this long. */
const attemptRetentionMs = 30 * 24 * 3_600_000

/**
 * Takes a running job over. Gives the attempt to go on with; undefined when there is none (its control plane died before it began): then
 * the step is ready again.
 */
export async function takeOverStep(context: EngineContext, job: Job): Promise<AdoptedStep | undefined> {
  const { clock, db, leaseMs, log, owner } = context
  try {
    return await transact(db, async (trx) => {
      const claim = await takeOverJob(trx, { ...job, owner, leaseMs, nowMs: clock() })
      const attempt = (await listStepAttempts(trx, job.id)).findLast((candidate) => candidate.state === 'running')
      if (attempt) {
        await setAttemptFence(trx, { id: attempt.id, fence: claim.fence })
        return { claim, attempt: { ...attempt, fence: claim.fence } }
      }
      const step = await findStepRun(trx, job.id)
      const run = step && (await findPipelineRun(trx, step.pipelineRunId))
      if (step && run) await loseStep(trx, { claim, run, step, attemptId: null }, clock())
      return undefined
    })
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    log.debug('a step was not taken over', { step: job.id, error: error.message })
    return undefined
  }
}

/** Ends every live process of the attempts directory but those of `adopted`, and removes directories that are too old. */
export async function endOrphans(context: EngineContext, adopted: ReadonlySet<string>): Promise<void> {
  const now = context.clock()
  for (const attemptId of await readdir(context.attemptsDirectory)) {
    if (adopted.has(attemptId)) continue
    const directory = join(context.attemptsDirectory, attemptId)
    try {
      const identity = await readIdentity(directory)
      if (identity && isAlive(identity)) {
        context.log.warn('a process that belongs to no running step is ended', { attemptId, pid: identity.pid })
        await endGroup(identity, 0)
      }
      if (now - (await stat(directory)).mtimeMs > attemptRetentionMs)
        await rm(directory, { recursive: true, force: true })
    } catch (error) {
      context.log.warn('the directory of an attempt could not be looked at', { attemptId, error: messageOf(error) })
    }
  }
}
