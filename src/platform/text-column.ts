// The type of a text column that is compared or ordered.
import { sql, type Kysely, type RawBuilder } from 'kysely'
import { databaseKind } from './database.ts'

/** Ordered by code point on both databases, whatever the locale of PostgreSQL's; one collation everywhere, so that columns compare. */
export const text = (db: Kysely<unknown>): RawBuilder<unknown> =>
  databaseKind(db) === 'postgres' ? sql`text collate "C"` : sql`text`

/** An integer key that the database counts up and never uses again. */
export const counted = (db: Kysely<unknown>): RawBuilder<unknown> =>
  databaseKind(db) === 'postgres'
    ? sql`bigint generated always as identity primary key`
    : sql`integer primary key autoincrement`
