// Making, changing and deleting label schemas. Every experiment has one: the default question, made when it is first looked for.
import type { ExperimentTables } from '../experiments/tables.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { hexId } from '../platform/ids.ts'
import type { LabellingWriteTables } from './evaluation-datasets.ts'
import { assertExperiment } from './experiment-scope.ts'
import {
  assertInput,
  assertInstruction,
  assertSameInputKind,
  assertSchemaName,
  defaultInstruction,
  defaultSchemaName,
  labelSchemaExists,
  labelSchemaNotFound,
  type LabelSchema,
} from './label-schema.ts'
import {
  findSchemaByName,
  insertSchema,
  readSchema,
  readSchemas,
  removeSchema,
  updateSchema,
} from './stores/label-schema-store.ts'
import type { LabellingTables } from './tables.ts'

type Trx = Transaction<LabellingWriteTables>

const subjectOf = (id: string): string => `label_schema:${id}`

/** @throws DomainError label_schema_invalid, label_schema_exists, experiment_not_found */
export async function createLabelSchema(
  trx: Trx,
  actor: Actor,
  made: Pick<LabelSchema, 'experimentId' | 'name' | 'type' | 'input' | 'instruction' | 'enablesComment'>,
): Promise<LabelSchema> {
  assertSchemaName(made.name)
  assertInstruction(made.instruction)
  assertInput(made.input)
  await assertExperiment(trx, made.experimentId)
  if (await findSchemaByName(trx, made)) throw labelSchemaExists(made)
  const schema = newSchema(made, actor)
  await insertSchema(trx, schema)
  const detail = { name: schema.name, experimentId: schema.experimentId }
  await recordAudit(trx, actor, { action: 'label_schema.create', subject: subjectOf(schema.id), detail })
  return schema
}

function newSchema(
  made: Omit<LabelSchema, 'id' | 'isDefault' | 'createdAtMs' | 'updatedAtMs'> & { isDefault?: boolean },
  actor: Actor,
): LabelSchema {
  const atMs = actor.clock()
  return { isDefault: false, ...made, id: `ls-${hexId()}`, createdAtMs: atMs, updatedAtMs: atMs }
}

/** @throws DomainError label_schema_not_found */
export async function getLabelSchema(db: Db<LabellingTables>, id: string): Promise<LabelSchema> {
  const schema = await readSchema(db, id)
  if (!schema) throw labelSchemaNotFound(id)
  return schema
}

/** @throws DomainError label_schema_not_found, experiment_not_found */
export async function getLabelSchemaByName(
  db: Db<LabellingTables & ExperimentTables>,
  which: Pick<LabelSchema, 'experimentId' | 'name'>,
): Promise<LabelSchema> {
  await assertExperiment(db, which.experimentId)
  const schema = await findSchemaByName(db, which)
  if (!schema) throw labelSchemaNotFound(which)
  return schema
}

/** The newest first; the default question among them, made now if nobody has looked before. @throws DomainError experiment_not_found */
export async function listLabelSchemas(
  trx: Trx,
  actor: Actor,
  page: { experimentId: number; limit: number; offset: number },
): Promise<LabelSchema[]> {
  const { experimentId } = page
  await assertExperiment(trx, experimentId)
  if (!(await findSchemaByName(trx, { experimentId, name: defaultSchemaName }))) {
    const question = { name: defaultSchemaName, type: 'feedback', instruction: defaultInstruction } as const
    const input = { kind: 'text', maxLength: null } as const
    const schema = newSchema({ ...question, experimentId, input, enablesComment: false, isDefault: true }, actor)
    await insertSchema(trx, schema)
  }
  return readSchemas(trx, page)
}

export type LabelSchemaChange = Partial<Pick<LabelSchema, 'name' | 'instruction' | 'enablesComment' | 'input'>>

/** The type, the kind of input and whether several options may be chosen stay. @throws DomainError label_schema_not_found, label_schema_invalid, label_schema_exists */
export async function changeLabelSchema(
  trx: Trx,
  actor: Actor,
  { id, ...change }: { id: string } & LabelSchemaChange,
): Promise<LabelSchema> {
  const before = await getLabelSchema(trx, id)
  if (before.isDefault) {
    throw new DomainError('invalid', 'label_schema_invalid', "The experiment's default question cannot be edited.")
  }
  if (change.name !== undefined) assertSchemaName(change.name)
  if (change.instruction !== undefined) assertInstruction(change.instruction)
  if (change.input) {
    assertInput(change.input)
    assertSameInputKind(before.input, change.input)
  }
  const after = { ...before, ...change, updatedAtMs: actor.clock() }
  if (after.name !== before.name && (await findSchemaByName(trx, after))) throw labelSchemaExists(after)
  await updateSchema(trx, after)
  await recordAudit(trx, actor, { action: 'label_schema.change', subject: subjectOf(id), detail: change })
  return after
}

/** Nothing happens where there is none; answers that were given stay. @throws DomainError label_schema_invalid for the default question */
export async function deleteLabelSchema(trx: Trx, actor: Actor, id: string): Promise<void> {
  const schema = await readSchema(trx, id)
  if (!schema) return
  if (schema.isDefault) {
    throw new DomainError('invalid', 'label_schema_invalid', "The experiment's default question cannot be deleted.")
  }
  await removeSchema(trx, id)
  await recordAudit(trx, actor, {
    action: 'label_schema.delete',
    subject: subjectOf(id),
    detail: { name: schema.name },
  })
}
