// A run of one version answers every request in it; a request that the model cannot stand fails alone.
import { DomainError } from '../../../platform/errors.ts'
import type { Predictions } from '../../../models/inference.ts'
import { appendRows, clearBatch, createBatch, type Batch } from '../../../models/batch.ts'
import { runBudgetMs } from '../../contract/gateway-limits.ts'
import type { Job, RunOutcome } from './job.ts'
import { aloneMs, learnRun, predictedMs } from './run-cost.ts'
import { rowsPerRun, type VersionQueue, type Work } from './version-queue.ts'

/** What a run needs of the worker around it. */
export interface RunTools {
  readonly nowMs: () => number
  /** Writes down what is about to run in this process and may hang it, where the primary can read it. */
  readonly mark: (version: string) => void
  /** Nothing that may hang this process is about to run. */
  readonly unmark: () => void
  /** Is told of each run that ended well, and how long the first of its requests had waited. */
  readonly ran: (version: string, run: { rows: number; ms: number; waitedMs: number }) => void
  /** Lets the sockets have a turn between two runs. */
  readonly breathe: () => Promise<void>
}

interface Rows {
  readonly jobs: readonly Job[]
  readonly batch: Batch
}

/** After so many slow runs in a row a version is given a place in the compute process. */
const slowRunsMax = 5

const nothing: Predictions = { rows: 0, width: 1, values: new Float32Array(0) }

/** Runs what was taken and answers all of it; the promise is rejected only for a bug of ours, after everybody was answered. */
export async function runWork(tools: RunTools, queue: VersionQueue, work: Work): Promise<void> {
  const { jobs, batch } = work
  const run: Run = { tools, queue, work }
  try {
    const isLarge = jobs.length === 1 && batch.rows > rowsPerRun(queue)
    if (isLarge) await runLarge(run, jobs[0]!, batch)
    else await runTogether(run, work)
  } catch (error) {
    // Nobody may wait for ever because of it. `answer` ignores whoever has an answer.
    const failure = new DomainError('unavailable', 'model_failed', 'the gateway failed while it ran the model')
    for (const job of jobs) job.answer({ ...failedOutcome(failure), queueMs: 0, inferMs: 0, aloneMs: 0.001 })
    throw error
  }
}

interface Run {
  readonly tools: RunTools
  readonly queue: VersionQueue
  readonly work: Work
}

interface Found {
  readonly predictions: Predictions
  readonly ms: number
}

/** One run for all of them; when the model fails, one run each. */
async function runTogether(run: Run, { jobs, batch }: Rows): Promise<void> {
  const { tools, queue } = run
  const startMs = tools.nowMs()
  let found: Found
  try {
    const running = runOnce(run, batch, startMs - jobs[0]!.enqueuedMs)
    found = running instanceof Promise ? await running : running
  } catch (error) {
    const failed = failedOutcome(error)
    if (jobs.length > 1 && isOfRows(failed.error)) return runEach(run, { jobs, batch })
    const inferMs = tools.nowMs() - startMs
    let from = 0
    for (const job of jobs) {
      const outcome = { ...failed, queueMs: startMs - job.enqueuedMs, inferMs, aloneMs: Math.max(0.001, inferMs) }
      settleOne(job, { batch, from }, outcome)
      from += job.rows
    }
    return
  }
  const { predictions, ms } = found
  const outcomes: RunOutcome[] = []
  let offset = 0
  for (const job of jobs) {
    const outcome: RunOutcome = {
      predictions,
      offset,
      error: brokenError(predictions, offset, job.rows),
      queueMs: startMs - job.enqueuedMs,
      inferMs: ms,
      aloneMs: aloneMs(queue.cost, { ms, rows: batch.rows }, job.rows),
    }
    outcomes.push(outcome)
    job.answer(outcome)
    offset += job.rows
  }
  offset = 0
  for (let at = 0; at < jobs.length; at++) {
    jobs[at]!.settle(outcomes[at]!, { batch, from: offset })
    offset += jobs[at]!.rows
  }
}

