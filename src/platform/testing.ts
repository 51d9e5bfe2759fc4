// For tests: a real database with the given migrations, on SQLite or on the PostgreSQL that the test run started.
import { randomBytes } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { migrate, openDatabase, type Migrations } from './database.ts'

/** Disposed of with `await using`. */
export type TestDatabase<T> = Kysely<T>

/** The PostgreSQL of this test run; absent: tests run on SQLite in memory. */
const postgresUrl = process.env['TRUELOOP_TEST_POSTGRES']

export const testDatabaseKind = postgresUrl ? 'postgres' : 'sqlite'

/** A fresh database that is gone after the test. Name a test file `*.db.test.ts` to have it run on both databases. */
export async function createTestDatabase<T>(migrations: Migrations): Promise<TestDatabase<T>> {
  if (!postgresUrl) {
    const { db } = await openDatabase<T>('sqlite::memory:')
    await migrate(db, migrations)
    return Object.assign(db, { [Symbol.asyncDispose]: () => db.destroy() })
  }
  const schema = `test_${randomBytes(8).toString('hex')}`
  const admin = await openDatabase<unknown>(postgresUrl)
  await sql`create schema ${sql.id(schema)}`.execute(admin.db)
  const { db } = await openDatabase<T>(postgresUrl, schema)
  await migrate(db, migrations)
  const dispose = async (): Promise<void> => {
    await db.destroy()
    await sql`drop schema ${sql.id(schema)} cascade`.execute(admin.db)
    await admin.db.destroy()
  }
  return Object.assign(db, { [Symbol.asyncDispose]: dispose })
}
