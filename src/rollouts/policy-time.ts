// Policy time of an endpoint: its watermark where requests carry their own time, else the wall clock.
import type { Connection } from '../platform/database.ts'
import { watermarkMs } from '../monitoring/watermark.ts'
import type { Clock } from '../platform/clock.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import type { RolloutDatabase } from './traffic-moves.ts'

/** Of an endpoint on the event clock that has answered nothing, the wall clock's. */
export async function policyTimeMs(db: Connection<RolloutDatabase>, name: string, clock: Clock): Promise<number> {
  const endpoint = await findEndpoint(db, name)
  return endpoint?.clock === 'event' ? ((await watermarkMs(db, name)) ?? clock()) : clock()
}
