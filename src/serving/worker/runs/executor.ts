// Zero-wait batching: whatever arrived in one turn of the event loop runs in the next check phase, one version after the other.
import type { Log } from '../../../platform/log.ts'
import { runBudgetMs } from '../../contract/gateway-limits.ts'
import { runWork, type RunTools } from './batch-run.ts'
import { endWork, hasWaiting, takeWork, waitMs, type VersionQueue, type Work } from './version-queue.ts'

export interface Executor {
  /** Runs the queue at the end of this turn. */
  wake(queue: VersionQueue): void
  /** Runs the queue when nothing else waits. */
  wakeLater(queue: VersionQueue): void
  /** Predicted milliseconds until a request of the lane would be run. */
  predictedWaitMs(queue: VersionQueue, lane: number): number
  /** Nothing waits and nothing runs. */
  readonly isIdle: boolean
}

export interface ExecutorTools extends Omit<RunTools, 'breathe'> {
  readonly log: Log
}

/**
 * Only one run at a time in this process: the mark then always names the version that a hung worker hangs in. Runs in the compute process
 * are under way beside it, one of each version.
 */
export function createExecutor(tools: ExecutorTools): Executor {
  const ready = new Set<VersionQueue>()
  const later = new Set<VersionQueue>()
  /** Those that wait for their own run in the compute process; shadows among them. */
  const away = new Set<VersionQueue>()
  let isScheduled = false
  let isRunning = false

  const schedule = (): void => {
    if (isScheduled || isRunning) return
    isScheduled = true
    setImmediate(turn)
  }
  const run = createRun(tools)
  const sendAway = async (queue: VersionQueue, work: Work, queues: Set<VersionQueue>): Promise<void> => {
    queue.isAway = true
    away.add(queue)
    await run(queue, work)
    queue.isAway = false
    away.delete(queue)
    if (hasWaiting(queue)) queues.add(queue)
    if (ready.size + later.size > 0) schedule()
  }
  const turn = async (): Promise<void> => {
    isScheduled = false
    isRunning = true
    const endMs = tools.nowMs() + runBudgetMs
    // Shadows wait for a turn that has nothing to answer.
    const queues = ready.size > 0 ? ready : later
    for (const queue of queues) {
      queues.delete(queue)
      // It comes back by itself.
      if (queue.isAway) continue
      const work = takeOf(tools, queue)
      if (!work) continue
      if (work.isRemote) {
        void sendAway(queue, work, queues)
        continue
      }
      await run(queue, work)
      if (hasWaiting(queue)) queues.add(queue)
      if (tools.nowMs() > endMs) break
    }
    tools.unmark()
    isRunning = false
    if (ready.size + later.size > 0) schedule()
  }

  return {
    wake(queue) {
      ready.add(queue)
      schedule()
    },
    wakeLater(queue) {
      later.add(queue)
      schedule()
    },
    predictedWaitMs: (queue, lane) => waitWithOthers(queue, lane, queue.local ? ready : away),
    get isIdle() {
      return !isRunning && ready.size + later.size + away.size === 0
    },
  }
}

function takeOf(tools: ExecutorTools, queue: VersionQueue): Work | undefined {
  try {
    return takeWork(queue, tools.nowMs())
  } catch (error) {
    tell(tools, error)
    return undefined
  }
}

/** A bug of ours must not keep the next run from its turn. */
function tell({ log }: ExecutorTools, error: unknown): void {
  log.error('a run ended unexpectedly', { error: error instanceof Error ? error.stack : String(error) })
}

function createRun(tools: ExecutorTools): (queue: VersionQueue, work: Work) => Promise<void> {
  const breathe = (): Promise<void> => {
    tools.unmark()
    return new Promise((resolve) => setImmediate(resolve))
  }
  const runTools: RunTools = { nowMs: tools.nowMs, mark: tools.mark, unmark: tools.unmark, ran: tools.ran, breathe }
  return async (queue, work) => {
    try {
      await runWork(runTools, queue, work)
    } catch (error) {
      tell(tools, error)
    } finally {
      endWork(queue, work)
    }
  }
}

/** All that waits for other versions is run before it in the worst case. */
function waitWithOthers(queue: VersionQueue, lane: number, others: Iterable<VersionQueue>): number {
  let ms = waitMs(queue, lane)
  for (const other of others) if (other !== queue) ms += waitMs(other, other.lanes.all.length - 1)
  return ms
}
