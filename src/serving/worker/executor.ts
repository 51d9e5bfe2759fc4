// Zero-wait batching: whatever arrived in one turn of the event loop runs in the next check phase, one version after the other.
import type { Log } from '../../platform/log.ts'
import { runBudgetMs } from '../gateway-limits.ts'
import { runQueue, type RunTools, type VersionQueue } from './version-queue.ts'

export interface Executor {
  /** Runs the queue at the end of this turn. */
  wake(queue: VersionQueue): void
  /** Runs the queue when nothing else waits. */
  wakeLater(queue: VersionQueue): void
  /** Nothing waits and nothing runs. */
  readonly isIdle: boolean
}

/**
 * Only one run at a time: the mark then always names the version that a hung worker hangs in.
 * @param idle is told when nothing is about to run.
 */
export function createExecutor(tools: Omit<RunTools, 'breathe'> & { idle: () => void; log: Log }): Executor {
  const ready = new Set<VersionQueue>()
  const later = new Set<VersionQueue>()
  let isScheduled = false
  let isRunning = false

  const schedule = (): void => {
    if (isScheduled || isRunning) return
    isScheduled = true
    setImmediate(() => void turn())
  }
  const breathe = (): Promise<void> => {
    tools.idle()
    return new Promise((resolve) => setImmediate(resolve))
  }
  const runTools: RunTools = { nowMs: tools.nowMs, mark: tools.mark, ran: tools.ran, breathe }

  const turn = async (): Promise<void> => {
    isScheduled = false
    isRunning = true
    const endMs = tools.nowMs() + runBudgetMs
    // Shadows wait for a turn that has nothing to answer.
    const queues = ready.size > 0 ? ready : later
    try {
      for (const queue of queues) {
        queues.delete(queue)
        await runQueue(runTools, queue)
        if (queue.jobs.length > 0) queues.add(queue)
        if (tools.nowMs() > endMs) break
      }
    } catch (error) {
      tools.log.error('a run ended unexpectedly', { error: error instanceof Error ? error.stack : String(error) })
    } finally {
      tools.idle()
      isRunning = false
      if (ready.size + later.size > 0) schedule()
    }
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
    get isIdle() {
      return !isRunning && ready.size + later.size === 0
    },
  }
}
