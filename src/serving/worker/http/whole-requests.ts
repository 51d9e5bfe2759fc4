// Requests that have begun to arrive: held until they are whole, for a moment only and only so many bytes of all callers together.
import { plainBytesHeldMax, plainHeadBytesMax, plainRequestBytesMax } from '../../contract/gateway-limits.ts'
import { createHeadReader, type PlainHead } from './plain-head.ts'

export interface WholeRequest {
  readonly head: PlainHead
  readonly body: Buffer
}

/** `other`: not of the plain form, or more than one request. */
export type Arrival = WholeRequest | 'partial' | 'other'

export interface RequestHolder {
  readonly read: (bytes: Buffer) => Arrival
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
  const release = (giveUp: () => void): void => {
    bytesHeld -= held.get(giveUp)?.bytes ?? 0
    held.delete(giveUp)
  }
  return {
    read: (bytes) => readWhole(headOf, bytes),
    hold(giveUp, bytes) {
      const begun = held.get(giveUp)
      const more = bytes - (begun?.bytes ?? 0)
      if (bytesHeld + more > plainBytesHeldMax) return false
      held.set(giveUp, { bytes, turn: begun?.turn ?? turn })
      bytesHeld += more
      timer ??= setInterval(look, turnMs).unref()
      return true
    },
    release,
  }
}

function readWhole(headOf: (text: string) => PlainHead | undefined, bytes: Buffer): Arrival {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0 || end > plainHeadBytesMax) return 'other'
  const head = headOf(bytes.toString('latin1', 0, end))
  if (!head) return 'other'
  const start = end + 4
  const missing = start + head.bodyBytes - bytes.length
  if (missing === 0) return { head, body: bytes.subarray(start) }
  return missing > 0 && start + head.bodyBytes <= plainRequestBytesMax ? 'partial' : 'other'
}
