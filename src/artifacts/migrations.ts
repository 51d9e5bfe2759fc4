// The tables of artifacts: one tree of files for runs, logged models and traces, and uploads in parts.
import { sql } from 'kysely'
import { databaseKind, type Migrations } from '../platform/database.ts'
import { text } from '../platform/text-column.ts'

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
