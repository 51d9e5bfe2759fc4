// Connections handed to a worker that dies: closed, whether the end of its channel is told by Node or not.
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { closeWhatIsNotTaken } from './handed-connections.ts'

/** A worker's process as the primary sees it; `disconnect` is what Node calls at the end of the channel. */
function createWorker(tellsItsEnd: boolean) {
  const worker = new EventEmitter() as unknown as ChildProcess
  const told: string[] = []
  Object.assign(worker, {
    send: () => true,
    disconnect() {
      if (tellsItsEnd) process.nextTick(() => worker.emit('disconnect'))
    },
  })
  worker.on('disconnect', () => told.push('disconnect'))
  closeWhatIsNotTaken(worker)
  return { worker, told }
}

const createHandle = () => ({ isClosed: false, close: () => undefined as void })
function handTo(worker: ChildProcess, seq: number) {
  const handle = createHandle()
  handle.close = () => void (handle.isClosed = true)
  ;(worker.send as (message: object, handle: object) => boolean)({ cmd: 'NODE_CLUSTER', act: 'newconn', seq }, handle)
  return handle
}

test('what a worker has taken is left alone, and what it has not is closed at its exit', () => {
  const { worker } = createWorker(true)
  const [taken, waiting] = [handTo(worker, 1), handTo(worker, 2)]
  worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: 1, accepted: true })
  worker.emit('exit', null, 'SIGKILL')
  expect([taken.isClosed, waiting.isClosed]).toEqual([false, true])
  expect(handTo(worker, 3).isClosed).toBe(true)
})

test.each([true, false])(
  'the end of its channel is told once, and before the next connection comes (%s)',
  async (byNode) => {
    const { worker, told } = createWorker(byNode)
    const waiting = handTo(worker, 1)
    worker.disconnect()
    await turn()
    expect(told).toEqual(['disconnect'])
    expect(waiting.isClosed).toBe(true)
  },
)
