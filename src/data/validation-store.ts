// The only file that reads or writes the table dataset_validation: what was found whenever a dataset was checked, passed or not.
import { z } from 'zod'
import type { Actor } from '../governance/audit.ts'
import { on, type Db, type Transaction } from '../platform/database.ts'
import { ValidationResult } from './validation.ts'

export interface ValidationTables {
  dataset_validation: {
    id: string
    dataset: string
    version: number | null
    suite: string
    success: number
    result: string
    at_ms: number
  }
}

export const StoredValidation = z.object({
  id: z.string(),
  dataset: z.string(),
  /** Null: the rows became no version, since they failed. */
  version: z.int().nullable(),
  atMs: z.int(),
  result: ValidationResult,
})
export type StoredValidation = Readonly<z.infer<typeof StoredValidation>>

/** Wants a transaction: with the version that the rows became, or with the failure of the step. */
export async function recordValidation(
  trx: Transaction<ValidationTables>,
  actor: Actor,
  { dataset, version, result }: Pick<StoredValidation, 'dataset' | 'version' | 'result'>,
): Promise<string> {
  const id = actor.ids('val')
  const row = {
    id,
    dataset,
    version,
    suite: result.suite,
    success: result.success ? 1 : 0,
    result: JSON.stringify(result),
    at_ms: actor.clock(),
  }
  await on(trx).insertInto('dataset_validation').values(row).execute()
  return id
}

/** Newest first; `after` is the last id of the page before. */
export async function listValidations(
  db: Db<ValidationTables>,
  {
    dataset,
    version,
    limit,
    after,
  }: { dataset: string; version?: number | undefined; limit: number; after?: string | undefined },
): Promise<StoredValidation[]> {
  let query = on(db)
    .selectFrom('dataset_validation')
    .selectAll()
    .where('dataset', '=', dataset)
    .orderBy('id', 'desc')
    .limit(limit)
  if (version !== undefined) query = query.where('version', '=', version)
  if (after !== undefined) query = query.where('id', '<', after)
  const rows = await query.execute()
  return rows.map((row) => ({
    id: row.id,
    dataset: row.dataset,
    version: row.version,
    atMs: row.at_ms,
    result: ValidationResult.parse(JSON.parse(row.result)),
  }))
}
