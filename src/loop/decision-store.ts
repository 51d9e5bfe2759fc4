// The only file that reads or writes the table loop_decision: the loop's story, line by line.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { DecisionKind, Evidence, type Decision } from './policy-state.ts'

export interface DecisionTables {
  loop_decision: {
    loop: string
    number: number
    at_ms: number
    recorded_ms: number
    kind: string
    sentence: string
    evidence: string
  }
}

/** `number` counts from 1 within the loop; `recordedMs` is wall time, `atMs` policy time. */
export interface StoredDecision extends Decision {
  readonly number: number
  readonly recordedMs: number
}

export async function insertDecisions(
  trx: Transaction<DecisionTables>,
  loop: string,
  decisions: readonly StoredDecision[],
): Promise<void> {
  if (decisions.length === 0) return
  const rows = decisions.map(({ number, atMs, recordedMs, kind, sentence, evidence }) => ({
    loop,
    number,
    at_ms: atMs,
    recorded_ms: recordedMs,
    kind,
    sentence,
    evidence: JSON.stringify(evidence),
  }))
  await on(trx).insertInto('loop_decision').values(rows).execute()
}

/** In the order in which they were made, after the number `after`. */
export async function listDecisions(
  db: Db<DecisionTables>,
  page: { loop: string; after?: number; limit: number },
): Promise<StoredDecision[]> {
  const rows = await on(db)
    .selectFrom('loop_decision')
    .selectAll()
    .where('loop', '=', page.loop)
    .where('number', '>', page.after ?? 0)
    .orderBy('number')
    .limit(page.limit)
    .execute()
  return rows.map((row) => ({
    number: row.number,
    atMs: row.at_ms,
    recordedMs: row.recorded_ms,
    kind: DecisionKind.parse(row.kind),
    sentence: row.sentence,
    evidence: Evidence.parse(JSON.parse(row.evidence)),
  }))
}
