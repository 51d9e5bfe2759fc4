// Readers: threads on a SQLite file, the connection elsewhere; the same rows from both.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { sleep } from './clock.ts'
import { on, openDatabase, type Connection } from './database.ts'
import { openReader } from './reader-threads.ts'
import { chunkRows, readerDefaults, readerOf, type Reader } from './reader.ts'
import { createTestDatabase, testDatabaseKind } from './testing.ts'

interface Tables {
  point: { at: number | bigint; value: number }
}

async function fill(db: Connection<Tables>, count: number): Promise<void> {
  await on(db).schema.createTable('point').addColumn('at', 'bigint').addColumn('value', 'double precision').execute()
  const numbers = sql`with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${sql.lit(count)})`
  await sql`insert into point ${numbers} select i, i * 0.5 from n`.execute(on(db))
}

/** On SQLite a file with threads; on PostgreSQL the connection. */
async function open(options = readerDefaults): Promise<{ db: Connection<Tables>; reader: Reader } & AsyncDisposable> {
  if (testDatabaseKind === 'postgres') {
    const db = await createTestDatabase<Tables>({})
    return { db, reader: readerOf(db, options), [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() }
  }
  const folder = mkdtempSync(join(tmpdir(), 'reader-'))
  const url = `sqlite:${join(folder, 'metadata.sqlite')}`
  const { db, [Symbol.asyncDispose]: close } = await openDatabase<Tables>(url)
  const reader = openReader(db, url, options)
  const dispose = async (): Promise<void> => {
    await reader[Symbol.asyncDispose]()
    await close()
    rmSync(folder, { recursive: true })
  }
  return { db, reader, [Symbol.asyncDispose]: dispose }
}

const points = (db: Connection<Tables>, from: number) =>
  on(db).selectFrom('point').selectAll().where('at', '>=', from).orderBy('at').compile()

test('a long answer comes in chunks, complete and in order, and a short one at once', async () => {
  await using opened = await open()
  const { db, reader } = opened
  await fill(db, 2500)
  const sizes = []
  let next = 0
  for await (const chunk of reader.rows(points(db, 0))) {
    sizes.push(chunk.length)
    for (const row of chunk) expect(row).toEqual({ at: next, value: next++ * 0.5 })
  }
  expect(sizes).toEqual([chunkRows, chunkRows, 500])
  expect(await reader.all(points(db, 2498))).toEqual([
    { at: 2498, value: 1249 },
    { at: 2499, value: 1249.5 },
  ])
  expect(await reader.all(points(db, 9999))).toEqual([])
})

test('integers of 64 bits, texts and nothing come as they are', async () => {
  await using opened = await open()
  const { db, reader } = opened
  await on(db).schema.createTable('point').addColumn('at', 'bigint').addColumn('value', 'double precision').execute()
  const ats = [2 ** 53 - 1, 2n ** 53n, -(2n ** 63n)]
  for (const at of ats) await on(db).insertInto('point').values({ at, value: 0.1 }).execute()
  const query = sql<object>`select at, value, 'text' as told, null as missing from point order by at desc`
  const wanted = ats.map((at) => ({ at, value: 0.1, told: 'text', missing: null }))
  expect(await reader.all(query.compile(on(db)))).toEqual([wanted[1], wanted[0], wanted[2]])
})

test('many reads beside each other, some left early, get their own rows', async () => {
  await using opened = await open()
  const { db, reader } = opened
  await fill(db, 5000)
  const read = async (from: number): Promise<number> => {
    for await (const [first] of reader.rows(points(db, from))) return Number(first!.at)
    return -1
  }
  const reads = Array.from({ length: 20 }, (_, i) => i * 100)
  expect(await Promise.all(reads.map(read))).toEqual(reads)
  const all = await Promise.all(reads.map((from) => reader.all(points(db, from))))
  expect(all.map(({ length }) => length)).toEqual(reads.map((from) => 5000 - from))
})

test('what was committed before a read began is in it, and an open read sees one state', async () => {
  await using opened = await open()
  const { db, reader } = opened
  await fill(db, 1500)
  const rows = reader.rows(points(db, 0))[Symbol.asyncIterator]()
  await rows.next()
  await on(db).insertInto('point').values({ at: 2000, value: 1 }).execute()
  expect((await rows.next()).value).toHaveLength(500)
  await rows.return?.()
  expect(await reader.all(points(db, 1500))).toEqual([{ at: 2000, value: 1 }])
})

test('a read that is not taken is given up, and its place is free again', async () => {
  await using opened = await open({ stallMs: 50 })
  const { db, reader } = opened
  await fill(db, 3000)
  const begun = Array.from({ length: 8 }, () => reader.rows(points(db, 0))[Symbol.asyncIterator]())
  for (const rows of begun) {
    expect((await rows.next()).value).toHaveLength(chunkRows)
    await sleep(100)
    await expect(rows.next()).rejects.toMatchObject({ kind: 'unavailable', code: 'read_stalled' })
  }
  expect(await reader.all(points(db, 2999))).toHaveLength(1)
})

test('an error of a query is told, and the next one works', async () => {
  await using opened = await open()
  const { db, reader } = opened
  await fill(db, 3)
  const wrong = sql<{ at: number }>`select at from nowhere`.compile(on(db))
  await expect(reader.all(wrong)).rejects.toThrow(/nowhere/v)
  expect(await reader.all(points(db, 2))).toHaveLength(1)
})

test('a reader cannot write, and leaves the event loop free while it sorts', async () => {
  if (testDatabaseKind === 'postgres') return
  await using opened = await open()
  const { db, reader } = opened
  await fill(db, 300_000)
  const change = sql<{ at: number }>`delete from point returning at`.compile(on(db))
  await expect(reader.all(change)).rejects.toThrow(/readonly/v)
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  const slow = sql<{ at: number }>`select at from point order by value * 7 % 1000, value desc limit 5`.compile(on(db))
  expect(await reader.all(slow)).toHaveLength(5)
  clearInterval(timer)
  // It takes some hundred milliseconds: were it done in this thread, there would be none.
  expect(ticks).toBeGreaterThan(5)
})
