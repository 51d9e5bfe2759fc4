// A version that went live reaches the gateway's workers a moment later: waiting until all of them serve it.
import { pathOf } from '../../client/http-client.ts'
import { parseVersion } from '../../models/model-version.ts'
import { monotonicMs, sleep } from '../../platform/clock.ts'

export interface Served {
  readonly gatewayUrl: string
  readonly endpoint: string
  /** `flights/1` */
  readonly version: string
  readonly limitMs: number
}

const pollMs = 50
const askLimitMs = 3_000
/** A worker answers for itself and a connection meets any of them: so many that say yes in a row leave none out, as good as surely. */
const connectionsInARow = 8

/** Whether it was served within the time. */
export async function untilServed({ gatewayUrl, endpoint, version, limitMs }: Served): Promise<boolean> {
  const { version: number } = parseVersion(version)
  const url = new URL(pathOf`/v2/models/${endpoint}/versions/${number}/ready`, gatewayUrl)
  const untilMs = monotonicMs() + limitMs
  for (let inARow = 0; inARow < connectionsInARow;) {
    if (await saysYes(url)) inARow++
    else {
      inARow = 0
      if (monotonicMs() > untilMs) return false
      await sleep(pollMs)
    }
  }
  return true
}

async function saysYes(url: URL): Promise<boolean> {
  try {
    const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(askLimitMs) })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false // Not up, or busy: it is asked again until the caller's time is over.
  }
}
