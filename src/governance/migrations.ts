// The tables of governance: the audit log, the lineage graph and webhooks.
import type { Migrations } from '../platform/database.ts'
import { text } from '../platform/text-column.ts'

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
  '2026-11-21-53-webhook': {
    async up(db) {
      await db.schema
        .createTable('webhook')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('description', 'text', (c) => c.notNull())
        .addColumn('url', 'text', (c) => c.notNull())
        .addColumn('is_active', 'integer', (c) => c.notNull())
        .addColumn('secret', 'text')
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('webhook_created').on('webhook').columns(['created_at_ms', 'id']).execute()
      await db.schema
        .createTable('webhook_event')
        .addColumn('webhook_id', text(db), (c) => c.notNull().references('webhook.id').onDelete('cascade'))
        .addColumn('event', text(db), (c) => c.notNull())
        .addColumn('position', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('webhook_event_key', ['webhook_id', 'event'])
        .execute()
      await db.schema.createIndex('webhook_event_event').on('webhook_event').columns(['event', 'webhook_id']).execute()
    },
  },
}
