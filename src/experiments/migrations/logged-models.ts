// The tables of logged models. Their metrics are kept with those of runs.
import { sql } from 'kysely'
import type { Migrations } from '../../platform/database.ts'
import { text } from '../../platform/text-column.ts'

export const loggedModelMigrations: Migrations = {
  '2026-11-21-54-logged-model': {
    async up(db) {
      await db.schema
        .createTable('logged_model')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('state', text(db), (c) => c.notNull())
        .addColumn('artifact_uri', text(db), (c) => c.notNull())
        .addColumn('model_type', text(db))
        .addColumn('source_run_id', text(db))
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('deleted_at_ms', 'bigint')
        .execute()
      // The order of a search that names none.
      await sql`create index logged_model_created on logged_model (experiment_id, created_at_ms desc, id)`.execute(db)
      await db.schema
        .createIndex('logged_model_source_run')
        .on('logged_model')
        .columns(['source_run_id', 'created_at_ms'])
        .execute()
      await db.schema.createIndex('logged_model_name').on('logged_model').columns(['name', 'id']).execute()
      await db.schema
        .createIndex('logged_model_metric_value')
        .on('logged_model_metric')
        .columns(['key', 'is_nan', 'value', 'model_id'])
        .execute()
      for (const table of ['logged_model_param', 'logged_model_tag']) {
        await db.schema
          .createTable(table)
          .addColumn('model_id', text(db), (c) => c.notNull().references('logged_model.id'))
          .addColumn('key', text(db), (c) => c.notNull())
          .addColumn('value', text(db), (c) => c.notNull())
          .addPrimaryKeyConstraint(`${table}_key`, ['model_id', 'key'])
          .execute()
        // The start only: PostgreSQL indexes no value beyond 2,704 bytes.
        await sql`create index ${sql.id(`${table}_value`)} on ${sql.table(table)} (key, substr(value, 1, 200), model_id)`.execute(
          db,
        )
      }
    },
  },
  // Which models were measured on a dataset; most points are of none.
  '2026-11-21-54-logged-model-dataset': {
    async up(db) {
      await sql`create index logged_model_metric_dataset on logged_model_metric (dataset_name, model_id) where dataset_name is not null`.execute(
        db,
      )
    },
  },
}
