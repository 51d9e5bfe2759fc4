// Tables of the data stage.
import type { Migrations } from '../platform/database.ts'

export const dataMigrations: Migrations = {
  '2026-11-21-10-dataset': {
    async up(db) {
      await db.schema
        .createTable('dataset')
        .addColumn('name', 'text', (c) => c.primaryKey())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('latest', 'integer', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('dataset_version')
        .addColumn('dataset', 'text', (c) => c.notNull().references('dataset.name'))
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('manifest_blob', 'text', (c) => c.notNull())
        .addColumn('row_count', 'bigint', (c) => c.notNull())
        .addColumn('bytes', 'bigint', (c) => c.notNull())
        .addColumn('parts', 'integer', (c) => c.notNull())
        .addColumn('columns', 'text', (c) => c.notNull())
        .addColumn('time_column', 'text')
        .addColumn('key_columns', 'text', (c) => c.notNull())
        .addColumn('quarantine_blob', 'text')
        .addColumn('quarantined_rows', 'bigint', (c) => c.notNull())
        .addColumn('profile', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('created_by', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('dataset_version_key', ['dataset', 'version'])
        .execute()
      await db.schema
        .createIndex('dataset_version_digest')
        .on('dataset_version')
        .columns(['dataset', 'digest'])
        .execute()
    },
  },
  '2026-11-21-11-dataset-validation': {
    async up(db) {
      await db.schema
        .createTable('dataset_validation')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('dataset', 'text', (c) => c.notNull())
        .addColumn('version', 'integer')
        .addColumn('suite', 'text', (c) => c.notNull())
        .addColumn('success', 'integer', (c) => c.notNull())
        .addColumn('result', 'text', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createIndex('dataset_validation_dataset')
        .on('dataset_validation')
        .columns(['dataset', 'id'])
        .execute()
    },
  },
  '2026-11-21-12-dataset-split': {
    async up(db) {
      await db.schema
        .createTable('dataset_split')
        .addColumn('dataset', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('split', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('created_by', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('dataset_split_key', ['dataset', 'version', 'digest'])
        .addForeignKeyConstraint('dataset_split_version', ['dataset', 'version'], 'dataset_version', [
          'dataset',
          'version',
        ])
        .execute()
    },
  },
}
