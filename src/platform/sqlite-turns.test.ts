// Transactions of SQLite that share a commit: each is whole and can fail alone, and none is told to be done before it is on the disk.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CompiledQuery, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely'
import { expect, test } from 'vitest'
import { on, openDatabase, transact, type Connection, type Transaction } from './database.ts'
import { DomainError } from './errors.ts'
import { openSqliteDriver } from './sqlite-driver.ts'
import { beginningTransaction, SqliteTurns } from './sqlite-turns.ts'

interface Tables {
  thing: { id: number; parent: number | null }
}

const dialect = {
  createAdapter: () => new SqliteAdapter(),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
}

/** A file, so that another connection sees what is committed and nothing else. */
async function open() {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-turns-'))
  const path = join(directory, 'test.sqlite')
  const { db, [Symbol.asyncDispose]: close } = await openDatabase<Tables>(`sqlite:${path}`)
  await sql`create table thing (id integer primary key, parent integer references thing deferrable initially deferred)`.execute(
    on(db),
  )
  const other = new DatabaseSync(path)
  return {
    db,
    path,
    committed: () =>
      other
        .prepare('select id from thing order by id')
        .all()
        .map(({ id }) => id),
    async [Symbol.asyncDispose]() {
      other.close()
      await close()
      rmSync(directory, { recursive: true })
    },
  }
}

const insert = (trx: Transaction<Tables>, id: number, parent: number | null = null) =>
  on(trx).insertInto('thing').values({ id, parent }).execute()
const add = (db: Connection<Tables>, id: number) => transact(db, (trx) => insert(trx, id))

test('transactions that wait share a commit, and none is done before it', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const seen = new Set<number>()
  const added = Array.from({ length: 50 }, (_, id) =>
    transact(db, async (trx) => {
      seen.add(committed().length)
      await insert(trx, id)
    }).then(() => expect(committed()).toContain(id)),
  )
  await Promise.all(added)
  expect(seen.size).toBeLessThan(added.length / 2)
  expect(committed()).toHaveLength(added.length)
})

test('one that fails takes nothing of the others along, wherever it stands', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const fail = (id: number) =>
    transact(db, async (trx) => {
      await insert(trx, id)
      throw new Error(`no ${id}`)
    })
  const settled = await Promise.allSettled([fail(1), add(db, 2), fail(3), add(db, 4), add(db, 2), add(db, 5), fail(6)])
  expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([false, true, false, true, false, true, false])
  expect(committed()).toEqual([2, 4, 5])
  await add(db, 7)
  expect(committed()).toEqual([2, 4, 5, 7])
})

test('a query outside of transactions reads what is committed, and its own write is', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const first = add(db, 1)
  const written = on(db).insertInto('thing').values({ id: 2, parent: null }).execute()
  const second = add(db, 3)
  const read = on(db).selectFrom('thing').select('id').execute()
  await written
  expect(committed()).toEqual(expect.arrayContaining([1, 2]))
  expect((await read).map(({ id }) => id)).toEqual([1, 2, 3])
  await Promise.all([first, second])
})

test('when the commit fails, each is run again alone, and the one that it fails for is told', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const runs: number[] = []
  const counted = (id: number) =>
    transact(db, async (trx) => {
      runs.push(id)
      await insert(trx, id)
    })
  // Found out at the commit only, by SQLite's deferred foreign keys.
  const orphan = transact(db, (trx) => insert(trx, 9, 1000))
  const settled = await Promise.allSettled([counted(1), counted(2), orphan])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect((settled[2] as PromiseRejectedResult).reason.message).toContain('FOREIGN KEY')
  expect(runs.length).toBeGreaterThan(2)
  expect(committed()).toEqual([1, 2])
})

test('when SQLite takes everything back by itself, those that were done are run again', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const undone = transact(db, async (trx) => {
    await insert(trx, 3)
    await sql`rollback`.execute(on(trx)) // As a full disk does.
    throw new Error('the disk is full')
  })
  const settled = await Promise.allSettled([add(db, 1), add(db, 2), undone, add(db, 4)])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect((settled[2] as PromiseRejectedResult).reason.message).toBe('the disk is full')
  expect(committed()).toEqual([1, 2, 4])
})

test('one that fails for what it read of another is told when that is on the disk', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const first = add(db, 1)
  let told: unknown
  const refused = transact(db, async (trx) => {
    const there = await on(trx).selectFrom('thing').select('id').where('id', '=', 1).execute()
    if (there.length > 0) throw new Error('1 is there')
  }).catch((error: Error) => (told = [error.message, committed()]))
  await Promise.all([first, refused, add(db, 2)])
  expect(told).toEqual(['1 is there', [1, 2]])
})

test('one that fails for what is taken back is run again without it', async () => {
  await using opened = await open()
  const { db, committed } = opened
  // Found out at the commit only, when the second has read it.
  const orphan = transact(db, (trx) => insert(trx, 1, 1000))
  const second = transact(db, async (trx) => {
    const there = await on(trx).selectFrom('thing').select('id').where('id', '=', 1).execute()
    if (there.length > 0) throw new Error('1 is there')
    await insert(trx, 2)
  })
  await expect(orphan).rejects.toThrow('FOREIGN KEY')
  await second
  expect(committed()).toEqual([2])
})

