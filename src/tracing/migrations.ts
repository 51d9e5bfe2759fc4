// The tables of traces: what is known of each, its spans, what was said about it, and what it is linked to.
import { sql, type Kysely, type RawBuilder } from 'kysely'
import { databaseKind, type Migrations } from '../platform/database.ts'
import { text } from '../platform/text-column.ts'

/** Where the key is the row, a table beside its index would hold everything twice on SQLite. */
const keyed = (db: Kysely<unknown>): RawBuilder<unknown> =>
  databaseKind(db) === 'postgres' ? sql`` : sql`without rowid`

export const tracingMigrations: Migrations = {
  '2026-11-21-55-1-trace': {
    async up(db) {
      const number =
        databaseKind(db) === 'postgres'
          ? sql`bigint generated always as identity primary key`
          : sql`integer primary key autoincrement`
      await db.schema
        .createTable('trace')
        .addColumn('no', number)
        .addColumn('id', text(db), (c) => c.notNull().unique())
        .addColumn('experiment_id', 'integer', (c) => c.notNull().references('experiment.id'))
        .addColumn('started_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('duration_ms', 'bigint')
        .addColumn('state', text(db), (c) => c.notNull())
        .addColumn('client_request_id', text(db))
        .addColumn('request_preview', text(db))
        .addColumn('response_preview', text(db))
        .addColumn('name', text(db))
        .addColumn('session_id', text(db))
        .addColumn('input_tokens', 'bigint')
        .addColumn('output_tokens', 'bigint')
        .addColumn('total_tokens', 'bigint')
        .addColumn('cache_read_input_tokens', 'bigint')
        .addColumn('cache_creation_input_tokens', 'bigint')
        .addColumn('cache_creation_input_tokens_above_1hr', 'bigint')
        .addColumn('input_cost', 'double precision')
        .addColumn('output_cost', 'double precision')
        .addColumn('total_cost', 'double precision')
        .execute()
      await sql`create index trace_started on trace (experiment_id, started_at_ms desc, id)`.execute(db)
      await sql`create index trace_newest on trace (started_at_ms desc, id)`.execute(db)
      await sql`create index trace_duration on trace (experiment_id, duration_ms)`.execute(db)
      await sql`create index trace_state on trace (experiment_id, state, started_at_ms)`.execute(db)
      // The start only: PostgreSQL indexes no value beyond 2,704 bytes.
      await sql`create index trace_name on trace (experiment_id, substr(name, 1, 200), started_at_ms)`.execute(db)
      await sql`create index trace_session on trace (session_id) where session_id is not null`.execute(db)
      await sql`create index trace_client_request on trace (client_request_id) where client_request_id is not null`.execute(
        db,
      )
      for (const table of ['trace_tag', 'trace_metadata']) {
        await db.schema
          .createTable(table)
          .addColumn('trace_no', 'bigint', (c) => c.notNull().references('trace.no').onDelete('cascade'))
          .addColumn('key', text(db), (c) => c.notNull())
          .addColumn('value', text(db), (c) => c.notNull())
          .addPrimaryKeyConstraint(`${table}_key`, ['trace_no', 'key'])
          .modifyEnd(keyed(db))
          .execute()
        await sql`create index ${sql.id(`${table}_value`)} on ${sql.table(table)} (key, substr(value, 1, 200), trace_no)`.execute(
          db,
        )
      }
    },
  },
  '2026-11-21-55-2-span': {
    async up(db) {
      await db.schema
        .createTable('span')
        .addColumn('trace_no', 'bigint', (c) => c.notNull().references('trace.no').onDelete('cascade'))
        .addColumn('span_id', text(db), (c) => c.notNull())
        .addColumn('parent_span_id', text(db))
        .addColumn('experiment_id', 'integer', (c) => c.notNull())
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('type', text(db))
        .addColumn('status', text(db), (c) => c.notNull())
        .addColumn('started_at_ns', 'bigint', (c) => c.notNull())
        .addColumn('ended_at_ns', 'bigint')
        .addColumn('tokens', 'text')
        .addColumn('input_cost', 'double precision')
        .addColumn('output_cost', 'double precision')
        .addColumn('total_cost', 'double precision')
        .addColumn('model_name', text(db))
        .addColumn('model_provider', text(db))
        .addPrimaryKeyConstraint('span_key', ['trace_no', 'span_id'])
        .modifyEnd(keyed(db))
        .execute()
      await sql`create index span_name on span (substr(name, 1, 200), trace_no)`.execute(db)
      await sql`create index span_type on span (substr(type, 1, 200), trace_no)`.execute(db)
      await sql`create index span_error on span (trace_no) where status = 'ERROR'`.execute(db)
      await sql`create index span_cost on span (experiment_id, started_at_ns) where total_cost is not null`.execute(db)
      await db.schema
        .createTable('span_content')
        .addColumn('trace_no', 'bigint', (c) => c.notNull().references('trace.no').onDelete('cascade'))
        .addColumn('span_id', text(db), (c) => c.notNull())
        .addColumn('content', text(db), (c) => c.notNull())
        .addPrimaryKeyConstraint('span_content_key', ['trace_no', 'span_id'])
        .execute()
    },
  },
  '2026-11-21-55-3-assessment': {
    async up(db) {
      await db.schema
        .createTable('assessment')
        .addColumn('id', text(db), (c) => c.primaryKey())
        .addColumn('trace_no', 'bigint', (c) => c.notNull().references('trace.no').onDelete('cascade'))
        .addColumn('name', text(db), (c) => c.notNull())
        .addColumn('kind', text(db), (c) => c.notNull())
        .addColumn('value', text(db), (c) => c.notNull())
        .addColumn('error', 'text')
        .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('updated_at_ms', 'bigint', (c) => c.notNull())
        .addColumn('source_type', text(db), (c) => c.notNull())
        .addColumn('source_id', text(db))
        .addColumn('run_id', text(db))
        .addColumn('span_id', text(db))
        .addColumn('rationale', 'text')
        .addColumn('overrides', text(db))
        .addColumn('is_valid', 'integer', (c) => c.notNull())
        .addColumn('metadata', 'text')
        .addColumn('aggregate_value', 'double precision')
        .addColumn('is_numeric', 'integer', (c) => c.notNull())
        .addColumn('is_of_session', 'integer', (c) => c.notNull())
        .execute()
      await sql`create index assessment_trace on assessment (trace_no, created_at_ms)`.execute(db)
      await sql`create index assessment_value on assessment (kind, substr(name, 1, 200), substr(value, 1, 200), trace_no)`.execute(
        db,
      )
      await sql`create index assessment_session on assessment (kind, substr(name, 1, 200)) where is_of_session = 1`.execute(
        db,
      )
      await sql`create index assessment_run on assessment (run_id) where run_id is not null`.execute(db)
      await db.schema
        .createTable('trace_link')
        .addColumn('trace_no', 'bigint', (c) => c.notNull().references('trace.no').onDelete('cascade'))
        .addColumn('kind', text(db), (c) => c.notNull())
        .addColumn('target', text(db), (c) => c.notNull())
        .addPrimaryKeyConstraint('trace_link_key', ['trace_no', 'kind', 'target'])
        .modifyEnd(keyed(db))
        .execute()
      await sql`create index trace_link_target on trace_link (kind, target, trace_no)`.execute(db)
    },
  },
}
