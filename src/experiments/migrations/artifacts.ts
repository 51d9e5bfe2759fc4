// One tree of files for runs, logged models and traces, in place of a flat list of each run's.
import { sql } from 'kysely'
import { databaseKind, type Migrations } from '../../platform/database.ts'
import { text } from './text-column.ts'

export const artifactMigrations: Migrations = {
  '2026-11-21-52-artifact': {
    async up(db) {
      const table = db.schema
        .createTable('artifact')
        .addColumn('path', text(db), (c) => c.primaryKey())
        .addColumn('digest', text(db), (c) => c.notNull())
        .addColumn('bytes', 'bigint', (c) => c.notNull())
        .addColumn('media_type', 'text', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
      // A directory is a range of the key: on SQLite the rows lie in it, and not beside it.
      await (databaseKind(db) === 'postgres' ? table : table.modifyEnd(sql`without rowid`)).execute()
      await db.schema.createIndex('artifact_digest').on('artifact').columns(['digest']).execute()
      await sql`insert into artifact (path, digest, bytes, media_type, at_ms)
        select r.experiment_id || '/' || r.id || '/artifacts/' || a.name, a.digest, a.bytes, a.media_type, a.at_ms
        from run_artifact a inner join run r on r.id = a.run_id`.execute(db)
      await db.schema.dropTable('run_artifact').execute()
      await db.schema
        .createTable('artifact_upload')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('path', text(db), (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('completed_at_ms', 'bigint')
        .execute()
      await db.schema.createIndex('artifact_upload_created').on('artifact_upload').columns(['created_at_ms']).execute()
    },
  },
}
