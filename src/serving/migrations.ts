// The tables of serving: endpoints, what stood behind them when, quarantined versions, and what gateways have reported.
import type { Migrations } from '../platform/database.ts'

export const servingMigrations: Migrations = {
  '2026-11-21-50-endpoint': {
    async up(db) {
      await db.schema
        .createTable('endpoint')
        .addColumn('name', 'text', (c) => c.primaryKey())
        .addColumn('generation', 'bigint', (c) => c.notNull())
        .addColumn('split_salt', 'text', (c) => c.notNull())
        .addColumn('clock', 'text', (c) => c.notNull())
        .addColumn('log_share', 'double precision', (c) => c.notNull())
        .addColumn('queue_rows_max', 'integer', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('endpoint_variant')
        .addColumn('endpoint', 'text', (c) => c.notNull().references('endpoint.name'))
        .addColumn('version', 'text', (c) => c.notNull())
        .addColumn('role', 'text', (c) => c.notNull())
        .addColumn('weight', 'double precision', (c) => c.notNull())
        .addPrimaryKeyConstraint('endpoint_variant_key', ['endpoint', 'version'])
        .execute()
      await db.schema
        .createTable('deployment')
        .addColumn('endpoint', 'text', (c) => c.notNull())
        .addColumn('generation', 'bigint', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('variants', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('deployment_key', ['endpoint', 'generation'])
        .execute()
    },
  },
  '2026-11-21-51-gateway': {
    async up(db) {
      // One row: what the gateways' configuration is numbered by.
      await db.schema
        .createTable('gateway_generation')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('generation', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('gateway_worker')
        .addColumn('worker', 'text', (c) => c.primaryKey())
        .addColumn('sequence', 'bigint', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('gateway_incident')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('worker', 'text', (c) => c.notNull())
        .addColumn('version', 'text')
        .addColumn('detail', 'text', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('version_quarantine')
        .addColumn('version', 'text', (c) => c.primaryKey())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .execute()
    },
  },
  '2026-11-22-50-endpoint-options': {
    async up(db) {
      await db.schema
        .alterTable('endpoint')
        .addColumn('options', 'text', (c) => c.notNull().defaultTo('{}'))
        .execute()
    },
  },
  '2026-11-22-51-endpoint-stop': {
    async up(db) {
      await db.schema.alterTable('endpoint').addColumn('stopped', 'text').execute()
    },
  },
  '2026-11-22-52-gateway-fleet': {
    async up(db) {
      // One row: how many workers the gateways run.
      await db.schema
        .createTable('gateway_fleet')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('workers', 'integer')
        .addColumn('restarts', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
}
