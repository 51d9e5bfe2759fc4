// Connections that are read through one memory of the process: a memory and a stream's event of its own for each read is a tenth of what a
// small request takes.
import { Socket, type SocketConstructorOpts } from 'node:net'

/** The bytes of a connection as they come. */
export interface BytesRead {
  /** To be used instead of the socket that was accepted. */
  readonly socket: Socket
  /** From now on what comes is the socket's own, as of any stream. */
  readonly letGo: () => void
}

/** Most that one read brings. */
const memory = Buffer.allocUnsafeSlow(64 * 1024)

/** As Node's own server makes sockets of the connections that it accepts, which is documented only for ports that are bound. */
type Handle = SocketConstructorOpts['handle']

interface WithHandle {
  _handle?: Handle | null
}

/** Node's sockets were seen to do so from 24.12 on; see decision 0035. In another major release, connections are read as any stream. */
const isTried = process.version.startsWith('v24.')

/** @param onBytes gets bytes that nothing else writes to */
export function readShared(accepted: Socket, onBytes: (bytes: Buffer) => void, isShared = isTried): BytesRead {
  const handle = isShared ? takeHandle(accepted) : undefined
  if (!handle) {
    accepted.on('data', onBytes)
    return { socket: accepted, letGo: () => accepted.off('data', onBytes) }
  }
  let isLetGo = false
  const callback = (length: number): boolean => {
    const bytes = Buffer.allocUnsafe(length)
    memory.copy(bytes, 0, 0, length)
    if (isLetGo) return socket.push(bytes)
    onBytes(bytes)
    return true
  }
  const { allowHalfOpen } = accepted
  const socket = new Socket({ handle, allowHalfOpen, onread: { buffer: memory, callback } })
  // Its server counts the one that it accepted.
  socket.once('close', () => accepted.destroy())
  return {
    socket,
    letGo() {
      isLetGo = true
    },
  }
}

/** Undefined: the connection is gone already. */
function takeHandle(accepted: Socket & WithHandle): Handle {
  const { _handle: handle } = accepted
  if (!handle) return undefined
  accepted._handle = null
  return handle
}
