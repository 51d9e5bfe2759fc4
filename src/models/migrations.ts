// The tables of models: names, versions, aliases, gate results.
import type { Migrations } from '../platform/database.ts'
import { toRegistry } from './registry/migration.ts'

export const modelMigrations: Migrations = {
  '2026-11-21-40-model': {
    async up(db) {
      await db.schema
        .createTable('model')
        .addColumn('name', 'text', (c) => c.primaryKey())
        .addColumn('description', 'text', (c) => c.notNull())
        .addColumn('tags', 'text', (c) => c.notNull())
        .addColumn('last_version', 'integer', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
  '2026-11-21-41-model-version': {
    async up(db) {
      await db.schema
        .createTable('model_version')
        .addColumn('model', 'text', (c) => c.notNull().references('model.name'))
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('description', 'text', (c) => c.notNull())
        .addColumn('tags', 'text', (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('bytes', 'bigint', (c) => c.notNull())
        .addColumn('signature', 'text', (c) => c.notNull())
        .addColumn('has_baseline', 'integer', (c) => c.notNull())
        .addColumn('metrics', 'text', (c) => c.notNull())
        .addColumn('run_id', 'text')
        .addColumn('dataset_version', 'text')
        .addColumn('pipeline_run_id', 'text')
        .addColumn('trained_from_ms', 'bigint')
        .addColumn('trained_to_ms', 'bigint')
        .addColumn('examples_digest', 'text')
        .addColumn('infra', 'text')
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('created_by', 'text', (c) => c.notNull())
        .addColumn('approved_by', 'text')
        .addColumn('approved_at_ms', 'bigint')
        .addColumn('baseline', 'text')
        .addPrimaryKeyConstraint('model_version_key', ['model', 'version'])
        .execute()
      await db.schema.createIndex('model_version_run').on('model_version').columns(['run_id']).execute()
    },
  },
  '2026-11-21-42-model-alias': {
    async up(db) {
      await db.schema
        .createTable('model_alias')
        .addColumn('model', 'text', (c) => c.notNull())
        .addColumn('alias', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('set_at_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('model_alias_key', ['model', 'alias'])
        .execute()
    },
  },
  '2026-11-21-43-gate-result': {
    async up(db) {
      await db.schema
        .createTable('gate_result')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('model', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('champion', 'integer')
        .addColumn('dataset_version', 'text')
        .addColumn('passed', 'integer', (c) => c.notNull())
        .addColumn('sentence', 'text', (c) => c.notNull())
        .addColumn('checks', 'text', (c) => c.notNull())
        .addColumn('evidence', 'text', (c) => c.notNull())
        .addColumn('judged_by', 'text', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('gate_result_version').on('gate_result').columns(['model', 'version', 'id']).execute()
    },
  },
  '2026-11-21-53-registry': { up: toRegistry },
  '2026-11-22-40-rewritten': {
    async up(db) {
      await db.schema.alterTable('model_version').addColumn('rewritten', 'text').execute()
    },
  },
}
