// The requests that wait for one model version, as rows of one batch; a run answers all of them, and a poison request fails alone.
import { DomainError } from '../../platform/errors.ts'
import type { LoadedModel, Predictions } from '../../models/inference.ts'
import { appendColumns, appendRows, clearBatch, createBatch, type Batch } from '../../models/rows.ts'
import { rowsPerRunMax, runBudgetMs } from '../gateway-limits.ts'
import type { RequestColumns } from '../request-rows.ts'
import { aloneMs, createRunCost, learnRun, rowsWithin, type RunCost } from './run-cost.ts'

/** How a run went for one request. `error`: the version failed on it. */
export interface RunOutcome {
  readonly predictions: Predictions
  /** Where the request's rows begin in `predictions`. */
  readonly offset: number
  readonly error: DomainError | undefined
  /** Milliseconds in the queue. */
  readonly queueMs: number
  /** Milliseconds of the run that answered it. */
  readonly inferMs: number
  /** What the run would have taken for this request alone. */
  readonly aloneMs: number
}

/** One request's rows on their way through one version. */
export interface Job {
  readonly columns: RequestColumns
  readonly rows: number
  readonly enqueuedMs: number
  /** Sends the answer. Must not throw; a second call does nothing. */
  readonly answer: (outcome: RunOutcome) => void
  /** Counts, logs and feeds shadows, after every answer of the run was sent. `batch` holds the request's rows from `from` on. */
  readonly settle: (outcome: RunOutcome, rows: { batch: Batch; from: number }) => void
}

export interface VersionQueue {
  readonly version: string
  readonly model: LoadedModel
  readonly cost: RunCost
  /** Rows that wait or run. */
  rows: number
  jobs: Job[]
  open: Batch
  spare: Batch
  readonly chunk: Batch
}

const nothing: Predictions = { rows: 0, width: 1, values: new Float32Array(0) }

export function createVersionQueue(version: string, model: LoadedModel): VersionQueue {
  const { signature } = model
  return {
    version,
    model,
    cost: createRunCost(),
    rows: 0,
    jobs: [],
    open: createBatch(signature),
    spare: createBatch(signature),
    chunk: createBatch(signature),
  }
}

/**
 * Checks the request against the version's signature and puts its rows last. All or nothing.
 * @throws DomainError as models/rows.ts `appendColumns`: the request does not fit, and nothing was queued.
 */
export function enqueue(queue: VersionQueue, job: Job): void {
  appendColumns(queue.open, job.columns)
  queue.rows += job.rows
  queue.jobs.push(job)
}

/** Rows of the next run, such that its predicted time stays within the budget. */
const runRowsMax = (queue: VersionQueue): number => rowsWithin(queue.cost, runBudgetMs, rowsPerRunMax)

/** What a run needs of the worker around it. */
export interface RunTools {
  readonly nowMs: () => number
  /** Writes down what is about to run, where the primary can read it. */
  readonly mark: (version: string) => void
  /** Is told of each run that ended well. */
  readonly ran: (version: string, rows: number, ms: number) => void
  /** Lets the sockets have a turn between two runs of one batch. */
  readonly breathe: () => Promise<void>
}

/** Runs everything that waits now, and answers it. Only one version may run at a time: see executor.ts. */
export async function runQueue(tools: RunTools, queue: VersionQueue): Promise<void> {
  const { jobs, open: batch } = queue
  if (jobs.length === 0) return
  queue.jobs = []
  queue.open = queue.spare
  queue.spare = batch
  try {
    if (batch.rows <= runRowsMax(queue)) await runWhole(tools, queue, { jobs, batch })
    else for (const part of partsOf(queue, jobs)) await runPart(tools, queue, { part, batch })
  } catch (error) {
    // A bug of ours: nobody may wait for ever because of it. `answer` ignores whoever has an answer.
    const failure = new DomainError('unavailable', 'model_failed', 'the gateway failed while it ran the model')
    for (const job of jobs) job.answer({ ...failedOutcome(failure), queueMs: 0, inferMs: 0, aloneMs: 0.001 })
    throw error
  } finally {
    clearBatch(batch)
    for (const job of jobs) queue.rows -= job.rows
  }
}

interface Work {
  readonly jobs: readonly Job[]
  readonly batch: Batch
}

