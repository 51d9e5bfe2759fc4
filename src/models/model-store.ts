// The only file that reads or writes the table model.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { modelNotFound, type Model } from './model.ts'

export interface ModelTables {
  model: {
    name: string
    description: string
    tags: string
    last_version: number
    created_at_ms: number
    updated_at_ms: number
  }
}

const modelOf = (row: ModelTables['model']): Model => ({
  name: row.name,
  description: row.description,
  tags: JSON.parse(row.tags) as Model['tags'],
  lastVersion: row.last_version,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
})

export async function findModel(db: Db<ModelTables>, name: string): Promise<Model | undefined> {
  const row = await on(db).selectFrom('model').selectAll().where('name', '=', name).executeTakeFirst()
  return row && modelOf(row)
}

/** By name, those after `after`. */
export async function listModels(
  db: Db<ModelTables>,
  page: { after?: string | undefined; limit: number },
): Promise<Model[]> {
  let query = on(db).selectFrom('model').selectAll().orderBy('name').limit(page.limit)
  if (page.after !== undefined) query = query.where('name', '>', page.after)
  return (await query.execute()).map(modelOf)
}

export async function insertModel(trx: Transaction<ModelTables>, model: Model): Promise<void> {
  const row = {
    name: model.name,
    description: model.description,
    tags: JSON.stringify(model.tags),
    last_version: model.lastVersion,
    created_at_ms: model.createdAtMs,
    updated_at_ms: model.updatedAtMs,
  }
  await on(trx).insertInto('model').values(row).execute()
}

export async function updateModel(
  trx: Transaction<ModelTables>,
  model: Pick<Model, 'name' | 'description' | 'tags' | 'updatedAtMs'>,
): Promise<void> {
  await on(trx)
    .updateTable('model')
    .set({ description: model.description, tags: JSON.stringify(model.tags), updated_at_ms: model.updatedAtMs })
    .where('name', '=', model.name)
    .execute()
}

/** Takes the next version number of a model; it is never given again, even when the version goes. */
export async function takeVersionNumber(trx: Transaction<ModelTables>, name: string, atMs: number): Promise<number> {
  const row = await on(trx)
    .updateTable('model')
    .set((eb) => ({ last_version: eb('last_version', '+', 1), updated_at_ms: atMs }))
    .where('name', '=', name)
    .returning('last_version')
    .executeTakeFirst()
  if (!row) throw modelNotFound(name)
  return row.last_version
}
