// The only file that reads or writes the tables evaluation_dataset, evaluation_dataset_tag and evaluation_dataset_experiment.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { EvaluationDataset } from '../evaluation-dataset.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { LabellingTables } from '../tables.ts'

type Trx = Transaction<LabellingTables>
type Header = Omit<EvaluationDataset, 'tags'>

const headerOf = (row: LabellingTables['evaluation_dataset']): Header => ({
  id: row.id,
  name: row.name,
  digest: row.digest,
  schema: row.schema,
  profile: row.profile,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
  createdBy: row.created_by,
  updatedBy: row.updated_by,
})

/** In the order of `ids`; ids without a dataset are left out. */
export async function readDatasets(db: Db<LabellingTables>, ids: readonly string[]): Promise<EvaluationDataset[]> {
  const found = new Map<string, EvaluationDataset>()
  for (const chunk of chunksOf(ids)) {
    const rows = await on(db).selectFrom('evaluation_dataset').selectAll().where('id', 'in', chunk).execute()
    const tags = await on(db)
      .selectFrom('evaluation_dataset_tag')
      .selectAll()
      .where('dataset_id', 'in', chunk)
      .orderBy('key')
      .execute()
    for (const row of rows) {
      const own = tags.filter((tag) => tag.dataset_id === row.id)
      found.set(row.id, { ...headerOf(row), tags: Object.fromEntries(own.map(({ key, value }) => [key, value])) })
    }
  }
  return ids.flatMap((id) => found.get(id) ?? [])
}

export async function insertDataset(trx: Trx, dataset: Header): Promise<void> {
  const row = {
    id: dataset.id,
    name: dataset.name,
    digest: dataset.digest,
    schema: dataset.schema,
    profile: dataset.profile,
    created_at_ms: dataset.createdAtMs,
    updated_at_ms: dataset.updatedAtMs,
    created_by: dataset.createdBy,
    updated_by: dataset.updatedBy,
  }
  await on(trx).insertInto('evaluation_dataset').values(row).execute()
}

export type DatasetChange = Partial<Pick<Header, 'digest' | 'schema' | 'profile' | 'updatedAtMs' | 'updatedBy'>>

export async function updateDataset(trx: Trx, id: string, change: DatasetChange): Promise<void> {
  const { digest, schema, profile, updatedAtMs, updatedBy } = change
  const set = {
    ...(digest === undefined ? {} : { digest }),
    ...(schema === undefined ? {} : { schema }),
    ...(profile === undefined ? {} : { profile }),
    ...(updatedAtMs === undefined ? {} : { updated_at_ms: updatedAtMs }),
    ...(updatedBy === undefined ? {} : { updated_by: updatedBy }),
  }
  await on(trx).updateTable('evaluation_dataset').set(set).where('id', '=', id).execute()
}

/** With its records, tags and links. Whether there was one. */
export async function removeDataset(trx: Trx, id: string): Promise<boolean> {
  const { numDeletedRows } = await on(trx).deleteFrom('evaluation_dataset').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

export async function putDatasetTags(trx: Trx, id: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const rows = Object.entries(tags).map(([key, value]) => ({ dataset_id: id, key, value }))
  for (const chunk of chunksOf(rows)) {
    await on(trx)
      .insertInto('evaluation_dataset_tag')
      .values(chunk)
      .onConflict((c) => c.columns(['dataset_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })))
      .execute()
  }
}

export async function removeDatasetTag(trx: Trx, id: string, key: string): Promise<void> {
  await on(trx).deleteFrom('evaluation_dataset_tag').where('dataset_id', '=', id).where('key', '=', key).execute()
}

export async function linkDataset(trx: Trx, id: string, experimentIds: readonly number[]): Promise<void> {
  for (const chunk of chunksOf([...new Set(experimentIds)])) {
    await on(trx)
      .insertInto('evaluation_dataset_experiment')
      .values(chunk.map((experiment) => ({ dataset_id: id, experiment_id: experiment })))
      .onConflict((c) => c.doNothing())
      .execute()
  }
}

/** How many links there were. */
export async function unlinkDataset(trx: Trx, id: string, experimentIds: readonly number[]): Promise<number> {
  let removed = 0
  for (const chunk of chunksOf(experimentIds)) {
    const { numDeletedRows } = await on(trx)
      .deleteFrom('evaluation_dataset_experiment')
      .where('dataset_id', '=', id)
      .where('experiment_id', 'in', chunk)
      .executeTakeFirst()
    removed += Number(numDeletedRows)
  }
  return removed
}

export async function readLinks(db: Db<LabellingTables>, id: string): Promise<number[]> {
  const rows = await on(db)
    .selectFrom('evaluation_dataset_experiment')
    .select('experiment_id')
    .where('dataset_id', '=', id)
    .orderBy('experiment_id')
    .execute()
  return rows.map((row) => row.experiment_id)
}
