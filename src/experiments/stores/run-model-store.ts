// The only file that reads or writes the tables run_model_input and run_model_output.
import { isAmong } from '../../platform/among.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { ExperimentTables } from '../tables.ts'

export interface ModelOutput {
  readonly modelId: string
  /** Of the run when it made the model: any 64-bit number. */
  readonly step: number | bigint
}

/** Of many runs, by run id. */
export async function readModelInputs(
  db: Db<ExperimentTables>,
  runIds: readonly string[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  const rows = await on(db)
    .selectFrom('run_model_input')
    .selectAll()
    .where(isAmong(db, 'run_id', runIds))
    .orderBy('run_id')
    .orderBy('model_id')
    .execute()
  for (const { run_id: id, model_id: modelId } of rows) listOf(found, id).push(modelId)
  return found
}

/** Of many runs, by run id, by step. */
export async function readModelOutputs(
  db: Db<ExperimentTables>,
  runIds: readonly string[],
): Promise<Map<string, ModelOutput[]>> {
  const found = new Map<string, ModelOutput[]>()
  const rows = await on(db)
    .selectFrom('run_model_output')
    .selectAll()
    .where(isAmong(db, 'run_id', runIds))
    .orderBy('run_id')
    .orderBy('step')
    .orderBy('model_id')
    .execute()
  for (const { run_id: id, model_id: modelId, step } of rows) listOf(found, id).push({ modelId, step })
  return found
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}

/** Idempotent. */
export async function insertModelInputs(
  trx: Transaction<ExperimentTables>,
  runId: string,
  modelIds: readonly string[],
): Promise<void> {
  for (const chunk of chunksOf(modelIds.map((modelId) => ({ run_id: runId, model_id: modelId })))) {
    await on(trx)
      .insertInto('run_model_input')
      .values(chunk)
      .onConflict((c) => c.doNothing())
      .execute()
  }
}

export async function insertModelOutputs(
  trx: Transaction<ExperimentTables>,
  runId: string,
  outputs: readonly ModelOutput[],
): Promise<void> {
  const rows = outputs.map(({ modelId, step }) => ({ run_id: runId, model_id: modelId, step }))
  for (const chunk of chunksOf(rows)) await on(trx).insertInto('run_model_output').values(chunk).execute()
}
