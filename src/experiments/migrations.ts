// The tables of experiments: names, runs, and what runs record.
import { sql } from 'kysely'
import { databaseKind, type Migrations } from '../platform/database.ts'
import { runOriginMigrations } from './migrations/run-origins.ts'
import { loggedModelMigrations } from './migrations/logged-models.ts'
import { metricSeriesMigrations } from './migrations/metric-series.ts'
import { runArtifactMigrations } from './migrations/run-artifacts.ts'
import { runSearchMigrations } from './migrations/run-search.ts'
import { text } from '../platform/text-column.ts'

export const experimentMigrations: Migrations = {
  '2026-11-21-30-experiment': {
    async up(db) {
      await db.schema
        .createTable('experiment')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('name', text(db), (c) => c.notNull().unique())
        .addColumn('tags', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('deleted_at_ms', 'bigint')
        .execute()
    },
  },
  '2026-11-21-31-run': {
    async up(db) {
      await db.schema
        .createTable('run_environment')
        .addColumn('digest', 'text', (c) => c.primaryKey())
        .addColumn('body', 'text', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('run')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('started_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('ended_at_ms', 'bigint')
        .addColumn('deleted_at_ms', 'bigint')
        .addColumn('created_by', 'text', (c) => c.notNull())
        .addColumn('pipeline_run_id', 'text')
        .addColumn('seeds', 'text', (c) => c.notNull())
        .addColumn('code', 'text')
        .addColumn('environment_digest', 'text', (c) => c.references('run_environment.digest'))
        .execute()
      await db.schema
        .createIndex('run_experiment')
        .on('run')
        .columns(['experiment_id', 'started_at_ms', 'id'])
        .execute()
      await db.schema.createIndex('run_started').on('run').columns(['started_at_ms', 'id']).execute()
    },
  },
  '2026-11-21-32-run-record': {
    async up(db) {
      for (const table of ['run_param', 'run_tag']) {
        await db.schema
          .createTable(table)
          .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
          .addColumn('key', text(db), (c) => c.notNull())
          .addColumn('value', text(db), (c) => c.notNull())
          .addPrimaryKeyConstraint(`${table}_key`, ['run_id', 'key'])
          .execute()
        // The start only: PostgreSQL indexes no value beyond 2,704 bytes.
        await sql`create index ${sql.id(`${table}_value`)} on ${sql.table(table)} (key, substr(value, 1, 200), run_id)`.execute(
          db,
        )
      }
      await db.schema
        .createTable('run_input')
        .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
        .addColumn('dataset_version', text(db), (c) => c.notNull())
        .addColumn('role', text(db), (c) => c.notNull())
        .addPrimaryKeyConstraint('run_input_key', ['run_id', 'dataset_version', 'role'])
        .execute()
      await db.schema
        .createIndex('run_input_dataset_version')
        .on('run_input')
        .columns(['dataset_version', 'run_id'])
        .execute()
      await db.schema
        .createTable('run_artifact')
        .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('bytes', 'bigint', (c) => c.notNull())
        .addColumn('media_type', 'text', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('run_artifact_key', ['run_id', 'name'])
        .execute()
    },
  },
  '2026-11-21-33-metric': {
    async up(db) {
      const isPostgres = databaseKind(db) === 'postgres'
      const series = isPostgres
        ? sql`bigint generated always as identity primary key`
        : sql`integer primary key autoincrement`
      await db.schema
        .createTable('run_metric')
        .addColumn('series', series)
        .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
        .addColumn('key', text(db), (c) => c.notNull())
        .addColumn('latest', 'double precision', (c) => c.notNull())
        .addColumn('latest_is_nan', 'integer', (c) => c.notNull())
        .addColumn('step', 'bigint', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('min_value', 'double precision')
        .addColumn('max_value', 'double precision')
        .addUniqueConstraint('run_metric_key', ['run_id', 'key'])
        .execute()
      await db.schema
        .createIndex('run_metric_latest')
        .on('run_metric')
        .columns(['key', 'latest_is_nan', 'latest', 'run_id'])
        .execute()
      const points = db.schema
        .createTable('metric_point')
        .addColumn('series', 'bigint', (c) => c.notNull())
        .addColumn('step', 'bigint', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('value', 'double precision', (c) => c.notNull())
        .addColumn('is_nan', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('metric_point_key', ['series', 'step', 'at_ms', 'value', 'is_nan'])
      // The key is the row: on SQLite a table beside its index would hold everything twice.
      await (isPostgres ? points : points.modifyEnd(sql`without rowid`)).execute()
    },
  },
  ...metricSeriesMigrations,
  ...runOriginMigrations,
  ...runArtifactMigrations,
  ...loggedModelMigrations,
  ...runSearchMigrations,
}
