// The only file that reads or writes the table step_cache: outputs by the fingerprint of the work that made them.
import { on, type Db, type Transaction } from '../../platform/database.ts'

export interface StepCacheTables {
  step_cache: { fingerprint: string; kind: string; output: string; step_run_id: string; created_at_ms: number }
}

export interface CachedOutput {
  readonly fingerprint: string
  readonly kind: string
  /** What `execute` gave, before the commit. */
  readonly output: unknown
  readonly stepRunId: string
  readonly createdAtMs: number
}

export async function findCachedOutput(
  db: Db<StepCacheTables>,
  fingerprint: string,
): Promise<CachedOutput | undefined> {
  const row = await on(db)
    .selectFrom('step_cache')
    .selectAll()
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirst()
  return (
    row && {
      fingerprint,
      kind: row.kind,
      output: JSON.parse(row.output) as unknown,
      stepRunId: row.step_run_id,
      createdAtMs: row.created_at_ms,
    }
  )
}

/** The newest output takes the place of an older one. */
export async function putCachedOutput(trx: Transaction<StepCacheTables>, cached: CachedOutput): Promise<void> {
  const change = {
    kind: cached.kind,
    output: JSON.stringify(cached.output),
    step_run_id: cached.stepRunId,
    created_at_ms: cached.createdAtMs,
  }
  await on(trx)
    .insertInto('step_cache')
    .values({ fingerprint: cached.fingerprint, ...change })
    .onConflict((c) => c.column('fingerprint').doUpdateSet(change))
    .execute()
}