/** Whether the same rows apart from each other may fare better: not so when it was their process that ended. */
const isOfRows = (error: DomainError | undefined): boolean => error?.code === 'model_failed'

/** Synchronous when the engine is: a promise is awaited only where there is one. */
function runOnce({ tools, queue, work }: Run, batch: Batch, waitedMs: number): Found | Promise<Found> {
  const { runner, isRemote } = work
  if (!isRemote && runner.alwaysEnds) tools.unmark()
  else if (!isRemote) tools.mark(queue.version)
  const startMs = tools.nowMs()
  const finish = (predictions: Predictions): Found => {
    const ms = runner.lastRunMs ?? tools.nowMs() - startMs
    learnRun(queue.cost, batch.rows, ms)
    if (!isRemote && queue.moveOut) noteSlowness(queue, ms, batch.rows)
    tools.ran(queue.version, { rows: batch.rows, ms, waitedMs })
    return { predictions, ms }
  }
  const found = runner.run(batch)
  return found instanceof Promise ? found.then(finish) : finish(found)
}

/** A busy machine makes single runs slow: only several in a row are the version's own doing. */
function noteSlowness(queue: VersionQueue, ms: number, rows: number): void {
  const isSlow = ms > runBudgetMs && predictedMs(queue.cost, rows) > runBudgetMs
  queue.slowRuns = isSlow ? queue.slowRuns + 1 : 0
  if (queue.slowRuns >= slowRunsMax) queue.moveOut?.()
}

async function runEach(run: Run, { jobs, batch }: Rows): Promise<void> {
  let from = 0
  for (const job of jobs) {
    const alone = createBatch(batch.signature, job.rows)
    appendRows(alone, batch, [from, from + job.rows])
    await runTogether(run, { jobs: [job], batch: alone })
    from += job.rows
    await run.tools.breathe()
  }
}

/** One request of more rows than a run may have: several runs, one answer. */
async function runLarge(run: Run, job: Job, batch: Batch): Promise<void> {
  const { tools, queue } = run
  const startMs = tools.nowMs()
  const most = rowsPerRun(queue)
  const piece = createBatch(batch.signature, most)
  let predictions = nothing
  let inferMs = 0
  let error: DomainError | undefined
  try {
    for (let row = 0; row < job.rows; row += most) {
      clearBatch(piece)
      appendRows(piece, batch, [row, Math.min(job.rows, row + most)])
      const running = runOnce(run, piece, startMs - job.enqueuedMs)
      const { predictions: found, ms } = running instanceof Promise ? await running : running
      inferMs += ms
      if (row === 0)
        predictions = { rows: job.rows, width: found.width, values: new Float32Array(job.rows * found.width) }
      predictions.values.set(found.values, row * found.width)
      await tools.breathe()
    }
    error = brokenError(predictions, 0, job.rows)
  } catch (thrown) {
    error = failedOutcome(thrown).error
  }
  const answer = { predictions: error ? nothing : predictions, offset: 0, error }
  const times = { queueMs: startMs - job.enqueuedMs, inferMs, aloneMs: Math.max(0.001, inferMs) }
  settleOne(job, { batch, from: 0 }, { ...answer, ...times })
}

function settleOne(job: Job, rows: { batch: Batch; from: number }, outcome: RunOutcome): void {
  job.answer(outcome)
  job.settle(outcome, rows)
}

function failedOutcome(error: unknown): Pick<RunOutcome, 'predictions' | 'offset' | 'error'> {
  if (!(error instanceof DomainError)) throw error
  return { predictions: nothing, offset: 0, error }
}

/** No answer may hold a number that is not finite: JSON cannot say it, and a caller cannot use it. */
function brokenError({ values, width }: Predictions, offset: number, rows: number): DomainError | undefined {
  for (let at = offset * width; at < (offset + rows) * width; at++) {
    if (Number.isFinite(values[at])) continue
    const row = Math.floor(at / width) - offset
    return new DomainError('unavailable', 'model_failed', `the model failed on row ${row}: it answered ${values[at]}`)
  }
  return undefined
}
