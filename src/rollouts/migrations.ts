// The tables of rollouts and of A/B tests, with every verdict on either.
import type { Migrations } from '../platform/database.ts'

export const rolloutMigrations: Migrations = {
  '2026-11-21-70-rollout': {
    async up(db) {
      await db.schema
        .createTable('rollout')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('endpoint', 'text', (c) => c.notNull())
        // The endpoint while it is under way, else null: unique, so there is one at a time.
        .addColumn('active_endpoint', 'text', (c) => c.unique())
        .addColumn('model', 'text', (c) => c.notNull())
        .addColumn('champion', 'integer', (c) => c.notNull())
        .addColumn('challenger', 'integer', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.unique())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('step', 'integer', (c) => c.notNull())
        .addColumn('policy', 'text', (c) => c.notNull())
        .addColumn('started_ms', 'bigint', (c) => c.notNull())
        .addColumn('phase_started_ms', 'bigint', (c) => c.notNull())
        .addColumn('finished_ms', 'bigint')
        .addColumn('watch_until_ms', 'bigint')
        .addColumn('slow_limit_ms', 'double precision')
        .addColumn('held', 'integer', (c) => c.notNull())
        .addColumn('sentence', 'text', (c) => c.notNull())
        .addColumn('created_by', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('rollout_endpoint').on('rollout').columns(['endpoint', 'id']).execute()
      await db.schema
        .createTable('rollout_verdict')
        .addColumn('rollout', 'text', (c) => c.notNull())
        .addColumn('sequence', 'integer', (c) => c.notNull())
        .addColumn('phase', 'text', (c) => c.notNull())
        .addColumn('step', 'integer', (c) => c.notNull())
        .addColumn('verdict', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('statistics', 'text', (c) => c.notNull())
        .addColumn('judged_ms', 'bigint', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('rollout_verdict_key', ['rollout', 'sequence'])
        .execute()
    },
  },
  '2026-11-22-71-ab-test': {
    async up(db) {
      await db.schema
        .createTable('ab_test')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('endpoint', 'text', (c) => c.notNull())
        // The endpoint while it is under way, else null: unique, so there is one at a time.
        .addColumn('active_endpoint', 'text', (c) => c.unique())
        .addColumn('control', 'text', (c) => c.notNull())
        .addColumn('plan', 'text', (c) => c.notNull())
        .addColumn('plan_digest', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('winner', 'text')
        .addColumn('started_ms', 'bigint', (c) => c.notNull())
        .addColumn('finished_ms', 'bigint')
        .addColumn('sentence', 'text', (c) => c.notNull())
        .addColumn('created_by', 'text', (c) => c.notNull())
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('ab_test_endpoint').on('ab_test').columns(['endpoint', 'id']).execute()
      await db.schema
        .createTable('ab_verdict')
        .addColumn('test', 'text', (c) => c.notNull())
        .addColumn('sequence', 'integer', (c) => c.notNull())
        .addColumn('outcome', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('arms', 'text', (c) => c.notNull())
        .addColumn('plan_digest', 'text', (c) => c.notNull())
        .addColumn('judged_ms', 'bigint', (c) => c.notNull())
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('ab_verdict_key', ['test', 'sequence'])
        .execute()
    },
  },
  '2026-11-22-70-rehearsal': {
    async up(db) {
      await db.schema.alterTable('rollout').addColumn('rehearsal', 'text').execute()
      await db.schema.alterTable('rollout_verdict').addColumn('policy_digest', 'text').execute()
    },
  },
}
