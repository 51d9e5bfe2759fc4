// The only file that reads or writes the tables model and retired_model.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { modelNotFound, type Model } from './model.ts'
import { insertModelTags, tagsOfModels, type TagMap, type TagTables } from './registry/tag-store.ts'

export interface ModelTables extends TagTables {
  model: {
    name: string
    description: string
    last_version: number
    created_at_ms: number
    updated_at_ms: number
  }
  retired_model: {
    name: string
    last_version: number
    /** The name that the model has now; null: it is gone. */
    renamed_to: string | null
  }
}

const modelOf = (row: ModelTables['model'], tags: TagMap = {}): Model => ({
  name: row.name,
  description: row.description,
  tags,
  lastVersion: row.last_version,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
})

export async function findModel(db: Db<ModelTables>, name: string): Promise<Model | undefined> {
  return (await findModels(db, [name]))[0]
}

/** @throws DomainError model_not_found */
export async function getModel(db: Db<ModelTables>, name: string): Promise<Model> {
  const found = await findModel(db, name)
  if (!found) throw modelNotFound(name)
  return found
}

/** Those of the names that there are, in the order of the names; at most a page of them. */
export async function findModels(db: Db<ModelTables>, names: readonly string[]): Promise<Model[]> {
  if (names.length === 0) return []
  const rows = await on(db)
    .selectFrom('model')
    .selectAll()
    .where('name', 'in', [...names])
    .execute()
  const tags = await tagsOfModels(db, names)
  const byName = new Map(rows.map((row) => [row.name, modelOf(row, tags.get(row.name))]))
  return names.flatMap((name) => byName.get(name) ?? [])
}

/** By name, those after `after`. */
export async function listModels(
  db: Db<ModelTables>,
  page: { after?: string | undefined; limit: number },
): Promise<Model[]> {
  let query = on(db).selectFrom('model').selectAll().orderBy('name').limit(page.limit)
  if (page.after !== undefined) query = query.where('name', '>', page.after)
  const rows = await query.execute()
  const tags = await tagsOfModels(
    db,
    rows.map(({ name }) => name),
  )
  return rows.map((row) => modelOf(row, tags.get(row.name)))
}

export async function insertModel(trx: Transaction<ModelTables>, model: Model): Promise<void> {
  const row = {
    name: model.name,
    description: model.description,
    last_version: model.lastVersion,
    created_at_ms: model.createdAtMs,
    updated_at_ms: model.updatedAtMs,
  }
  await on(trx).insertInto('model').values(row).execute()
  await insertModelTags(trx, model.name, model.tags)
}

/** @param change `name` renames it, with its versions, aliases, tags and gate results. */
export async function updateModel(
  trx: Transaction<ModelTables>,
  name: string,
  change: Partial<Pick<Model, 'name' | 'description'>> & Pick<Model, 'updatedAtMs'>,
): Promise<void> {
  const { updatedAtMs, ...words } = change
  await on(trx)
    .updateTable('model')
    .set({ ...words, updated_at_ms: updatedAtMs })
    .where('name', '=', name)
    .execute()
}

/** With its versions, aliases, tags and gate results. */
export async function removeModel(trx: Transaction<ModelTables>, name: string): Promise<void> {
  await on(trx).deleteFrom('model').where('name', '=', name).execute()
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

export interface RetiredName {
  /** Of the versions that it had. */
  readonly lastVersion: number
  /** The name that their model has now; null: it is gone. */
  readonly renamedTo: string | null
}

/** What a name was before, when versions of it could serve. */
export async function findRetired(db: Db<ModelTables>, name: string): Promise<RetiredName | undefined> {
  const row = await on(db).selectFrom('retired_model').selectAll().where('name', '=', name).executeTakeFirst()
  return row && { lastVersion: row.last_version, renamedTo: row.renamed_to }
}

export async function removeRetired(trx: Transaction<ModelTables>, name: string): Promise<void> {
  await on(trx).deleteFrom('retired_model').where('name', '=', name).execute()
}

export async function putRetired(
  trx: Transaction<ModelTables>,
  name: string,
  { lastVersion, renamedTo }: RetiredName,
): Promise<void> {
  const change = { last_version: lastVersion, renamed_to: renamedTo }
  await on(trx)
    .insertInto('retired_model')
    .values({ name, ...change })
    .onConflict((c) => c.column('name').doUpdateSet(change))
    .execute()
}
