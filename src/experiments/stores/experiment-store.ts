// The only file that reads or writes the table experiment.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { Experiment } from '../experiment.ts'
import type { ExperimentTables } from '../tables.ts'

type Row = ExperimentTables['experiment']

const experimentOf = (row: Row): Experiment => ({
  id: row.id,
  name: row.name,
  tags: JSON.parse(row.tags) as Experiment['tags'],
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
  deletedAtMs: row.deleted_at_ms,
})

const rowOf = (experiment: Experiment): Row => ({
  id: experiment.id,
  name: experiment.name,
  tags: JSON.stringify(experiment.tags),
  created_at_ms: experiment.createdAtMs,
  updated_at_ms: experiment.updatedAtMs,
  deleted_at_ms: experiment.deletedAtMs,
})

/** By id or by name. */
export async function readExperiment(
  db: Db<ExperimentTables>,
  which: number | string,
): Promise<Experiment | undefined> {
  const row = await on(db)
    .selectFrom('experiment')
    .selectAll()
    .where(typeof which === 'number' ? 'id' : 'name', '=', which)
    .executeTakeFirst()
  return row && experimentOf(row)
}

/** Newest first: those with an id below `before`. */
export async function readExperiments(
  db: Db<ExperimentTables>,
  { before, limit, withDeleted }: { before?: number | undefined; limit: number; withDeleted?: boolean | undefined },
): Promise<Experiment[]> {
  let query = on(db).selectFrom('experiment').selectAll().orderBy('id', 'desc').limit(limit)
  if (before !== undefined) query = query.where('id', '<', before)
  if (!withDeleted) query = query.where('deleted_at_ms', 'is', null)
  return (await query.execute()).map(experimentOf)
}

export async function lastExperimentId(trx: Transaction<ExperimentTables>): Promise<number> {
  const { last } = await on(trx)
    .selectFrom('experiment')
    .select((eb) => eb.fn.max('id').as('last'))
    .executeTakeFirstOrThrow()
  return Number(last ?? 0)
}

export async function insertExperiment(trx: Transaction<ExperimentTables>, experiment: Experiment): Promise<void> {
  await on(trx).insertInto('experiment').values(rowOf(experiment)).execute()
}

export async function updateExperiment(trx: Transaction<ExperimentTables>, experiment: Experiment): Promise<void> {
  const { id, ...change } = rowOf(experiment)
  await on(trx).updateTable('experiment').set(change).where('id', '=', id).execute()
}
