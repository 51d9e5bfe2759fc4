// Connections on their way to a worker: when it dies before it has taken them, they are closed, so that their callers can try again.
import type { ChildProcess, SendHandle } from 'node:child_process'

/** As many are remembered before those that were taken are forgotten. */
const rememberedMax = 64

/** What a cluster's primary sends to a worker with a new connection: the bare handle of a socket. */
interface Handle {
  /** Negative once it is closed here, which the cluster does as soon as the worker says that it has it. */
  readonly fd: number
  close(): void
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' && value !== null && 'fd' in value && 'close' in value && typeof value.close === 'function'

/**
 * Node's round robin waits for the worker's word before it closes its own end of a connection, and for ever when the worker dies before
 * it has said anything: the caller would wait as long. Call it right after the fork.
 */
export function closeWhatIsNotTaken(worker: ChildProcess): void {
  const handed = new Set<Handle>()
  let isGone = false
  const closeAll = (): void => {
    isGone = true
    for (const handle of handed) handle.close()
    handed.clear()
  }
  const remember = (handle: Handle): void => {
    if (handed.size >= rememberedMax) for (const each of handed) if (each.fd < 0) handed.delete(each)
    handed.add(handle)
  }
  type Send = (message: unknown, handle?: SendHandle, ...rest: unknown[]) => boolean
  const send = worker.send.bind(worker) as Send
  const sendAndRemember: Send = (message, handle, ...rest) => {
    if (isHandle(handle)) remember(handle)
    const isSent = send(message, handle, ...rest)
    if (isGone) closeAll()
    return isSent
  }
  Object.assign(worker, { send: sendAndRemember })
  worker.once('exit', closeAll).once('disconnect', closeAll)
}
