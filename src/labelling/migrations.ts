// The tables of labelling: evaluation datasets, scorers, issues, label schemas and review queues.
import { sql, type Kysely } from 'kysely'
import { databaseKind, type Migrations } from '../platform/database.ts'
import { text } from '../platform/text-column.ts'

const index = (db: Kysely<unknown>, table: string, columns: string[]): Promise<void> =>
  db.schema
    .createIndex(`${table}_${columns.join('_')}`)
    .on(table)
    .columns(columns)
    .execute()

export const labellingMigrations: Migrations = {
  '2026-11-21-56-evaluation-dataset': {
    async up(db) {
      await db.schema
        .createTable('evaluation_dataset')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('schema', 'text')
        .addColumn('profile', 'text')
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('created_by', text(db))
        .addColumn('updated_by', text(db))
        .execute()
      await index(db, 'evaluation_dataset', ['name'])
      await index(db, 'evaluation_dataset', ['created_at_ms', 'id'])
      await db.schema
        .createTable('evaluation_dataset_tag')
        .addColumn('dataset_id', text(db), (c) => c.notNull().references('evaluation_dataset.id').onDelete('cascade'))
        .addColumn('key', text(db), (c) => c.notNull())
        .addColumn('value', text(db), (c) => c.notNull())
        .addPrimaryKeyConstraint('evaluation_dataset_tag_key', ['dataset_id', 'key'])
        .execute()
      await db.schema
        .createTable('evaluation_dataset_experiment')
        .addColumn('dataset_id', text(db), (c) => c.notNull().references('evaluation_dataset.id').onDelete('cascade'))
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addPrimaryKeyConstraint('evaluation_dataset_experiment_key', ['dataset_id', 'experiment_id'])
        .execute()
      await index(db, 'evaluation_dataset_experiment', ['experiment_id'])
      const number =
        databaseKind(db) === 'postgres'
          ? sql`bigint generated always as identity primary key`
          : sql`integer primary key autoincrement`
      await db.schema
        .createTable('evaluation_record')
        .addColumn('no', number)
        .addColumn('id', text(db), (c) => c.notNull().unique())
        .addColumn('dataset_id', text(db), (c) => c.notNull().references('evaluation_dataset.id').onDelete('cascade'))
        .addColumn('input_hash', 'text', (c) => c.notNull())
        .addColumn('inputs', 'text', (c) => c.notNull())
        .addColumn('outputs', 'text')
        .addColumn('expectations', 'text')
        .addColumn('tags', 'text', (c) => c.notNull())
        .addColumn('source', 'text')
        .addColumn('source_id', 'text')
        .addColumn('source_type', 'text')
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('created_by', 'text')
        .addColumn('updated_by', 'text')
        .addUniqueConstraint('evaluation_record_inputs', ['dataset_id', 'input_hash'])
        .execute()
      await index(db, 'evaluation_record', ['dataset_id', 'no'])
    },
  },
  '2026-11-21-56-scorer': {
    async up(db) {
      await db.schema
        .createTable('scorer')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addUniqueConstraint('scorer_name', ['experiment_id', 'name'])
        .execute()
      await db.schema
        .createTable('scorer_version')
        .addColumn('scorer_id', text(db), (c) => c.notNull().references('scorer.id').onDelete('cascade'))
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('serialized', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('scorer_version_key', ['scorer_id', 'version'])
        .execute()
      await db.schema
        .createTable('online_scoring')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('scorer_id', text(db), (c) => c.notNull().unique().references('scorer.id').onDelete('cascade'))
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('sample_rate', 'double precision', (c) => c.notNull())
        .addColumn('filter', 'text')
        .execute()
    },
  },
  '2026-11-21-56-issue': {
    async up(db) {
      await db.schema
        .createTable('issue')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('description', 'text', (c) => c.notNull())
        .addColumn('status', text(db), (c) => c.notNull())
        .addColumn('severity', text(db))
        .addColumn('severity_rank', 'integer', (c) => c.notNull())
        .addColumn('root_causes', 'text', (c) => c.notNull())
        .addColumn('categories', 'text', (c) => c.notNull())
        .addColumn('source_run_id', text(db))
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('created_by', 'text')
        .execute()
      await index(db, 'issue', ['experiment_id', 'severity_rank', 'created_at_ms', 'id'])
    },
  },
  '2026-11-21-56-review': {
    async up(db) {
      await db.schema
        .createTable('label_schema')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('type', 'text', (c) => c.notNull())
        .addColumn('input', 'text', (c) => c.notNull())
        .addColumn('instruction', 'text')
        .addColumn('enables_comment', 'integer', (c) => c.notNull())
        .addColumn('is_default', 'integer', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addUniqueConstraint('label_schema_name', ['experiment_id', 'name'])
        .execute()
      await db.schema
        .createTable('review_queue')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('name_key', text(db), (c) => c.notNull())
        .addColumn('type', 'text', (c) => c.notNull())
        .addColumn('created_by', text(db))
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addUniqueConstraint('review_queue_name', ['experiment_id', 'name_key'])
        .execute()
      for (const [table, column] of [
        ['review_queue_user', 'user_name'],
        ['review_queue_schema', 'schema_id'],
      ] as const) {
        await db.schema
          .createTable(table)
          .addColumn('queue_id', text(db), (c) => c.notNull().references('review_queue.id').onDelete('cascade'))
          .addColumn(column, text(db), (c) => c.notNull())
          .addPrimaryKeyConstraint(`${table}_key`, ['queue_id', column])
          .execute()
        await index(db, table, [column])
      }
      await db.schema
        .createTable('review_item')
        .addColumn('queue_id', text(db), (c) => c.notNull().references('review_queue.id').onDelete('cascade'))
        .addColumn('trace_id', text(db), (c) => c.notNull().references('trace.id').onDelete('cascade'))
        .addColumn('status', 'text', (c) => c.notNull())
        .addColumn('completed_by', 'text')
        .addColumn('completed_at_ms', 'bigint')
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('review_item_key', ['queue_id', 'trace_id'])
        .execute()
      await index(db, 'review_item', ['trace_id'])
      await index(db, 'review_item', ['queue_id', 'created_at_ms', 'trace_id'])
    },
  },
}
