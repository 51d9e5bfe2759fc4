// The only file that reads or writes the table model_alias.
import { on, type Db, type Transaction } from '../platform/database.ts'
import type { Alias, AliasId } from './alias.ts'

export interface AliasTables {
  model_alias: Omit<Alias, 'setAtMs'> & { set_at_ms: number }
}

const aliasOf = ({ set_at_ms: setAtMs, ...rest }: AliasTables['model_alias']): Alias => ({ ...rest, setAtMs })

export async function findAlias(db: Db<AliasTables>, { model, alias }: AliasId): Promise<Alias | undefined> {
  const row = await on(db)
    .selectFrom('model_alias')
    .selectAll()
    .where('model', '=', model)
    .where('alias', '=', alias)
    .executeTakeFirst()
  return row && aliasOf(row)
}

/** By name. A model has few: they are not paged. */
export async function listAliases(db: Db<AliasTables>, model: string): Promise<Alias[]> {
  const rows = await on(db).selectFrom('model_alias').selectAll().where('model', '=', model).orderBy('alias').execute()
  return rows.map(aliasOf)
}

/** Of all these models, by model and alias. */
export async function listAliasesOf(db: Db<AliasTables>, models: readonly string[]): Promise<Alias[]> {
  if (models.length === 0) return []
  const query = on(db)
    .selectFrom('model_alias')
    .selectAll()
    .where('model', 'in', [...models])
  const rows = await query.orderBy('model').orderBy('alias').execute()
  return rows.map(aliasOf)
}

/** Moves or makes the alias. Wants a transaction: the caller has checked where it stands. */
export async function putAlias(trx: Transaction<AliasTables>, { setAtMs, ...alias }: Alias): Promise<void> {
  const row = { ...alias, set_at_ms: setAtMs }
  await on(trx)
    .insertInto('model_alias')
    .values(row)
    .onConflict((c) => c.columns(['model', 'alias']).doUpdateSet(row))
    .execute()
}

export async function deleteAlias(trx: Transaction<AliasTables>, { model, alias }: AliasId): Promise<void> {
  await on(trx).deleteFrom('model_alias').where('model', '=', model).where('alias', '=', alias).execute()
}
