// The tables of monitoring: predictions, outcomes, day aggregates, monitors, their results and alerts.
import { sql, type Kysely } from 'kysely'
import type { Migrations } from '../platform/database.ts'

type ColumnType = 'text' | 'bigint' | 'integer' | 'double precision'
/** Column names and types; a trailing `?` allows null. */
type Columns = Readonly<Record<string, ColumnType | `${ColumnType}?`>>

async function makeTable(
  db: Kysely<unknown>,
  name: string,
  { columns, key }: { columns: Columns; key: readonly string[] },
): Promise<void> {
  let table = db.schema.createTable(name)
  for (const [column, type] of Object.entries(columns)) {
    const nullable = type.endsWith('?')
    table = table.addColumn(column, (nullable ? type.slice(0, -1) : type) as ColumnType, (c) =>
      nullable ? c : c.notNull(),
    )
  }
  await table.addPrimaryKeyConstraint(`${name}_key`, [...key] as never[]).execute()
}

const arm: Columns = { endpoint: 'text', version: 'text', role: 'text', weight_ppm: 'integer' }
const armKey = ['endpoint', 'day_ms', 'version', 'role', 'weight_ppm']

export const monitoringMigrations: Migrations = {
  '2026-11-21-60-prediction': {
    async up(db) {
      await makeTable(db, 'prediction', {
        columns: { id: 'text', ...arm, event_time_ms: 'bigint', at_ms: 'bigint', output: 'text', shadows: 'text?' },
        key: ['id'],
      })
      await db.schema.createIndex('prediction_at').on('prediction').columns(['endpoint', 'at_ms']).execute()
      await makeTable(db, 'outcome', {
        columns: {
          prediction_id: 'text',
          value: 'text',
          revision: 'integer',
          received_ms: 'bigint',
          observed_ms: 'bigint?',
          state: 'text',
        },
        key: ['prediction_id'],
      })
      // Few wait at any time, so looking here for each new prediction costs nothing.
      await db.schema
        .createIndex('outcome_unmatched')
        .on('outcome')
        .columns(['prediction_id'])
        .where(sql.ref('state'), '=', sql.lit('unmatched'))
        .execute()
      await makeTable(db, 'watermark', {
        columns: { endpoint: 'text', largest_event_ms: 'bigint', watermark_ms: 'bigint', lateness_ms: 'bigint' },
        key: ['endpoint'],
      })
      await makeTable(db, 'monitoring_total', { columns: { name: 'text', value: 'bigint' }, key: ['name'] })
    },
  },
  '2026-11-21-61-day-aggregate': {
    async up(db) {
      const sum = 'double precision'
      await makeTable(db, 'traffic', {
        columns: {
          ...arm,
          day_ms: 'bigint',
          requests: 'bigint',
          rows: 'bigint',
          errors: 'bigint',
          log_latency_sum: sum,
          log_latency_square_sum: sum,
          latency: 'text',
          features: 'text',
          prediction: 'text',
        },
        key: armKey,
      })
      await makeTable(db, 'performance', {
        columns: {
          ...arm,
          day_ms: 'bigint',
          predictions: 'bigint',
          outcomes: 'bigint',
          loss_sum: sum,
          loss_square_sum: sum,
          quality: 'text?',
        },
        key: armKey,
      })
      await makeTable(db, 'paired_loss', {
        columns: {
          endpoint: 'text',
          champion: 'text',
          challenger: 'text',
          day_ms: 'bigint',
          scored: 'bigint',
          failed: 'bigint',
          pairs: 'bigint',
          difference_sum: sum,
          difference_square_sum: sum,
          champion_loss_sum: sum,
          challenger_loss_sum: sum,
        },
        key: ['endpoint', 'champion', 'challenger', 'day_ms'],
      })
    },
  },
  '2026-11-21-62-monitor': {
    async up(db) {
      await makeTable(db, 'monitor', {
        columns: {
          endpoint: 'text',
          name: 'text',
          definition: 'text',
          revision: 'integer',
          evaluated_to_ms: 'bigint?',
          set_at_ms: 'bigint',
        },
        key: ['endpoint', 'name'],
      })
      await makeTable(db, 'monitor_result', {
        columns: {
          endpoint: 'text',
          monitor: 'text',
          revision: 'integer',
          window_end_ms: 'bigint',
          window_start_ms: 'bigint',
          version: 'text',
          state: 'text',
          value: 'double precision?',
          low: 'double precision?',
          high: 'double precision?',
          rows: 'bigint',
          coverage: 'double precision?',
          final: 'integer',
          detail: 'text',
          evaluated_ms: 'bigint',
        },
        key: ['endpoint', 'monitor', 'revision', 'window_end_ms'],
      })
      await makeTable(db, 'alert', {
        columns: {
          id: 'text',
          endpoint: 'text',
          monitor: 'text',
          version: 'text',
          state: 'text',
          evidence: 'text',
          opened_ms: 'bigint',
          closed_ms: 'bigint?',
          opened_at_ms: 'bigint',
          closed_at_ms: 'bigint?',
          acknowledged_by: 'text?',
          close_reason: 'text?',
        },
        key: ['id'],
      })
      await db.schema.createIndex('alert_monitor').on('alert').columns(['endpoint', 'monitor', 'state']).execute()
    },
  },
}
