// The only file that reads or writes the table label_schema.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { LabelInput, LabelSchema } from '../label-schema.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { LabellingTables } from '../tables.ts'

type Row = LabellingTables['label_schema']

const schemaOf = (row: Row): LabelSchema => ({
  id: row.id,
  experimentId: row.experiment_id,
  name: row.name,
  type: row.type as LabelSchema['type'],
  input: JSON.parse(row.input) as LabelInput,
  instruction: row.instruction,
  enablesComment: row.enables_comment === 1,
  isDefault: row.is_default === 1,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
})

const rowOf = (schema: LabelSchema): Row => ({
  id: schema.id,
  experiment_id: schema.experimentId,
  name: schema.name,
  type: schema.type,
  input: JSON.stringify(schema.input),
  instruction: schema.instruction,
  enables_comment: schema.enablesComment ? 1 : 0,
  is_default: schema.isDefault ? 1 : 0,
  created_at_ms: schema.createdAtMs,
  updated_at_ms: schema.updatedAtMs,
})

export async function insertSchema(trx: Transaction<LabellingTables>, schema: LabelSchema): Promise<void> {
  await on(trx).insertInto('label_schema').values(rowOf(schema)).execute()
}

export async function updateSchema(trx: Transaction<LabellingTables>, schema: LabelSchema): Promise<void> {
  const { id, ...change } = rowOf(schema)
  await on(trx).updateTable('label_schema').set(change).where('id', '=', id).execute()
}

export async function removeSchema(trx: Transaction<LabellingTables>, id: string): Promise<void> {
  await on(trx).deleteFrom('label_schema').where('id', '=', id).execute()
}

export async function readSchema(db: Db<LabellingTables>, id: string): Promise<LabelSchema | undefined> {
  const row = await on(db).selectFrom('label_schema').selectAll().where('id', '=', id).executeTakeFirst()
  return row && schemaOf(row)
}

export async function findSchemaByName(
  db: Db<LabellingTables>,
  { experimentId, name }: Pick<LabelSchema, 'experimentId' | 'name'>,
): Promise<LabelSchema | undefined> {
  const row = await on(db)
    .selectFrom('label_schema')
    .selectAll()
    .where('experiment_id', '=', experimentId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && schemaOf(row)
}

export async function readSchemas(
  db: Db<LabellingTables>,
  { experimentId, limit, offset }: { experimentId: number; limit: number; offset: number },
): Promise<LabelSchema[]> {
  const rows = await on(db)
    .selectFrom('label_schema')
    .selectAll()
    .where('experiment_id', '=', experimentId)
    .orderBy('created_at_ms', 'desc')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute()
  return rows.map(schemaOf)
}

/** Those of `ids` that are schemas of the experiment. */
export async function knownSchemas(
  db: Db<LabellingTables>,
  experimentId: number,
  ids: readonly string[],
): Promise<Set<string>> {
  const known = new Set<string>()
  for (const chunk of chunksOf(ids)) {
    const rows = await on(db)
      .selectFrom('label_schema')
      .select('id')
      .where('experiment_id', '=', experimentId)
      .where('id', 'in', chunk)
      .execute()
    for (const { id } of rows) known.add(id)
  }
  return known
}
