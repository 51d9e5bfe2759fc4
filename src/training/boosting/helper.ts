// What a helper thread of a boosting run does until it is ended: wait for a command, carry it out on its rows, say so.
import { parentPort, workerData } from 'node:worker_threads'
import { CONTROL, type BoostingMemory } from './memory.ts'
import { createShard } from './shard.ts'

const { memory, thread } = workerData as { memory: BoostingMemory; thread: number }
const { control } = memory
const shard = createShard(memory, thread)

/** Looks for the next command so often before sleeping: between two splits there are microseconds. */
const SPINS = 5_000

parentPort?.postMessage('ready')

for (let epoch = 0; ;) {
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(control, CONTROL.epoch) !== epoch) break
  while (Atomics.load(control, CONTROL.epoch) === epoch) Atomics.wait(control, CONTROL.epoch, epoch)
  epoch = Atomics.load(control, CONTROL.epoch)
  try {
    shard()
  } catch {
    Atomics.store(control, CONTROL.failed, 1)
  }
  if (Atomics.sub(control, CONTROL.pending, 1) === 1) Atomics.notify(control, CONTROL.pending)
}
