// Who hears what, when something fails, and what may be forgotten: on SQLite and on PostgreSQL.
import { expect, test } from 'vitest'
import { on, transact, type Connection } from './database.ts'
import { startDispatcher, type EventConsumer } from './dispatcher.ts'
import { appendEvent, eventMigrations, readEvents, type EventTables } from './events.ts'
import { createLog, silentLog } from './log.ts'
import { createTestDatabase } from './testing.ts'

type Db = Connection<EventTables>

async function emit(db: Db, subjects: string, { type = 'thing.made', atMs = 1 } = {}): Promise<void> {
  for (const subject of subjects) {
    await transact(db, (trx) => appendEvent(trx, { type, subject, payload: { subject }, atMs }))
  }
}

/** Writes down what it handles; `fails` says which of its tries do. */
function reader(
  name: string,
  { fails = () => false, ...more }: Partial<EventConsumer> & { fails?: (subject: string) => boolean } = {},
) {
  const seen: string[] = []
  const tries: string[] = []
  const consumer: EventConsumer = {
    name,
    types: ['thing.made'],
    async handle({ subject }) {
      tries.push(subject)
      if (fails(subject)) throw new Error('not yet')
      seen.push(subject)
    },
    ...more,
  }
  return { seen, tries, consumer }
}

test('a consumer sees every event once and in order, and one that fails is tried again', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  let failures = 2
  const { seen, tries, consumer } = reader('reader', { fails: (subject) => subject === 'b' && failures-- > 0 })
  await emit(db, 'abc')
  await using dispatcher = startDispatcher({ db, log: silentLog }, [consumer])
  await dispatcher.drain()
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(tries).toEqual(['a', 'b', 'b', 'b', 'c'])
})

test('one that begins with the next event is spared the history, but not what comes while it is away', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  await emit(db, 'ab')
  const oldest = reader('oldest')
  const next = reader('next', { begins: 'next' })
  const start = () => startDispatcher({ db, log: silentLog }, [oldest.consumer, next.consumer])
  {
    await using dispatcher = start()
    await dispatcher.drain()
    await emit(db, 'c')
    await dispatcher.drain()
  }
  await emit(db, 'd')
  await using dispatcher = start()
  await dispatcher.drain()
  expect(oldest.seen).toEqual(['a', 'b', 'c', 'd'])
  expect(next.seen).toEqual(['c', 'd'])
})

test('what fails waits its time, however often others are woken, and is set aside in the end', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  const { seen, tries, consumer } = reader('reader', { failuresMax: 3, fails: (subject) => subject === 'a' })
  const lines: string[] = []
  const log = createLog({ level: 'warn', clock: () => 0, write: (line) => lines.push(line), format: 'text' })
  await emit(db, 'ab')
  const began = performance.now()
  await using dispatcher = startDispatcher({ db, log }, [consumer])
  const drained = dispatcher.drain()
  const nudges = setInterval(dispatcher.wake, 5)
  await drained
  clearInterval(nudges)
  expect(performance.now() - began, 'two pauses lie between three tries, and one behind').toBeGreaterThan(400 + 800)
  expect(tries).toEqual(['a', 'a', 'a', 'b'])
  expect(seen).toEqual(['b'])
  expect(lines.filter((line) => line.includes('set aside'))).toHaveLength(1)
})

test('an end in the middle of an event is no failure of it: the next process hands it out again', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  await emit(db, 'a')
  const begun = Promise.withResolvers<void>()
  const consumer: EventConsumer = {
    name: 'reader',
    types: ['thing.made'],
    handle: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('ended')))
        begun.resolve()
      }),
  }
  const ended = startDispatcher({ db, log: silentLog }, [consumer])
  await begun.promise
  await ended[Symbol.asyncDispose]()
  expect(await on(db).selectFrom('event_cursor').select(['seq', 'failures']).execute()).toEqual([
    { seq: 0, failures: 0 },
  ])
  const { seen, consumer: again } = reader('reader')
  await using dispatcher = startDispatcher({ db, log: silentLog }, [again])
  await dispatcher.drain()
  expect(seen).toEqual(['a'])
})

test('only what is old and was passed by everyone whom it concerns is forgotten', async () => {
  await using db = await createTestDatabase<EventTables>(eventMigrations)
  await emit(db, 'ab', { atMs: 10 })
  await emit(db, 'x', { atMs: 10, type: 'other.made' })
  await emit(db, 'c', { atMs: 20 })
  const blocked = Promise.withResolvers<void>()
  const quick = reader('quick')
  const slow = reader('slow', {
    types: ['other.made', 'thing.made'],
    handle: ({ subject }) => (subject === 'a' ? Promise.resolve() : blocked.promise),
  })
  await using gone = startDispatcher({ db, log: silentLog }, [reader('gone').consumer])
  await gone.drain()
  await gone[Symbol.asyncDispose]()
  await using dispatcher = startDispatcher({ db, log: silentLog }, [quick.consumer, slow.consumer])
  const left = async (): Promise<string[]> => (await readEvents(db, { seq: 0 })).map(({ subject }) => subject)
  const cursors = async (): Promise<string[]> =>
    (await on(db).selectFrom('event_cursor').select('consumer').orderBy('consumer').execute()).map((c) => c.consumer)
  await expect.poll(() => quick.seen).toEqual(['a', 'b', 'c'])
  await expect.poll(cursors).toEqual(['gone', 'quick', 'slow'])
  // "slow" still works at b: it holds all that it has yet to hear.
  await expect.poll(() => dispatcher.prune({ beforeMs: 11 })).toBe(1)
  expect(await left()).toEqual(['b', 'x', 'c'])
  expect(await cursors()).toEqual(['quick', 'slow'])
  blocked.resolve()
  await dispatcher.drain()
  expect(await dispatcher.prune({ beforeMs: 11 })).toBe(2)
  expect(await left()).toEqual(['c'])
  await emit(db, 'd', { atMs: 30 })
  await dispatcher.drain()
  expect(quick.seen, 'numbers go on where they were').toEqual(['a', 'b', 'c', 'd'])
})
