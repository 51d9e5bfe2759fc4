// For tests: a real database with the given migrations, on SQLite or on the PostgreSQL that the test run started.
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { migrate, on, openDatabase, type Connection, type Migrations } from './database.ts'

/** Disposed of with `await using`. */
export type TestDatabase<T> = Connection<T> & AsyncDisposable

/** The PostgreSQL of this test run; absent: tests run on SQLite in memory. */
const postgresUrl = process.env['TRUELOOP_TEST_POSTGRES']

export const testDatabaseKind = postgresUrl ? 'postgres' : 'sqlite'

/**
 * A database for each process, in it a schema for each test: to migrate, the tables of all schemas are looked at, which fails when a test of
 * another process drops its schema just then.
 */
let ownPostgres: Promise<string> | undefined

const uniqueName = (): string => `test_${randomBytes(8).toString('hex')}`

async function createPostgres(server: string): Promise<string> {
  const url = new URL(server)
  url.pathname = `/${uniqueName()}`
  await using admin = await openDatabase<unknown>(server)
  await sql`create database ${sql.id(url.pathname.slice(1))}`.execute(on(admin.db))
  return url.href
}

/** A fresh database that is gone after the test. Name a test file `*.db.test.ts` to have it run on both databases. */
export async function createTestDatabase<T>(migrations: Migrations): Promise<TestDatabase<T>> {
  if (!postgresUrl) {
    const { db, [Symbol.asyncDispose]: dispose } = await openDatabase<T>('sqlite::memory:')
    await migrate(db, migrations)
    return Object.assign(db, { [Symbol.asyncDispose]: dispose })
  }
  ownPostgres ??= createPostgres(postgresUrl)
  const url = await ownPostgres
  const schema = uniqueName()
  const admin = await openDatabase<unknown>(url)
  await sql`create schema ${sql.id(schema)}`.execute(on(admin.db))
  const { db, [Symbol.asyncDispose]: close } = await openDatabase<T>(url, schema)
  await migrate(db, migrations)
  const dispose = async (): Promise<void> => {
    await close()
    await sql`drop schema ${sql.id(schema)} cascade`.execute(on(admin.db))
    await admin[Symbol.asyncDispose]()
  }
  return Object.assign(db, { [Symbol.asyncDispose]: dispose })
}
