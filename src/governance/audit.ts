// The audit log: who changed what, why. Written in the transaction of the change, never after it.
import type { Clock } from '../platform/clock.ts'
import { on, type Db, type Transaction } from '../platform/database.ts'

export interface AuditTables {
  audit_event: { id: string; at_ms: number; actor: string; action: string; subject: string; detail: string }
}

/** Who asks, and the clock to date it with. `name` is a user, a token or a loop's policy (`loop:flights`). */
export interface Actor {
  readonly name: string
  readonly clock: Clock
  readonly ids: (prefix: string) => string
}

export interface AuditEvent {
  readonly id: string
  readonly atMs: number
  readonly actor: string
  /** `noun.verb`, such as `alias.move`. */
  readonly action: string
  readonly subject: string
  readonly detail: unknown
}

export async function recordAudit(
  trx: Transaction<AuditTables>,
  actor: Actor,
  event: { action: string; subject: string; detail: unknown },
): Promise<void> {
  const row = {
    ...event,
    id: actor.ids('aud'),
    at_ms: actor.clock(),
    actor: actor.name,
    detail: JSON.stringify(event.detail),
  }
  await on(trx).insertInto('audit_event').values(row).execute()
}

/** Newest first. */
export async function listAudit(
  db: Db<AuditTables>,
  filter: { subject?: string | undefined; limit: number },
): Promise<AuditEvent[]> {
  let query = on(db).selectFrom('audit_event').selectAll().orderBy('id', 'desc').limit(filter.limit)
  if (filter.subject) query = query.where('subject', '=', filter.subject)
  const rows = await query.execute()
  return rows.map(({ at_ms: atMs, detail, ...rest }) => ({ ...rest, atMs, detail: JSON.parse(detail) as unknown }))
}
