// The tables ab_test and ab_verdict.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { AbPlan, ArmVerdict, type AbState, type AbTest, type AbVerdict } from '../ab-test.ts'

export interface AbTables {
  ab_test: {
    id: string
    endpoint: string
    active_endpoint: string | null
    control: string
    plan: string
    plan_digest: string
    state: string
    winner: string | null
    started_ms: number
    finished_ms: number | null
    sentence: string
    created_by: string
    created_at_ms: number
  }
  ab_verdict: {
    test: string
    sequence: number
    outcome: string
    reason: string
    arms: string
    plan_digest: string
    judged_ms: number
    at_ms: number
  }
}

const testOf = (row: AbTables['ab_test']): AbTest => ({
  id: row.id,
  endpoint: row.endpoint,
  control: row.control,
  plan: AbPlan.parse(JSON.parse(row.plan)),
  planDigest: row.plan_digest,
  state: row.state as AbState,
  winner: row.winner,
  startedMs: row.started_ms,
  finishedMs: row.finished_ms,
  sentence: row.sentence,
  createdBy: row.created_by,
  createdAtMs: row.created_at_ms,
})

/** Makes it, or brings it to its end; a second one under way on an endpoint breaks a unique constraint. */
export async function putAbTest(trx: Transaction<AbTables>, test: AbTest): Promise<void> {
  const change = {
    active_endpoint: test.state === 'running' ? test.endpoint : null,
    state: test.state,
    winner: test.winner,
    finished_ms: test.finishedMs,
    sentence: test.sentence,
  }
  const row = {
    id: test.id,
    endpoint: test.endpoint,
    control: test.control,
    plan: JSON.stringify(test.plan),
    plan_digest: test.planDigest,
    started_ms: test.startedMs,
    created_by: test.createdBy,
    created_at_ms: test.createdAtMs,
    ...change,
  }
  await on(trx)
    .insertInto('ab_test')
    .values(row)
    .onConflict((c) => c.column('id').doUpdateSet(change))
    .execute()
}

export async function findAbTest(db: Db<AbTables>, id: string): Promise<AbTest | undefined> {
  const row = await on(db).selectFrom('ab_test').selectAll().where('id', '=', id).executeTakeFirst()
  return row && testOf(row)
}

/** The one under way on the endpoint. */
export async function findActiveAbTest(db: Db<AbTables>, endpoint: string): Promise<AbTest | undefined> {
  const row = await on(db).selectFrom('ab_test').selectAll().where('active_endpoint', '=', endpoint).executeTakeFirst()
  return row && testOf(row)
}

/** Newest first. */
export async function listAbTests(
  db: Db<AbTables>,
  filter: { endpoint?: string | undefined; before?: string | undefined; limit: number },
): Promise<AbTest[]> {
  let query = on(db).selectFrom('ab_test').selectAll().orderBy('id', 'desc').limit(filter.limit)
  if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint)
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  return (await query.execute()).map(testOf)
}

export async function insertAbVerdict(
  trx: Transaction<AbTables>,
  { arms, planDigest, judgedMs, atMs, ...verdict }: AbVerdict,
): Promise<void> {
  const row = { ...verdict, arms: JSON.stringify(arms), plan_digest: planDigest, judged_ms: judgedMs, at_ms: atMs }
  await on(trx).insertInto('ab_verdict').values(row).execute()
}

/** Newest first; those before sequence `before`. */
export async function listAbVerdicts(
  db: Db<AbTables>,
  filter: { test: string; before?: number | undefined; limit: number },
): Promise<AbVerdict[]> {
  let query = on(db)
    .selectFrom('ab_verdict')
    .selectAll()
    .where('test', '=', filter.test)
    .orderBy('sequence', 'desc')
    .limit(filter.limit)
  if (filter.before !== undefined) query = query.where('sequence', '<', filter.before)
  const rows = await query.execute()
  return rows.map(({ plan_digest: planDigest, judged_ms: judgedMs, at_ms: atMs, ...row }) => ({
    ...row,
    outcome: row.outcome as AbVerdict['outcome'],
    arms: ArmVerdict.array().parse(JSON.parse(row.arms)),
    planDigest,
    judgedMs,
    atMs,
  }))
}
