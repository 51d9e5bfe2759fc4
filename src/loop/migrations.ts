// The tables of the loop: applied specs, the machine's state, its decisions and its commands.
import type { Migrations } from '../platform/database.ts'

export const loopMigrations: Migrations = {
  '2026-11-21-80-loop': {
    async up(db) {
      await db.schema
        .createTable('loop_spec')
        .addColumn('loop', 'text', (c) => c.notNull())
        .addColumn('version', 'integer', (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('spec', 'text', (c) => c.notNull())
        .addColumn('applied_by', 'text', (c) => c.notNull())
        .addColumn('applied_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('loop_spec_key', ['loop', 'version'])
        .execute()
      await db.schema
        .createTable('loop_state')
        .addColumn('loop', 'text', (c) => c.primaryKey())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('event_seq', 'bigint', (c) => c.notNull())
        .addColumn('decisions', 'integer', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('loop_decision')
        .addColumn('loop', 'text', (c) => c.notNull())
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('recorded_ms', 'bigint', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('sentence', 'text', (c) => c.notNull())
        .addColumn('evidence', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('loop_decision_key', ['loop', 'number'])
        .execute()
      await db.schema
        .createTable('loop_command')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('loop', 'text', (c) => c.notNull())
        .addColumn('command', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('reference', 'text')
        .addColumn('tries', 'integer', (c) => c.notNull())
        .addColumn('next_try_ms', 'bigint', (c) => c.notNull())
        .addColumn('error', 'text')
        .execute()
      await db.schema.createIndex('loop_command_state').on('loop_command').columns(['state', 'next_try_ms']).execute()
      await db.schema.createIndex('loop_command_reference').on('loop_command').columns(['reference']).execute()
    },
  },
  '2026-11-21-81-loop-code': {
    async up(db) {
      await db.schema.alterTable('loop_spec').addColumn('code', 'text').execute()
    },
  },
}
