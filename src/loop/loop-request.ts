// What a person asks of a running loop: a retrain now, a pause, its end. The engine hears of it by an event.
import type { Kysely } from 'kysely'
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { transact } from '../platform/database.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { getAppliedSpec, type LoopTables } from './loop-store.ts'

export type LoopRequestKind = 'retrain_requested' | 'paused' | 'resumed'

const audited = { retrain_requested: 'loop.trigger', paused: 'loop.pause', resumed: 'loop.resume' } as const

/**
 * Records the wish, its reason and who has it. Asking for what is so already is heard and changes nothing.
 * @throws DomainError loop_not_found
 */
export async function requestOfLoop(
  db: Kysely<LoopTables & AuditTables & EventTables>,
  actor: Actor,
  { loop, kind, reason }: { loop: string; kind: LoopRequestKind; reason: string },
): Promise<void> {
  await transact(db, async (trx) => {
    await getAppliedSpec(trx, loop)
    await recordAudit(trx, actor, { action: audited[kind], subject: loop, detail: { reason } })
    const payload = { loop, actor: actor.name, reason }
    await appendEvent(trx, { type: `loop.${kind}`, subject: loop, payload, atMs: actor.clock() })
  })
}
