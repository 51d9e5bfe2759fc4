// The only file that reads or writes the tables model_tag and model_version_tag.
import { sql } from 'kysely'
import { databaseKind, on, type Db, type Transaction } from '../../platform/database.ts'
import type { VersionId } from '../model-version.ts'
import { isVersionRow, versionRows } from './id-rows.ts'

export interface TagTables {
  model_tag: { model: string; key: string; value: string }
  model_version_tag: { model: string; version: number; key: string; value: string }
}

export type TagMap = Readonly<Record<string, string>>

/** PostgreSQL takes 65,535 parameters in a statement, SQLite 32,766. */
const rowsMax = 1_000

/** By model; one without tags is not there. */
export async function tagsOfModels(db: Db<TagTables>, models: readonly string[]): Promise<Map<string, TagMap>> {
  const rows = []
  for (let at = 0; at < models.length; at += rowsMax) {
    const part = models.slice(at, at + rowsMax)
    rows.push(...(await on(db).selectFrom('model_tag').selectAll().where('model', 'in', part).orderBy('key').execute()))
  }
  return grouped(rows, ({ model }) => model)
}

export const versionKey = (model: string, version: number): string => `${model}/${version}`

/** By `model/version`; one without tags is not there. */
export async function tagsOfVersions(db: Db<TagTables>, ids: readonly VersionId[]): Promise<Map<string, TagMap>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<TagTables['model_version_tag']>`select t.model, t.version, t.key, t.value
    from ${versionRows(databaseKind(db), ids)} cross join model_version_tag t where ${isVersionRow('t')}
    order by t.model, t.version, t.key`.execute(on(db))
  return grouped(rows, ({ model, version }) => versionKey(model, version))
}

function grouped<Row extends { key: string; value: string }>(
  rows: readonly Row[],
  of: (row: Row) => string,
): Map<string, TagMap> {
  return new Map(
    [...Map.groupBy(rows, of)].map(([id, found]) => [
      id,
      Object.fromEntries(found.map(({ key, value }) => [key, value])),
    ]),
  )
}

export async function putModelTag(trx: Transaction<TagTables>, row: TagTables['model_tag']): Promise<void> {
  await on(trx)
    .insertInto('model_tag')
    .values(row)
    .onConflict((c) => c.columns(['model', 'key']).doUpdateSet({ value: row.value }))
    .execute()
}

export async function putVersionTag(trx: Transaction<TagTables>, row: TagTables['model_version_tag']): Promise<void> {
  await on(trx)
    .insertInto('model_version_tag')
    .values(row)
    .onConflict((c) => c.columns(['model', 'version', 'key']).doUpdateSet({ value: row.value }))
    .execute()
}

/** Answers false when there was none. */
export async function deleteModelTag(
  trx: Transaction<TagTables>,
  { model, key }: { model: string; key: string },
): Promise<boolean> {
  const { numDeletedRows } = await on(trx)
    .deleteFrom('model_tag')
    .where('model', '=', model)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** Answers false when there was none. */
export async function deleteVersionTag(
  trx: Transaction<TagTables>,
  { model, version, key }: { model: string; version: number; key: string },
): Promise<boolean> {
  const { numDeletedRows } = await on(trx)
    .deleteFrom('model_version_tag')
    .where('model', '=', model)
    .where('version', '=', version)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** These and no others. */
export async function setModelTags(trx: Transaction<TagTables>, model: string, tags: TagMap): Promise<void> {
  await on(trx).deleteFrom('model_tag').where('model', '=', model).execute()
  await insertModelTags(trx, model, tags)
}

/** These and no others. */
export async function setVersionTags(
  trx: Transaction<TagTables>,
  { model, version }: { model: string; version: number },
  tags: TagMap,
): Promise<void> {
  await on(trx).deleteFrom('model_version_tag').where('model', '=', model).where('version', '=', version).execute()
  await insertVersionTags(trx, { model, version }, tags)
}

export async function insertModelTags(trx: Transaction<TagTables>, model: string, tags: TagMap): Promise<void> {
  const rows = Object.entries(tags).map(([key, value]) => ({ model, key, value }))
  for (let at = 0; at < rows.length; at += rowsMax) {
    await on(trx)
      .insertInto('model_tag')
      .values(rows.slice(at, at + rowsMax))
      .execute()
  }
}

export async function insertVersionTags(
  trx: Transaction<TagTables>,
  { model, version }: { model: string; version: number },
  tags: TagMap,
): Promise<void> {
  const rows = Object.entries(tags).map(([key, value]) => ({ model, version, key, value }))
  for (let at = 0; at < rows.length; at += rowsMax) {
    await on(trx)
      .insertInto('model_version_tag')
      .values(rows.slice(at, at + rowsMax))
      .execute()
  }
}
