// The only file that reads or writes the tables experiment, experiment_number and experiment_tag.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { Experiment } from '../experiment.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { ExperimentTables } from '../tables.ts'

type Row = ExperimentTables['experiment']

/** What the table experiment holds, without the tags. */
export type ExperimentHeader = Omit<Experiment, 'tags'>

const headerOf = (row: Row): ExperimentHeader => ({
  id: row.id,
  name: row.name,
  artifactLocation: row.artifact_location,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
  deletedAtMs: row.deleted_at_ms,
})

/** PostgreSQL refuses to look for more. */
const idMax = 2 ** 31 - 1

/** By id or by name. */
export async function readExperimentHeader(
  db: Db<ExperimentTables>,
  which: number | string,
): Promise<ExperimentHeader | undefined> {
  if (typeof which === 'number' && Math.abs(which) > idMax) return undefined
  const row = await on(db)
    .selectFrom('experiment')
    .selectAll()
    .where(typeof which === 'number' ? 'id' : 'name', '=', which)
    .executeTakeFirst()
  return row && headerOf(row)
}

/** By id or by name. */
export async function readExperiment(
  db: Db<ExperimentTables>,
  which: number | string,
): Promise<Experiment | undefined> {
  const header = await readExperimentHeader(db, which)
  return header && (await withTags(db, [header]))[0]
}

/** In the order of `ids`; ids without an experiment are left out. */
export async function readExperimentsById(db: Db<ExperimentTables>, ids: readonly number[]): Promise<Experiment[]> {
  const found = new Map<number, ExperimentHeader>()
  for (const chunk of chunksOf(ids)) {
    const rows = await on(db).selectFrom('experiment').selectAll().where('id', 'in', chunk).execute()
    for (const row of rows) found.set(row.id, headerOf(row))
  }
  return withTags(
    db,
    ids.flatMap((id) => found.get(id) ?? []),
  )
}

/** Newest first: those with an id below `before`. */
export async function readExperiments(
  db: Db<ExperimentTables>,
  { before, limit, withDeleted }: { before?: number | undefined; limit: number; withDeleted?: boolean | undefined },
): Promise<Experiment[]> {
  let query = on(db).selectFrom('experiment').selectAll().orderBy('id', 'desc').limit(limit)
  if (before !== undefined) query = query.where('id', '<', before)
  if (!withDeleted) query = query.where('deleted_at_ms', 'is', null)
  return withTags(db, (await query.execute()).map(headerOf))
}

async function withTags(db: Db<ExperimentTables>, headers: readonly ExperimentHeader[]): Promise<Experiment[]> {
  const tags = new Map<number, [string, string][]>(headers.map(({ id }) => [id, []]))
  for (const ids of chunksOf([...tags.keys()])) {
    const rows = await on(db)
      .selectFrom('experiment_tag')
      .selectAll()
      .where('experiment_id', 'in', ids)
      .orderBy('experiment_id')
      .orderBy('key')
      .execute()
    for (const { experiment_id: id, key, value } of rows) tags.get(id)!.push([key, value])
  }
  return headers.map((header) => ({ ...header, tags: Object.fromEntries(tags.get(header.id)!) }))
}

/** Never one that was given before. */
export async function nextExperimentId(trx: Transaction<ExperimentTables>): Promise<number> {
  const { last } = await on(trx)
    .updateTable('experiment_number')
    .set((eb) => ({ last: eb('last', '+', 1) }))
    .returning('last')
    .executeTakeFirstOrThrow()
  return last
}

/** What is made next has a number beyond it. */
export async function passExperimentId(trx: Transaction<ExperimentTables>, id: number): Promise<void> {
  await on(trx).updateTable('experiment_number').set({ last: id }).where('last', '<', id).execute()
}

export async function insertExperiment(trx: Transaction<ExperimentTables>, experiment: Experiment): Promise<void> {
  await on(trx).insertInto('experiment').values(rowOf(experiment)).execute()
  await putExperimentTags(trx, experiment.id, experiment.tags)
}

export async function updateExperiment(trx: Transaction<ExperimentTables>, header: ExperimentHeader): Promise<void> {
  const { id, ...change } = rowOf(header)
  await on(trx).updateTable('experiment').set(change).where('id', '=', id).execute()
}

const rowOf = (header: ExperimentHeader): Row => ({
  id: header.id,
  name: header.name,
  artifact_location: header.artifactLocation,
  created_at_ms: header.createdAtMs,
  updated_at_ms: header.updatedAtMs,
  deleted_at_ms: header.deletedAtMs,
})

export async function putExperimentTags(
  trx: Transaction<ExperimentTables>,
  id: number,
  tags: Experiment['tags'],
): Promise<void> {
  const rows = Object.entries(tags).map(([key, value]) => ({ experiment_id: id, key, value }))
  for (const chunk of chunksOf(rows)) {
    await on(trx)
      .insertInto('experiment_tag')
      .values(chunk)
      .onConflict((c) => c.columns(['experiment_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })))
      .execute()
  }
}

/** Answers whether it was there. */
export async function deleteExperimentTag(
  trx: Transaction<ExperimentTables>,
  id: number,
  key: string,
): Promise<boolean> {
  const { numDeletedRows } = await on(trx)
    .deleteFrom('experiment_tag')
    .where('experiment_id', '=', id)
    .where('key', '=', key)
    .executeTakeFirst()
  return Number(numDeletedRows) > 0
}
