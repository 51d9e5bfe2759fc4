// The tables of governance: the audit log and the lineage graph.
import type { Migrations } from '../platform/database.ts'

export const governanceMigrations: Migrations = {
  '2026-11-21-01-audit': {
    async up(db) {
      await db.schema
        .createTable('audit_event')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('action', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('detail', 'text', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('audit_event_subject').on('audit_event').columns(['subject', 'id']).execute()
    },
  },
  '2026-11-21-02-lineage': {
    async up(db) {
      await db.schema
        .createTable('lineage_edge')
        .addColumn('upstream', 'text', (c) => c.notNull())
        .addColumn('downstream', 'text', (c) => c.notNull())
        .addColumn('relation', 'text', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('lineage_edge_key', ['upstream', 'downstream', 'relation'])
        .execute()
      await db.schema.createIndex('lineage_edge_downstream').on('lineage_edge').columns(['downstream']).execute()
    },
  },
}
