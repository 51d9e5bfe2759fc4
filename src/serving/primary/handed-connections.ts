// Connections on their way to a worker: when it dies before it has taken them, they are closed, so that their callers can try again.
import type { ChildProcess, SendHandle } from 'node:child_process'

/** What a cluster's primary sends to a worker with a new connection: the bare handle of a socket. */
interface Handle {
  close(): void
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'

/** Of a message of the cluster to or from a worker, the number that another one is answered by. */
function numberIn(message: unknown, key: 'seq' | 'ack'): number | undefined {
  if (typeof message !== 'object' || message === null || !(key in message)) return undefined
  const number = (message as Record<string, unknown>)[key]
  return typeof number === 'number' ? number : undefined
}

/**
 * Node's round robin waits for the worker's word before it closes its own end of a connection, and for ever when the worker dies before
 * it has said anything: the caller would wait as long. One that a worker declined is somebody else's. Call it right after the fork.
 */
export function closeWhatIsNotTaken(worker: ChildProcess): void {
  const handed = new Map<number, Handle>()
  let isGone = false
  const closeAll = (): void => {
    isGone = true
    for (const handle of handed.values()) handle.close()
    handed.clear()
  }
  type Send = (message: unknown, handle?: SendHandle, ...rest: unknown[]) => boolean
  const send = worker.send.bind(worker) as Send
  const sendAndRemember: Send = (message, handle, ...rest) => {
    const sequence = numberIn(message, 'seq')
    if (sequence !== undefined && isHandle(handle)) handed.set(sequence, handle)
    const isSent = send(message, handle, ...rest)
    if (isGone) closeAll()
    return isSent
  }
  Object.assign(worker, { send: sendAndRemember, disconnect: disconnectAndTell(worker) })
  worker.on('internalMessage', (message: unknown) => {
    const answered = numberIn(message, 'ack')
    if (answered !== undefined) handed.delete(answered)
  })
  worker.once('exit', closeAll).once('disconnect', closeAll)
}

/**
 * Node calls it at the end of the channel, and then tells nobody while a connection is on its way in it, which in a dead worker it is for
 * ever: the round robin would give that worker, until its exit is seen, a connection that it neither sends nor closes.
 */
function disconnectAndTell(worker: ChildProcess): () => void {
  const disconnect = worker.disconnect.bind(worker)
  let isTold = false
  worker.once('disconnect', () => (isTold = true))
  return () => {
    disconnect()
    // After Node's own word, which comes in the next tick.
    process.nextTick(() => {
      if (!isTold) worker.emit('disconnect')
    })
  }
}