test('a query that comes after its transaction is refused, and is of no other', async () => {
  await using opened = await open()
  const { db, committed } = opened
  let late: Promise<string> | undefined
  const first = transact(db, async (trx) => {
    await insert(trx, 1)
    late = new Promise(setImmediate)
      .then(() => insert(trx, 9))
      .then(
        () => 'written',
        (error: Error) => error.message,
      )
  })
  const slow = transact(db, async (trx) => {
    await insert(trx, 2)
    await new Promise((resolve) => void setTimeout(resolve, 5))
  })
  await Promise.all([first, slow])
  expect(await late).toContain('its transaction had ended')
  expect(committed()).toEqual([1, 2])
})

test('what goes on after SQLite has taken everything back is refused', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const undone = transact(db, async (trx) => {
    await sql`rollback`.execute(on(trx))
    await insert(trx, 1)
  })
  await expect(undone).rejects.toThrow('has taken the transaction back')
  expect(committed()).toEqual([])
})

test('a database that is closed while transactions wait leaves none of them waiting', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const slow = (id: number) =>
    transact(db, async (trx) => {
      await insert(trx, id)
      await new Promise(setImmediate)
    })
  const works = Array.from({ length: 20 }, (_, id) => slow(id))
  await new Promise(setImmediate)
  await on(db).destroy()
  const settled = await Promise.allSettled(works)
  const done = settled.flatMap(({ status }, id) => (status === 'fulfilled' ? [id] : []))
  expect(done.length).toBeLessThan(works.length)
  expect(committed()).toEqual(done)
})

test('what a transaction left running uses the plain connection as often as it likes', async () => {
  await using opened = await open()
  const { db } = opened
  let left: Promise<unknown> | undefined
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const later = async () => {
    await over
    for (const id of [2, 3]) await on(db).insertInto('thing').values({ id, parent: null }).execute()
    await add(db, 4)
    return on(db).selectFrom('thing').select('id').execute()
  }
  await transact(db, async (trx) => {
    await insert(trx, 1)
    left = later()
  })
  resolve()
  expect(await left).toHaveLength(4)
})

test('a thousand at once all take effect, some failing', async () => {
  await using opened = await open()
  const { db, committed } = opened
  const works = Array.from({ length: 1000 }, (_, id) =>
    transact(db, async (trx) => {
      await insert(trx, id)
      if (id % 7 === 0) throw new Error('no')
    }).catch((error: Error) => expect(error.message).toBe('no')),
  )
  await Promise.all(works)
  expect(committed()).toEqual(Array.from({ length: 1000 }, (_, id) => id).filter((id) => id % 7 !== 0))
})

test('a commit is told when the disk has it, and the next transaction does not wait for that', async () => {
  await using opened = await open()
  const disk = Promise.withResolvers<void>()
  const driver = new SqliteTurns(() => ({ ...openSqliteDriver(opened.path), synced: () => disk.promise }))
  await driver.init()
  const told: string[] = []
  const write = (text: string) =>
    beginningTransaction(async () => {
      const connection = await driver.acquireConnection()
      await driver.beginTransaction(connection)
      await connection.executeQuery(CompiledQuery.raw(text))
      await driver.commitTransaction(connection)
      await driver.releaseConnection(connection)
      told.push(text)
    }, true)
  const writes = [write('insert into thing (id) values (1)'), write('insert into thing (id) values (2)')]
  // What writes nothing has nothing to wait for.
  await write('select 1')
  expect(told).toEqual(['select 1'])
  expect(opened.committed()).toEqual([1, 2])
  disk.resolve()
  await Promise.all(writes)
  expect(told).toHaveLength(3)
  await driver.destroy()
})

test('when the disk may not have a commit, it fails, and so do all after it, while rows can be read', async () => {
  await using opened = await open()
  const failure = new DomainError('unavailable', 'disk_sync_failed', 'no')
  let isSound = true
  const driver = new SqliteTurns(() => ({
    ...openSqliteDriver(opened.path),
    async synced() {
      isSound = false
      throw failure
    },
    assertSound() {
      if (!isSound) throw failure
    },
  }))
  const db = new Kysely<Tables>({ dialect: { ...dialect, createDriver: () => driver } })
  const insertOne = (id: number) =>
    db.transaction().execute((trx) => trx.insertInto('thing').values({ id, parent: null }).execute())
  await expect(insertOne(1)).rejects.toBe(failure)
  await expect(insertOne(2)).rejects.toBe(failure)
  await expect(db.insertInto('thing').values({ id: 3, parent: null }).execute()).rejects.toBe(failure)
  expect(await db.selectFrom('thing').select('id').execute()).toEqual([{ id: 1 }])
  await db.destroy()
})
