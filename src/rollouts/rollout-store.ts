// The tables rollout and rollout_verdict.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { Rehearsal } from './rehearsal.ts'
import { isActive, RolloutPolicy, type Rollout, type RolloutState, type RolloutVerdict } from './rollout.ts'

export interface RolloutTables {
  rollout: {
    id: string
    endpoint: string
    active_endpoint: string | null
    model: string
    champion: number
    challenger: number
    key: string | null
    state: string
    step: number
    policy: string
    started_ms: number
    phase_started_ms: number
    finished_ms: number | null
    watch_until_ms: number | null
    slow_limit_ms: number | null
    /** Rehearsal as JSON. */
    rehearsal: string | null
    held: number
    sentence: string
    created_by: string
    created_at_ms: number
  }
  rollout_verdict: {
    rollout: string
    sequence: number
    phase: string
    step: number
    verdict: string
    reason: string
    statistics: string
    policy_digest: string | null
    judged_ms: number
    at_ms: number
  }
}

const rolloutOf = (row: RolloutTables['rollout']): Rollout => ({
  id: row.id,
  endpoint: row.endpoint,
  model: row.model,
  champion: row.champion,
  challenger: row.challenger,
  key: row.key,
  state: row.state as RolloutState,
  step: row.step,
  policy: RolloutPolicy.parse(JSON.parse(row.policy)),
  startedMs: row.started_ms,
  phaseStartedMs: row.phase_started_ms,
  finishedMs: row.finished_ms,
  watchUntilMs: row.watch_until_ms,
  slowLimitMs: row.slow_limit_ms,
  rehearsal: row.rehearsal === null ? null : Rehearsal.parse(JSON.parse(row.rehearsal)),
  held: row.held === 1,
  sentence: row.sentence,
  createdBy: row.created_by,
  createdAtMs: row.created_at_ms,
})

/** Makes it, or brings it to its new state; a second one under way on an endpoint breaks a unique constraint. */
export async function putRollout(trx: Transaction<RolloutTables>, rollout: Rollout): Promise<void> {
  const change = {
    active_endpoint: isActive(rollout) ? rollout.endpoint : null,
    state: rollout.state,
    step: rollout.step,
    phase_started_ms: rollout.phaseStartedMs,
    finished_ms: rollout.finishedMs,
    watch_until_ms: rollout.watchUntilMs,
    slow_limit_ms: rollout.slowLimitMs,
    rehearsal: rollout.rehearsal === null ? null : JSON.stringify(rollout.rehearsal),
    held: rollout.held ? 1 : 0,
    sentence: rollout.sentence,
  }
  const row = {
    id: rollout.id,
    endpoint: rollout.endpoint,
    model: rollout.model,
    champion: rollout.champion,
    challenger: rollout.challenger,
    key: rollout.key,
    policy: JSON.stringify(rollout.policy),
    started_ms: rollout.startedMs,
    created_by: rollout.createdBy,
    created_at_ms: rollout.createdAtMs,
    ...change,
  }
  await on(trx)
    .insertInto('rollout')
    .values(row)
    .onConflict((c) => c.column('id').doUpdateSet(change))
    .execute()
}

export async function findRollout(db: Db<RolloutTables>, id: string): Promise<Rollout | undefined> {
  const row = await on(db).selectFrom('rollout').selectAll().where('id', '=', id).executeTakeFirst()
  return row && rolloutOf(row)
}

export async function findRolloutByKey(db: Db<RolloutTables>, key: string): Promise<Rollout | undefined> {
  const row = await on(db).selectFrom('rollout').selectAll().where('key', '=', key).executeTakeFirst()
  return row && rolloutOf(row)
}

/** The newest that was promoted on the endpoint. */
export async function findLastPromotion(db: Db<RolloutTables>, endpoint: string): Promise<Rollout | undefined> {
  const row = await on(db)
    .selectFrom('rollout')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('state', '=', 'promoted')
    .orderBy('id', 'desc')
    .executeTakeFirst()
  return row && rolloutOf(row)
}

/** The one under way on the endpoint. */
export async function findActiveRollout(db: Db<RolloutTables>, endpoint: string): Promise<Rollout | undefined> {
  const row = await on(db).selectFrom('rollout').selectAll().where('active_endpoint', '=', endpoint).executeTakeFirst()
  return row && rolloutOf(row)
}

/** Newest first. */
export async function listRollouts(
  db: Db<RolloutTables>,
  filter: { endpoint?: string | undefined; before?: string | undefined; limit: number },
): Promise<Rollout[]> {
  let query = on(db).selectFrom('rollout').selectAll().orderBy('id', 'desc').limit(filter.limit)
  if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint)
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  return (await query.execute()).map(rolloutOf)
}

/** Ids of those that a tick has to look at: under way, or promoted and watched. */
export async function listRolloutsToTick(db: Db<RolloutTables>, endpoint: string | undefined): Promise<string[]> {
  let query = on(db)
    .selectFrom('rollout')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('active_endpoint', 'is not', null),
        eb.and([eb('state', '=', 'promoted'), eb('watch_until_ms', 'is not', null)]),
      ]),
    )
    .orderBy('id')
  if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint)
  return (await query.execute()).map(({ id }) => id)
}

export async function insertVerdict(
  trx: Transaction<RolloutTables>,
  { judgedMs, atMs, statistics, policyDigest, ...verdict }: RolloutVerdict,
): Promise<void> {
  await on(trx)
    .insertInto('rollout_verdict')
    .values({
      ...verdict,
      statistics: JSON.stringify(statistics),
      policy_digest: policyDigest,
      judged_ms: judgedMs,
      at_ms: atMs,
    })
    .execute()
}

/** Newest first; those before sequence `before`. */
export async function listVerdicts(
  db: Db<RolloutTables>,
  filter: { rollout: string; before?: number | undefined; limit: number },
): Promise<RolloutVerdict[]> {
  let query = on(db)
    .selectFrom('rollout_verdict')
    .selectAll()
    .where('rollout', '=', filter.rollout)
    .orderBy('sequence', 'desc')
    .limit(filter.limit)
  if (filter.before !== undefined) query = query.where('sequence', '<', filter.before)
  const rows = await query.execute()
  return rows.map(({ judged_ms: judgedMs, at_ms: atMs, policy_digest: policyDigest, ...row }) => ({
    ...row,
    phase: row.phase as RolloutState,
    verdict: row.verdict as RolloutVerdict['verdict'],
    statistics: JSON.parse(row.statistics) as Record<string, number>,
    policyDigest,
    judgedMs,
    atMs,
  }))
}
