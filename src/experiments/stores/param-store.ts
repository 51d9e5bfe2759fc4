// The only file that reads or writes the tables run_param and run_tag.
import { isAmong } from '../../platform/among.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { ExperimentTables } from '../tables.ts'

type Texts = Readonly<Record<string, string>>
type Table = 'run_param' | 'run_tag'

/** Of many runs, by run id. */
export async function readTexts(
  db: Db<ExperimentTables>,
  table: Table,
  runIds: readonly string[],
): Promise<Map<string, Texts>> {
  const found = new Map<string, [string, string][]>()
  if (runIds.length === 0) return new Map()
  const rows = await on(db)
    .selectFrom(table)
    .selectAll()
    .where(isAmong(db, 'run_id', runIds))
    .orderBy('run_id')
    .orderBy('key')
    .execute()
  for (const row of rows) {
    const entries = found.get(row.run_id) ?? []
    entries.push([row.key, row.value])
    found.set(row.run_id, entries)
  }
  // fromEntries makes own properties, `__proto__` included.
  return new Map([...found].map(([runId, entries]) => [runId, Object.fromEntries(entries)]))
}

/** The values that are there among `keys`. */
export async function readParams(
  db: Db<ExperimentTables>,
  runId: string,
  keys: readonly string[],
): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map()
  const rows = await on(db)
    .selectFrom('run_param')
    .select(['key', 'value'])
    .where('run_id', '=', runId)
    .where('key', 'in', [...keys])
    .execute()
  return new Map(rows.map(({ key, value }) => [key, value]))
}

export async function insertParams(trx: Transaction<ExperimentTables>, runId: string, params: Texts): Promise<void> {
  for (const rows of chunksOf(rowsOf(runId, params))) await on(trx).insertInto('run_param').values(rows).execute()
}

export async function putTags(trx: Transaction<ExperimentTables>, runId: string, tags: Texts): Promise<void> {
  for (const rows of chunksOf(rowsOf(runId, tags))) {
    await on(trx)
      .insertInto('run_tag')
      .values(rows)
      .onConflict((c) => c.columns(['run_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })))
      .execute()
  }
}

/** Answers whether it was there. */
export async function deleteTag(trx: Transaction<ExperimentTables>, runId: string, key: string): Promise<boolean> {
  const { numDeletedRows } = await on(trx)
    .deleteFrom('run_tag')
    .where('run_id', '=', runId)
    .where('key', '=', key)
    .executeTakeFirst()
  return Number(numDeletedRows) > 0
}

export async function readTag(db: Db<ExperimentTables>, runId: string, key: string): Promise<string | undefined> {
  const row = await on(db)
    .selectFrom('run_tag')
    .select('value')
    .where('run_id', '=', runId)
    .where('key', '=', key)
    .executeTakeFirst()
  return row?.value
}

const rowsOf = (runId: string, texts: Texts): ExperimentTables[Table][] =>
  Object.entries(texts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1)) // One order for all writers: no two wait for each other.
    .map(([key, value]) => ({ run_id: runId, key, value }))
