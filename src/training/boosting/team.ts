// The threads of a boosting run: the caller's and helpers that share its memory. One command at a time, done by all before the next.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { CONTROL, type BoostingMemory } from './memory.ts'
import { createShard } from './shard.ts'

/** A helper that does not finish one operation (milliseconds of work) in this time is taken for lost. */
const STALLED_MS = 600_000

/** Looks at the counter so often before sleeping on it: most operations end together. */
const SPINS = 2_000

export interface Team extends AsyncDisposable {
  /** Carries out an operation on all threads, this one included, and returns when it is done everywhere. */
  run(operation: number, first?: number, words?: readonly [number, number, number]): void
}

/** Starts the helpers; with one thread there are none. */
export async function startTeam(memory: BoostingMemory): Promise<Team> {
  const { control, shape } = memory
  const helpers = Array.from({ length: shape.threads - 1 }, (_, index) => startHelper(memory, index + 1))
  const shard = createShard(memory, 0)
  const command = (operation: number) => {
    control[CONTROL.operation] = operation
    Atomics.store(control, CONTROL.pending, helpers.length)
    Atomics.add(control, CONTROL.epoch, 1)
    Atomics.notify(control, CONTROL.epoch)
  }
  try {
    await Promise.all(helpers.map((helper) => once(helper, 'message')))
  } catch (error) {
    await Promise.all(helpers.map((helper) => helper.terminate()))
    throw error
  }
  return {
    run(operation, first = 0, [second, third, fourth] = [0, 0, 0]) {
      control[CONTROL.first] = first
      control[CONTROL.second] = second
      control[CONTROL.third] = third
      control[CONTROL.fourth] = fourth
      command(operation)
      shard()
      if (helpers.length > 0) waitForHelpers(control)
    },
    async [Symbol.asyncDispose]() {
      // Helpers only wait by now, and one that was lost or hangs must not keep us.
      await Promise.all(helpers.map((helper) => helper.terminate()))
    },
  }
}

function startHelper(memory: BoostingMemory, thread: number): Worker {
  // A clone runs as TypeScript, published code is JavaScript.
  const source = new URL('./helper.ts', import.meta.url)
  const file = import.meta.url.endsWith('.ts') ? source : new URL('./helper.js', import.meta.url)
  return new Worker(file, { workerData: { memory, thread }, execArgv: [] })
}

function waitForHelpers(control: Int32Array): void {
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(control, CONTROL.pending) === 0) break
  for (
    let pending = Atomics.load(control, CONTROL.pending);
    pending > 0;
    pending = Atomics.load(control, CONTROL.pending)
  ) {
    if (Atomics.wait(control, CONTROL.pending, pending, STALLED_MS) === 'timed-out')
      throw new Error('a training thread stopped answering')
  }
  if (Atomics.load(control, CONTROL.failed) !== 0) throw new Error('a training thread failed')
}
