// Requests that have begun to arrive: held until they are whole, for a moment only and only so many bytes of all callers together.
import { plainBytesHeldMax, plainHeadBytesMax, plainRequestBytesMax } from '../../contract/gateway-limits.ts'
import { createHeadReader, type PlainHead } from './plain-head.ts'

/** A request that may not be whole yet. Its head is read once, however small the pieces are in which its body comes. */
export interface Arrival {
  readonly head: PlainHead
  /** Bytes of the head. */
  readonly start: number
  /** Bytes in all. */
  readonly end: number
}

export interface RequestHolder {
  /** Undefined: not of the plain form, or more than one request. */
  readonly read: (bytes: Buffer) => Arrival | undefined
  /** All that has come of a request. False: there is no room for it. `giveUp` is called when it is not whole in time. */
  readonly hold: (giveUp: () => void, bytes: number) => boolean
  readonly release: (giveUp: () => void) => void
}

/** A request is whole within one to two of these after it has begun, or given up. */
const turnMs = 500

export function createRequestHolder(): RequestHolder {
  const headOf = createHeadReader()
  const held = new Map<() => void, { bytes: number; turn: number }>()
  let bytesHeld = 0
  let turn = 0
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    turn++
    for (const [giveUp, begun] of held) if (begun.turn < turn - 1) giveUp()
    if (held.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    read: (bytes) => readArrival(headOf, bytes),
    hold(giveUp, bytes) {
      const begun = held.get(giveUp)
      const more = bytes - (begun?.bytes ?? 0)
      if (bytesHeld + more > plainBytesHeldMax) return false
      held.set(giveUp, { bytes, turn: begun?.turn ?? turn })
      bytesHeld += more
      timer ??= setInterval(look, turnMs).unref()
      return true
    },
    release(giveUp) {
      if (held.size === 0) return
      bytesHeld -= held.get(giveUp)?.bytes ?? 0
      held.delete(giveUp)
    },
  }
}

function readArrival(headOf: ReturnType<typeof createHeadReader>, bytes: Buffer): Arrival | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0 || headEnd > plainHeadBytesMax) return undefined
  const head = headOf(bytes, headEnd)
  if (!head) return undefined
  const start = headEnd + 4
  const end = start + head.bodyBytes
  return bytes.length === end || (bytes.length < end && end <= plainRequestBytesMax) ? { head, start, end } : undefined
}