/** One run for all of them; when it fails, one run each. */
async function runWhole(tools: RunTools, queue: VersionQueue, { jobs, batch }: Work): Promise<void> {
  const startMs = tools.nowMs()
  let predictions: Predictions
  try {
    predictions = await runOnce(tools, queue, batch)
  } catch (error) {
    if (jobs.length > 1) return runEach(tools, queue, { jobs, batch })
    const job = jobs[0]!
    const inferMs = tools.nowMs() - startMs
    return settleOne(
      job,
      { batch, from: 0 },
      { ...failedOutcome(error), queueMs: startMs - job.enqueuedMs, inferMs, aloneMs: inferMs },
    )
  }
  const inferMs = tools.nowMs() - startMs
  const run = { ms: inferMs, rows: batch.rows }
  const outcomes: RunOutcome[] = []
  let offset = 0
  for (const job of jobs) {
    const outcome: RunOutcome = {
      predictions,
      offset,
      error: brokenError(predictions, offset, job.rows),
      queueMs: startMs - job.enqueuedMs,
      inferMs,
      aloneMs: aloneMs(queue.cost, run, job.rows),
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

/** Synchronous when the engine is: a promise is awaited only where there is one. */
function runOnce(tools: RunTools, queue: VersionQueue, batch: Batch): Predictions | Promise<Predictions> {
  tools.mark(queue.version)
  const startMs = tools.nowMs()
  const finish = (predictions: Predictions): Predictions => {
    const ms = tools.nowMs() - startMs
    learnRun(queue.cost, batch.rows, ms)
    tools.ran(queue.version, batch.rows, ms)
    return predictions
  }
  const found = queue.model.run(batch)
  return found instanceof Promise ? found.then(finish) : finish(found)
}

async function runEach(tools: RunTools, queue: VersionQueue, { jobs, batch }: Work): Promise<void> {
  let from = 0
  for (const job of jobs) {
    const alone = createBatch(batch.signature, job.rows)
    appendRows(alone, batch, [from, from + job.rows])
    await runWhole(tools, queue, { jobs: [job], batch: alone })
    from += job.rows
    await tools.breathe()
  }
}

interface Part {
  readonly jobs: Job[]
  readonly from: number
  rows: number
}

/** Whole requests together up to the row cap; a request that is larger than the cap is a part by itself. */
function partsOf(queue: VersionQueue, jobs: readonly Job[]): Part[] {
  const most = runRowsMax(queue)
  const parts: Part[] = []
  let from = 0
  for (const job of jobs) {
    const last = parts.at(-1)
    if (last && last.rows + job.rows <= most) {
      last.jobs.push(job)
      last.rows += job.rows
    } else parts.push({ jobs: [job], from, rows: job.rows })
    from += job.rows
  }
  return parts
}

async function runPart(
  tools: RunTools,
  queue: VersionQueue,
  { part, batch }: { part: Part; batch: Batch },
): Promise<void> {
  const most = runRowsMax(queue)
  const { jobs, from, rows } = part
  if (rows <= most || jobs.length > 1) {
    clearBatch(queue.chunk)
    appendRows(queue.chunk, batch, [from, from + rows])
    await runWhole(tools, queue, { jobs, batch: queue.chunk })
    return tools.breathe()
  }
  await runLarge(tools, queue, { job: jobs[0]!, from, batch })
}

/** One request of more rows than a run may have: several runs, one answer. */
async function runLarge(
  tools: RunTools,
  queue: VersionQueue,
  { job, from, batch }: { job: Job; from: number; batch: Batch },
): Promise<void> {
  const startMs = tools.nowMs()
  const most = runRowsMax(queue)
  let values: Float32Array | undefined
  let width = 1
  let inferMs = 0
  try {
    for (let row = 0; row < job.rows; row += most) {
      clearBatch(queue.chunk)
      appendRows(queue.chunk, batch, [from + row, from + Math.min(job.rows, row + most)])
      const runStartMs = tools.nowMs()
      const found = await runOnce(tools, queue, queue.chunk)
      inferMs += tools.nowMs() - runStartMs
      width = found.width
      values ??= new Float32Array(job.rows * width)
      values.set(found.values, row * width)
      await tools.breathe()
    }
    const predictions = { rows: job.rows, width, values: values ?? nothing.values }
    const error = brokenError(predictions, 0, job.rows)
    settleOne(
      job,
      { batch, from },
      { predictions, offset: 0, error, queueMs: startMs - job.enqueuedMs, inferMs, aloneMs: inferMs },
    )
  } catch (error) {
    settleOne(
      job,
      { batch, from },
      { ...failedOutcome(error), queueMs: startMs - job.enqueuedMs, inferMs, aloneMs: Math.max(0.001, inferMs) },
    )
  }
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
