// The tables of pipelines: runs, their steps, each step's attempts, and outputs to use again.
import { sql } from 'kysely'
import type { Migrations } from '../platform/database.ts'

export const pipelineMigrations: Migrations = {
  '2026-11-21-20-pipeline-run': {
    async up(db) {
      await db.schema
        .createTable('pipeline_run')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('pipeline', 'text', (c) => c.notNull())
        .addColumn('spec', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('labels', 'text', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('finished_at_ms', 'bigint')
        .execute()
      await db.schema
        .createIndex('pipeline_run_pipeline')
        .on('pipeline_run')
        .columns(['pipeline', 'created_at_ms'])
        .execute()
    },
  },
  '2026-11-21-21-step-run': {
    async up(db) {
      await db.schema
        .createTable('step_run')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('pipeline_run_id', 'text', (c) => c.notNull())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('position', 'integer', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('fingerprint', 'text')
        .addColumn('output', 'text')
        .addColumn('cached_from', 'text')
        .addColumn('error_code', 'text')
        .addColumn('error_message', 'text')
        .addColumn('progress', 'double precision')
        .addColumn('progress_text', 'text')
        .addColumn('started_at_ms', 'bigint')
        .addColumn('finished_at_ms', 'bigint')
        .addUniqueConstraint('step_run_name', ['pipeline_run_id', 'name'])
        .execute()
    },
  },
  '2026-11-21-22-step-attempt': {
    async up(db) {
      await db.schema
        .createTable('step_attempt')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('step_run_id', 'text', (c) => c.notNull())
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('fence', 'bigint', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('events_offset', 'bigint', (c) => c.notNull())
        .addColumn('error_code', 'text')
        .addColumn('error_message', 'text')
        .addColumn('started_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('finished_at_ms', 'bigint')
        .addUniqueConstraint('step_attempt_number', ['step_run_id', 'number'])
        .execute()
      await sql`create index step_attempt_running on step_attempt (id) where state = 'running'`.execute(db)
    },
  },
  '2026-11-21-23-step-cache': {
    async up(db) {
      await db.schema
        .createTable('step_cache')
        .addColumn('fingerprint', 'text', (c) => c.primaryKey())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('output', 'text', (c) => c.notNull())
        .addColumn('step_run_id', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
}
