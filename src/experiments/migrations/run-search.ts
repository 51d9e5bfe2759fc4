// What a search of many runs reads: the indexes of names and of metrics, with the least and greatest value beside the latest.
import { sql } from 'kysely'
import type { Migrations } from '../../platform/database.ts'

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
}
