// The only file that reads or writes the tables scorer, scorer_version and online_scoring.
import type { ExperimentTables } from '../../experiments/tables.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { LabellingTables } from '../tables.ts'

type Tables = LabellingTables & ExperimentTables
type Trx = Transaction<LabellingTables>

export interface ScorerVersion {
  readonly scorerId: string
  readonly experimentId: number
  readonly name: string
  readonly version: number
  readonly serialized: string
  readonly createdAtMs: number
}

export interface OnlineScoring {
  readonly id: string
  readonly scorerId: string
  readonly experimentId: number
  /** 0 to 1; at 0 nothing is scored. */
  readonly sampleRate: number
  readonly filter: string | null
}

const versionsOf = (db: Db<Tables>) =>
  on(db)
    .selectFrom('scorer')
    .innerJoin('scorer_version', 'scorer_version.scorer_id', 'scorer.id')
    .select([
      'scorer.id as scorerId',
      'scorer.experiment_id as experimentId',
      'scorer.name',
      'scorer_version.version',
      'scorer_version.serialized',
      'scorer_version.created_at_ms as createdAtMs',
    ])

export async function findScorer(
  db: Db<LabellingTables>,
  { experimentId, name }: { experimentId: number; name: string },
): Promise<string | undefined> {
  const row = await on(db)
    .selectFrom('scorer')
    .select('id')
    .where('experiment_id', '=', experimentId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.id
}

export async function hasScorer(db: Db<LabellingTables>, id: string): Promise<boolean> {
  const row = await on(db).selectFrom('scorer').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}

/** By version; only that one when it is named. */
export function readScorerVersions(
  db: Db<Tables>,
  { experimentId, name }: { experimentId: number; name: string },
  version?: number,
): Promise<ScorerVersion[]> {
  const query = versionsOf(db)
    .where('scorer.experiment_id', '=', experimentId)
    .where('scorer.name', '=', name)
    .orderBy('scorer_version.version')
  return (version === undefined ? query : query.where('scorer_version.version', '=', version)).execute()
}

/** Of experiments that are not deleted: of those named, or of all. */
export async function latestScorerVersions(
  db: Db<Tables>,
  experimentIds?: readonly number[],
  name?: string,
): Promise<ScorerVersion[]> {
  let query = versionsOf(db)
    .innerJoin('experiment', 'experiment.id', 'scorer.experiment_id')
    .where('experiment.deleted_at_ms', 'is', null)
    .where('scorer_version.version', '=', (eb) =>
      eb
        .selectFrom('scorer_version as newest')
        .select((fn) => fn.fn.max('newest.version').as('version'))
        .whereRef('newest.scorer_id', '=', 'scorer.id'),
    )
    .orderBy('scorer.experiment_id')
    .orderBy('scorer.name')
  if (name !== undefined) query = query.where('scorer.name', '=', name)
  if (!experimentIds) return query.execute()
  const found: ScorerVersion[] = []
  for (const chunk of chunksOf([...new Set(experimentIds)].toSorted((a, b) => a - b))) {
    found.push(...(await query.where('scorer.experiment_id', 'in', chunk).execute()))
  }
  return found
}

export async function insertScorer(
  trx: Trx,
  { id, experimentId, name }: { id: string; experimentId: number; name: string },
): Promise<void> {
  await on(trx).insertInto('scorer').values({ id, experiment_id: experimentId, name }).execute()
}

export async function insertScorerVersion(
  trx: Trx,
  scorerId: string,
  { version, serialized, createdAtMs }: Pick<ScorerVersion, 'version' | 'serialized' | 'createdAtMs'>,
): Promise<void> {
  const row = { scorer_id: scorerId, version, serialized, created_at_ms: createdAtMs }
  await on(trx).insertInto('scorer_version').values(row).execute()
}

/** With its versions and its configuration. Whether there was one. */
export async function removeScorer(trx: Trx, id: string): Promise<boolean> {
  const { numDeletedRows } = await on(trx).deleteFrom('scorer').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** Whether there was one. */
export async function removeScorerVersion(trx: Trx, scorerId: string, version: number): Promise<boolean> {
  const { numDeletedRows } = await on(trx)
    .deleteFrom('scorer_version')
    .where('scorer_id', '=', scorerId)
    .where('version', '=', version)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function readOnlineScoring(
  db: Db<LabellingTables>,
  scorerIds: readonly string[],
): Promise<OnlineScoring[]> {
  const found: OnlineScoring[] = []
  for (const chunk of chunksOf(scorerIds)) {
    const rows = await on(db).selectFrom('online_scoring').selectAll().where('scorer_id', 'in', chunk).execute()
    for (const { id, scorer_id: scorerId, experiment_id: experimentId, sample_rate: sampleRate, filter } of rows) {
      found.push({ id, scorerId, experimentId, sampleRate, filter })
    }
  }
  return found
}

/** In place of the one that the scorer has. */
export async function putOnlineScoring(trx: Trx, config: OnlineScoring): Promise<void> {
  const { id, scorerId, experimentId, sampleRate, filter } = config
  const change = { id, experiment_id: experimentId, sample_rate: sampleRate, filter }
  await on(trx)
    .insertInto('online_scoring')
    .values({ scorer_id: scorerId, ...change })
    .onConflict((c) => c.column('scorer_id').doUpdateSet(change))
    .execute()
}
