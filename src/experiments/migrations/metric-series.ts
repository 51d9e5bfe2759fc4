// What long histories need beside their points: counts and buckets, kept up as points come; and the points of logged models.
import { sql } from 'kysely'
import { databaseKind, type Migrations } from '../../platform/database.ts'
import { text } from '../../platform/text-column.ts'

export const metricSeriesMigrations: Migrations = {
  '2026-11-21-50-logged-model-metric': {
    async up(db) {
      await db.schema
        .createTable('logged_model_metric')
        .addColumn('model_id', text(db), (c) => c.notNull())
        .addColumn('key', text(db), (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('step', 'bigint', (c) => c.notNull())
        .addColumn('run_id', text(db), (c) => c.notNull().references('run.id'))
        .addColumn('value', 'double precision', (c) => c.notNull())
        .addColumn('is_nan', 'integer', (c) => c.notNull())
        .addColumn('dataset_name', text(db))
        .addColumn('dataset_digest', text(db))
        .execute()
      // One point a run, moment, value and dataset. The datasets are no columns of a key: they may be null.
      await sql`create unique index logged_model_metric_key on logged_model_metric
        (model_id, key, at_ms, step, run_id, value, is_nan, coalesce(dataset_name, ''), coalesce(dataset_digest, ''))`.execute(
        db,
      )
      // A deleted run takes its points along.
      await db.schema.createIndex('logged_model_metric_run').on('logged_model_metric').column('run_id').execute()
    },
  },
  '2026-11-21-50-metric-series': {
    async up(db) {
      // Of the points that are not the same; and whether their order by step is their order by time.
      await db.schema
        .alterTable('run_metric')
        .addColumn('points', 'bigint', (c) => c.notNull().defaultTo(0))
        .execute()
      await db.schema
        .alterTable('run_metric')
        .addColumn('is_ordered', 'integer', (c) => c.notNull().defaultTo(0))
        .execute()
      await db.schema.alterTable('run_metric').addColumn('bucket_bits', 'integer').execute()
      await sql`update run_metric set points = (select count(*) from metric_point p where p.series = run_metric.series)`.execute(
        db,
      )
      const buckets = db.schema
        .createTable('metric_bucket')
        .addColumn('series', 'bigint', (c) => c.notNull())
        .addColumn('bits', 'integer', (c) => c.notNull())
        .addColumn('bucket', 'bigint', (c) => c.notNull())
        .addColumn('points', 'bigint', (c) => c.notNull())
        .addColumn('min_value', 'double precision')
        .addColumn('max_value', 'double precision')
        .addColumn('last_step', 'bigint', (c) => c.notNull())
        .addColumn('last_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('last_value', 'double precision', (c) => c.notNull())
        .addColumn('last_is_nan', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('metric_bucket_key', ['series', 'bits', 'bucket'])
      await (databaseKind(db) === 'postgres' ? buckets : buckets.modifyEnd(sql`without rowid`)).execute()
    },
  },
}
