// What a search of many runs reads: the indexes of names and of metrics, with the least and greatest value beside the latest.
import { sql } from 'kysely'
import { databaseKind, type Migrations } from '../../platform/database.ts'

export const runSearchMigrations: Migrations = {
  '2026-11-21-52-run-search': {
    async up(db) {
      await db.schema.dropIndex('run_metric_latest').execute()
      await db.schema
        .createIndex('run_metric_latest')
        .on('run_metric')
        .columns(['key', 'latest_is_nan', 'latest', 'run_id', 'min_value', 'max_value'])
        .execute()
      await db.schema.createIndex('run_name').on('run').columns(['name', 'id']).execute()
      await sql`create index run_deleted on run (deleted_at_ms, id) where deleted_at_ms is not null`.execute(db)
    },
  },
  '2026-11-22-72-run-scope': {
    async up(db) {
      // SQLite answers from it whether a run counts and how new it is; the row itself would be a second look for each run that has been found.
      if (databaseKind(db) === 'sqlite')
        await sql`create index run_scope on run (id, experiment_id, deleted_at_ms, started_at_ms)`.execute(db)
    },
  },
}
