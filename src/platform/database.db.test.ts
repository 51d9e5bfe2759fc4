// Transactions and the outbox, on SQLite and on PostgreSQL.
import { sql, type Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { appendEvent, eventMigrations, readEvents, type EventTables } from './events.ts'
import { databaseKind, migrate, on, openDatabase, transact } from './database.ts'
import { createTestDatabase, testDatabaseKind } from './testing.ts'

const event = (subject: string) => ({ type: 'thing.made', subject, payload: { subject }, atMs: 1 })

test('the kind of the database is known from any connection to it', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  expect(databaseKind(db)).toBe(testDatabaseKind)
  await transact(db, async (trx) => expect(databaseKind(trx)).toBe(testDatabaseKind))
})

test('what a failed transaction wrote is gone, events included', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  const work = transact(db, async (trx) => {
    await appendEvent(trx, event('a'))
    throw new Error('no')
  })
  await expect(work).rejects.toThrow('no')
  expect(await on(db).selectFrom('event').selectAll().execute()).toEqual([])
})

test('transactions at the same time all take effect, and counters lose nothing', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  await on(db)
    .insertInto('event_cursor')
    .values({ consumer: 'c', seq: 0, failures: 0, failed_seq: null, last_error: null })
    .execute()
  const add = () =>
    transact(db, async (trx) => {
      const row = await on(trx).selectFrom('event_cursor').select('seq').executeTakeFirstOrThrow()
      await on(trx)
        .updateTable('event_cursor')
        .set({ seq: row.seq + 1 })
        .execute()
    })
  await Promise.all([add(), add(), add(), add(), add()])
  expect(await on(db).selectFrom('event_cursor').select('seq').execute()).toEqual([{ seq: 5 }])
})

test.runIf(testDatabaseKind === 'sqlite')(
  'the plain connection inside of a transaction throws instead of hanging',
  async () => {
    await using db = await createTestDatabase<EventTables>(eventMigrations)
    const work = transact(db, () => sql`select 1`.execute(on(db)))
    await expect(work).rejects.toThrow('pass `trx` on')
  },
)

test('an unknown scheme and a database that does not answer are told apart', async () => {
  await expect(openDatabase('mysql://x')).rejects.toMatchObject({ code: 'database_url' })
  await expect(openDatabase('postgres://u:p@127.0.0.1:1/x')).rejects.toMatchObject({ code: 'database_unreachable' })
})

test('migrations that are cut off leave nothing behind, and begin again', async () => {
  await using db = await createTestDatabase<{ first: { id: number }; second: { id: number } }>({})
  const first = {
    up: (kysely: Kysely<unknown>) => kysely.schema.createTable('first').addColumn('id', 'integer').execute(),
  }
  const cutOff = {
    async up(kysely: Kysely<unknown>): Promise<void> {
      await kysely.schema.createTable('second').addColumn('id', 'integer').execute()
      throw new Error('the power failed')
    },
  }
  const whole = {
    up: (kysely: Kysely<unknown>) => kysely.schema.createTable('second').addColumn('id', 'integer').execute(),
  }
  await expect(migrate(db, { '2026-01-01-first': first, '2026-01-02-second': cutOff })).rejects.toThrow(
    'the power failed',
  )
  await expect(on(db).selectFrom('first').selectAll().execute()).rejects.toThrow(/first/v)
  const names = ['2026-01-01-first', '2026-01-02-second']
  expect(await migrate(db, { '2026-01-01-first': first, '2026-01-02-second': whole })).toEqual(names)
  expect(await on(db).selectFrom('second').selectAll().execute()).toEqual([])
})

test('two sets of tables in one database are migrated each by itself', async () => {
  await using one = await createTestDatabase<EventTables>(eventMigrations)
  await using two = await createTestDatabase<EventTables>(eventMigrations)
  await transact(one, (trx) => appendEvent(trx, { type: 'test.made', subject: 'one', payload: {}, atMs: 1 }))
  expect(await readEvents(two, { seq: 0 })).toEqual([])
})

test('integers beyond those that a double holds are read as bigints, the others as numbers', async () => {
  await using db = await createTestDatabase<unknown>({})
  const large = 9_223_372_036_854_775_807n
  const { rows } = await sql<{ large: unknown; small: unknown }>`
    select cast(${large} as bigint) as large, cast(${7} as bigint) as small`.execute(on(db))
  expect(rows).toEqual([{ large, small: 7 }])
})
