// The only file that reads or writes the table evaluation_record. Its texts of JSON are as Python prints them.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { LabellingTables } from '../tables.ts'

export type RecordRow = LabellingTables['evaluation_record']
export type StoredRecord = Omit<RecordRow, 'no'> & { readonly no: number }
type Trx = Transaction<LabellingTables>

/** In the order of their arrival, those after number `after`. */
export function readRecordPage(
  db: Db<LabellingTables>,
  page: { datasetId: string; after: number; limit: number },
): Promise<StoredRecord[]> {
  return on(db)
    .selectFrom('evaluation_record')
    .selectAll()
    .where('dataset_id', '=', page.datasetId)
    .where('no', '>', page.after)
    .orderBy('no')
    .limit(page.limit)
    .execute()
}

export async function readRecordsByHash(
  trx: Trx,
  datasetId: string,
  hashes: readonly string[],
): Promise<Map<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>()
  for (const chunk of chunksOf(hashes)) {
    const rows = await on(trx)
      .selectFrom('evaluation_record')
      .selectAll()
      .where('dataset_id', '=', datasetId)
      .where('input_hash', 'in', chunk)
      .execute()
    for (const row of rows) found.set(row.input_hash, row)
  }
  return found
}

/** New ones are added in their order; one with the inputs of a stored one takes its place and keeps its id. */
export async function putRecords(trx: Trx, rows: readonly Omit<RecordRow, 'no'>[]): Promise<void> {
  for (const chunk of chunksOf(rows, 50)) {
    await on(trx)
      .insertInto('evaluation_record')
      .values(chunk)
      .onConflict((c) =>
        c.columns(['dataset_id', 'input_hash']).doUpdateSet((eb) => ({
          outputs: eb.ref('excluded.outputs'),
          expectations: eb.ref('excluded.expectations'),
          tags: eb.ref('excluded.tags'),
          updated_at_ms: eb.ref('excluded.updated_at_ms'),
          updated_by: eb.ref('excluded.updated_by'),
        })),
      )
      .execute()
  }
}

/** How many there were. */
export async function removeRecords(trx: Trx, datasetId: string, ids: readonly string[]): Promise<number> {
  let removed = 0
  for (const chunk of chunksOf(ids)) {
    const { numDeletedRows } = await on(trx)
      .deleteFrom('evaluation_record')
      .where('dataset_id', '=', datasetId)
      .where('id', 'in', chunk)
      .executeTakeFirst()
    removed += Number(numDeletedRows)
  }
  return removed
}

export async function countRecords(db: Db<LabellingTables>, datasetId: string): Promise<number> {
  const { count } = await on(db)
    .selectFrom('evaluation_record')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('dataset_id', '=', datasetId)
    .executeTakeFirstOrThrow()
  return Number(count)
}
