// The registry's tables anew: versions without a graph, tags that can be searched, and names that change everywhere at once.
import { sql, type Kysely, type RawBuilder } from 'kysely'
import { databaseKind } from '../../platform/database.ts'
import { text } from '../../platform/text-column.ts'

type Database = Kysely<unknown>

const replaced = ['model', 'model_version', 'model_alias', 'gate_result'] as const

/** SQLite cannot loosen a column or add a key that cascades: each table is made anew beside its old self, on both databases alike. */
export async function toRegistry(db: Database): Promise<void> {
  await db.schema.dropIndex('model_version_run').execute()
  await db.schema.dropIndex('gate_result_version').execute()
  for (const table of replaced) await db.schema.alterTable(table).renameTo(`${table}_old`).execute()
  await createModels(db)
  await createVersions(db)
  await createGates(db)
  await copy(db)
  for (const table of replaced.toReversed()) await db.schema.dropTable(`${table}_old`).execute()
  await createIndexes(db)
}

async function createModels(db: Database): Promise<void> {
  await db.schema
    .createTable('model')
    .addColumn('name', text(db), (c) => c.notNull())
    .addColumn('description', 'text', (c) => c.notNull())
    .addColumn('last_version', 'integer', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('model_name', ['name'])
    .execute()
  await db.schema
    .createTable('model_tag')
    .addColumn('model', text(db), (c) => c.notNull())
    .addColumn('key', text(db), (c) => c.notNull())
    .addColumn('value', text(db), (c) => c.notNull())
    .addPrimaryKeyConstraint('model_tag_name', ['model', 'key'])
    .addForeignKeyConstraint('model_tag_model', ['model'], 'model', ['name'], (c) =>
      c.onUpdate('cascade').onDelete('cascade'),
    )
    .execute()
  // The last version number of names that are gone and had versions that served: their predictions name those versions for ever.
  await db.schema
    .createTable('retired_model')
    .addColumn('name', text(db), (c) => c.notNull())
    .addColumn('last_version', 'integer', (c) => c.notNull())
    .addColumn('renamed_to', text(db))
    .addPrimaryKeyConstraint('retired_model_name', ['name'])
    .addForeignKeyConstraint('retired_model_renamed', ['renamed_to'], 'model', ['name'], (c) =>
      c.onUpdate('cascade').onDelete('set null'),
    )
    .execute()
}

async function createVersions(db: Database): Promise<void> {
  await db.schema
    .createTable('model_version')
    .addColumn('model', text(db), (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('state', text(db), (c) => c.notNull())
    .addColumn('stage', text(db), (c) => c.notNull())
    .addColumn('description', 'text')
    .addColumn('source', text(db))
    .addColumn('storage_location', 'text')
    .addColumn('model_id', text(db))
    .addColumn('run_id', text(db))
    .addColumn('run_link', 'text')
    .addColumn('digest', text(db))
    .addColumn('bytes', 'bigint')
    .addColumn('signature', 'text')
    .addColumn('has_baseline', 'integer', (c) => c.notNull())
    .addColumn('metrics', 'text', (c) => c.notNull())
    .addColumn('dataset_version', text(db))
    .addColumn('pipeline_run_id', text(db))
    .addColumn('trained_from_ms', 'bigint')
    .addColumn('trained_to_ms', 'bigint')
    .addColumn('examples_digest', text(db))
    .addColumn('infra', 'text')
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('created_by', text(db), (c) => c.notNull())
    .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('approved_by', text(db))
    .addColumn('approved_at_ms', 'bigint')
    .addColumn('deleted_at_ms', 'bigint')
    .addColumn('baseline', 'text')
    .addPrimaryKeyConstraint('model_version_number', ['model', 'version'])
    .addForeignKeyConstraint('model_version_model', ['model'], 'model', ['name'], (c) =>
      c.onUpdate('cascade').onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createTable('model_version_tag')
    .addColumn('model', text(db), (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('key', text(db), (c) => c.notNull())
    .addColumn('value', text(db), (c) => c.notNull())
    .addPrimaryKeyConstraint('model_version_tag_name', ['model', 'version', 'key'])
    .addForeignKeyConstraint(
      'model_version_tag_version',
      ['model', 'version'],
      'model_version',
      ['model', 'version'],
      (c) => c.onUpdate('cascade').onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createTable('model_alias')
    .addColumn('model', text(db), (c) => c.notNull())
    .addColumn('alias', text(db), (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('set_at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('model_alias_name', ['model', 'alias'])
    .addForeignKeyConstraint('model_alias_version', ['model', 'version'], 'model_version', ['model', 'version'], (c) =>
      c.onUpdate('cascade').onDelete('cascade'),
    )
    .execute()
}

async function createGates(db: Database): Promise<void> {
  await db.schema
    .createTable('gate_result')
    .addColumn('id', text(db), (c) => c.notNull())
    .addColumn('model', text(db), (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('champion', 'integer')
    .addColumn('dataset_version', text(db))
    .addColumn('passed', 'integer', (c) => c.notNull())
    .addColumn('sentence', 'text', (c) => c.notNull())
    .addColumn('checks', 'text', (c) => c.notNull())
    .addColumn('evidence', 'text', (c) => c.notNull())
    .addColumn('judged_by', text(db), (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('gate_result_id', ['id'])
    .addForeignKeyConstraint('gate_result_of', ['model', 'version'], 'model_version', ['model', 'version'], (c) =>
      c.onUpdate('cascade').onDelete('cascade'),
    )
    .execute()
}

async function copy(db: Database): Promise<void> {
  const run = (statement: RawBuilder<unknown>) => statement.execute(db)
  const pairs = (table: string): RawBuilder<unknown> =>
    databaseKind(db) === 'postgres'
      ? sql`${sql.table(table)} old, jsonb_each_text(old.tags::jsonb) pair`
      : sql`${sql.table(table)} old, json_each(old.tags) pair`
  await run(sql`insert into model select name, description, last_version, created_at_ms, updated_at_ms from model_old`)
  await run(sql`insert into model_tag select old.name, pair.key, pair.value from ${pairs('model_old')}`)
  await run(sql`insert into model_version (model, version, state, stage, description, run_id, digest, bytes, signature, has_baseline,
      metrics, dataset_version, pipeline_run_id, trained_from_ms, trained_to_ms, examples_digest, infra, created_at_ms, created_by,
      updated_at_ms, approved_by, approved_at_ms, baseline)
    select model, version, state, 'None', description, run_id, digest, bytes, signature, has_baseline,
      metrics, dataset_version, pipeline_run_id, trained_from_ms, trained_to_ms, examples_digest, infra, created_at_ms, created_by,
      coalesce(approved_at_ms, created_at_ms), approved_by, approved_at_ms, baseline
    from model_version_old`)
  await run(
    sql`insert into model_version_tag select old.model, old.version, pair.key, pair.value from ${pairs('model_version_old')}`,
  )
  await run(sql`insert into model_alias select model, alias, version, set_at_ms from model_alias_old`)
  await run(sql`insert into gate_result select id, model, version, champion, dataset_version, passed, sentence, checks, evidence,
      judged_by, at_ms from gate_result_old`)
}

async function createIndexes(db: Database): Promise<void> {
  await sql`create index model_updated on model (updated_at_ms, name)`.execute(db)
  await sql`create index model_version_updated on model_version (updated_at_ms desc, model, version desc) where deleted_at_ms is null`.execute(
    db,
  )
  await sql`create index model_version_created on model_version (created_at_ms desc, model, version desc) where deleted_at_ms is null`.execute(
    db,
  )
  await sql`create index model_version_number_of on model_version (version, model) where deleted_at_ms is null`.execute(
    db,
  )
  await sql`create index model_version_run on model_version (run_id, model, version)`.execute(db)
  await sql`create index model_version_logged on model_version (model_id) where model_id is not null`.execute(db)
  await sql`create index model_alias_of on model_alias (model, version)`.execute(db)
  await sql`create index gate_result_version on gate_result (model, version, id)`.execute(db)
  // The start only: PostgreSQL indexes no value beyond 2,704 bytes.
  await sql`create index model_tag_value on model_tag (key, substr(value, 1, 200), model)`.execute(db)
  await sql`create index model_version_tag_value on model_version_tag (key, substr(value, 1, 200), model, version)`.execute(
    db,
  )
}
