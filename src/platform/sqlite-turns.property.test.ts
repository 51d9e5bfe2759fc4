// Transactions of SQLite that share commits, against a model that has one at a time: seeded scripts at once, failures of every kind among them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { sleep } from './clock.ts'
import { on, openDatabase, transact, type Connection, type Transaction } from './database.ts'
import { createRandomWhole } from './testing-random.ts'

interface Tables {
  account: { id: number; amount: number }
  /** What took effect, in its order. */
  history: { seq: number; script: number }
  mark: { script: number; at: number; bytes: Uint8Array | null }
  child: { parent: number }
}

const accounts = 4
const initially = 10
const scriptsPerSeed = 150
const largeBytes = 60_000
const pageCountMax = 1_000_000

/** What happens to a script, most often nothing. */
const fates = [
  ...Array.from({ length: 12 }, () => 'well' as const),
  'throws',
  'duplicate',
  'duplicate caught',
  'orphan', // Found out at the commit only.
  'taken back', // As SQLite itself does on a full disk.
  'taken back, caught',
  'together', // One of several queries at once fails, and none is waited for.
  'left behind', // A query that nobody waits for.
  'large', // Of a disk that is sometimes full.
] as const
const pauses = ['none', 'none', 'microtask', 'immediate', 'timer'] as const

interface Script {
  readonly id: number
  readonly from: number
  readonly to: number
  readonly amount: number
  readonly marks: number
  readonly fate: (typeof fates)[number]
  readonly pause: (typeof pauses)[number]
  readonly startMs: number
}

/** What a script saw when it began. */
interface Seen {
  readonly seq: number
  readonly last: number | null
  readonly amounts: readonly number[]
}

/** Some refusals are told early by their nature; what they are told for must last all the same. */
class Refused extends Error {}

function scriptsOf(seed: number): Script[] {
  const below = createRandomWhole(seed)
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!
  return Array.from({ length: scriptsPerSeed }, (_, id) => ({
    id,
    from: below(accounts),
    to: below(accounts),
    amount: 1 + below(initially),
    marks: 1 + below(3),
    fate: pick(fates),
    pause: pick(pauses),
    startMs: below(4),
  }))
}

async function look(db: Connection<Tables> | Transaction<Tables>): Promise<Seen> {
  const { rows } = await sql<{ amount: number; seq: number | null; script: number | null }>`
    select amount, seq, script from account left join (select seq, script from history order by seq desc limit 1) order by id`.execute(
    on(db),
  )
  return { seq: rows[0]!.seq ?? 0, last: rows[0]!.script, amounts: rows.map(({ amount }) => amount) }
}

const pausing: Readonly<Record<Script['pause'], () => Promise<unknown> | void>> = {
  none: () => undefined,
  microtask: () => Promise.resolve(),
  immediate: () => new Promise(setImmediate),
  timer: () => sleep(1),
}

type Fail = (trx: Transaction<Tables>, script: Script) => Promise<unknown> | void
const duplicate: Fail = (trx, { id }) => on(trx).insertInto('history').values({ seq: 1, script: id }).execute()
const takenBack: Fail = (trx) => sql`rollback`.execute(on(trx))
const mark = (trx: Transaction<Tables>, script: number, at: number): Promise<unknown> =>
  on(trx).insertInto('mark').values({ script, at, bytes: null }).execute()

const failing: Readonly<Record<Script['fate'], Fail>> = {
  well: () => undefined,
  throws: () => {
    throw new Error('no')
  },
  duplicate,
  'duplicate caught': (trx, script) => Promise.resolve(duplicate(trx, script)).catch(() => undefined),
  orphan: (trx) => on(trx).insertInto('child').values({ parent: 1000 }).execute(),
  async 'taken back'(trx, script) {
    await takenBack(trx, script)
    throw new Error('the disk is full')
  },
  'taken back, caught': (trx, script) => Promise.resolve(takenBack(trx, script)).catch(() => undefined),
  together: (trx, script) =>
    Promise.all([duplicate(trx, script), ...Array.from({ length: 20 }, (_, at) => mark(trx, script.id, 100 + at))]),
  'left behind': (trx, { id }) => {
    for (const at of [100, 101, 102]) {
      void Promise.resolve()
        .then(() => sleep(at % 3))
        .then(() => mark(trx, id, at))
        .catch(() => undefined)
    }
    throw new Error('no')
  },
  large: (trx, { id }) =>
    on(trx)
      .insertInto('mark')
      .values({ script: id, at: 100, bytes: new Uint8Array(largeBytes) })
      .execute(),
}

/** Of the script's fate nothing is known here: it moves what is there to be moved, and is failed on the way. */
async function play(trx: Transaction<Tables>, script: Script, saw: (seen: Seen) => void): Promise<void> {
  const seen = await look(trx)
  saw(seen)
  if (seen.amounts[script.from]! < script.amount) throw new Refused(`account ${script.from} has not that much`)
  const change = (id: number, by: number): Promise<unknown> =>
    on(trx)
      .updateTable('account')
      .set((eb) => ({ amount: eb('amount', '+', by) }))
      .where('id', '=', id)
      .execute()
  await change(script.from, -script.amount)
  await pausing[script.pause]()
  await failing[script.fate](trx, script)
  await change(script.to, script.amount)
  for (let at = 0; at < script.marks; at++) await mark(trx, script.id, at)
  await on(trx)
    .insertInto('history')
    .values({ seq: seen.seq + 1, script: script.id })
    .execute()
}

interface Outcome {
  readonly script: Script
  readonly seen: Seen | undefined
  readonly error: Error | undefined
  /** The last one of the history, as another connection saw it when the outcome was told. */
  readonly committed: { readonly seq: number; readonly scripts: ReadonlySet<number> }
}

async function open() {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-turns-'))
  const path = join(directory, 'test.sqlite')
  const { db, [Symbol.asyncDispose]: close } = await openDatabase<Tables>(`sqlite:${path}`)
  for (const statement of [
    'create table account (id integer primary key, amount integer not null check (amount >= 0))',
    'create table history (seq integer primary key, script integer unique)',
    'create table mark (script integer, at integer, bytes blob, primary key (script, at))',
    'create table child (parent integer references account deferrable initially deferred)',
    ...Array.from({ length: accounts }, (_, id) => `insert into account values (${id}, ${initially})`),
    'insert into history values (1, -1)',
  ])
    await sql.raw(statement).execute(on(db))
  const other = new DatabaseSync(path)
  return {
    db,
    committed() {
      const scripts = other
        .prepare('select script from history order by seq')
        .all()
        .map(({ script }) => Number(script))
      return { seq: scripts.length, scripts: new Set(scripts) }
    },
    all: (text: string) => other.prepare(text).all(),
    async [Symbol.asyncDispose]() {
      other.close()
      await close()
      rmSync(directory, { recursive: true })
    },
  }
}

type Opened = Awaited<ReturnType<typeof open>>

async function run(opened: Opened, script: Script): Promise<Outcome> {
  await sleep(script.startMs)
  let seen: Seen | undefined
  const saw = (one: Seen): void => void (seen = one)
  const error = await transact(opened.db, (trx) => play(trx, script, saw)).then(
    () => undefined,
    (failed: Error) => failed,
  )
  return { script, seen, error, committed: opened.committed() }
}

/** A disk that is full for a while, again and again. */
async function disturb({ db }: Opened, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(on(db))
    await sql.raw(`pragma max_page_count = ${rows[0]!.page_count + 4}`).execute(on(db))
    await sleep(2)
    await sql.raw(`pragma max_page_count = ${pageCountMax}`).execute(on(db))
    await sleep(2)
  }
}

/** Outside of transactions. Answers what was seen, and what was on the disk by then. */
async function watch(opened: Opened, isOver: () => boolean): Promise<{ seen: Seen; committedSeq: number }[]> {
  const looked = []
  while (!isOver()) {
    const seen = await look(opened.db)
    looked.push({ seen, committedSeq: opened.committed().seq })
    await new Promise(setImmediate)
  }
  return looked
}

/** One at a time, in the order that the history has. */
function model(scripts: readonly Script[], order: readonly number[]): Seen[] {
  let now: Seen = { seq: 1, last: -1, amounts: Array.from({ length: accounts }, () => initially) }
  const states = [now]
  for (const id of order) {
    const { from, to, amount } = scripts[id]!
    const amounts = [...now.amounts]
    amounts[from]! -= amount
    amounts[to]! += amount
    now = { seq: now.seq + 1, last: id, amounts }
    states.push(now)
  }
  return states
}

const expectedErrors: Readonly<Record<Script['fate'], RegExp>> = {
  well: /disk .* is full/v,
  throws: /^no$|is full/v,
  duplicate: /UNIQUE|is full/v,
  'duplicate caught': /is full/v,
  orphan: /FOREIGN KEY|is full/v,
  'taken back': /disk .*is full/v,
  'taken back, caught': /taken the transaction back|is full/v,
  together: /UNIQUE|is full/v,
  'left behind': /^no$|is full/v,
  large: /is full/v,
}
const neverDone: ReadonlySet<Script['fate']> = new Set([
  'throws',
  'duplicate',
  'orphan',
  'taken back',
  'taken back, caught',
  'together',
  'left behind',
])

function complaintsOf({ script, seen, error, committed }: Outcome, states: readonly Seen[]): string[] {
  const complaints: string[] = []
  const say = (text: string): void => void complaints.push(`${script.id} (${script.fate}): ${text}`)
  const before = seen && states[seen.seq - 1]
  // A script that was taken back has seen what it has seen: only one that is told may not have.
  const isTold = error === undefined || error instanceof Refused
  if (isTold && JSON.stringify(before) !== JSON.stringify(seen)) say(`saw ${JSON.stringify(seen)}, which never was`)
  if (isTold && committed.seq < seen!.seq) say('was told for what is not on the disk')
  if (error === undefined && !committed.scripts.has(script.id)) say('was told to be done before it was')
  if (error === undefined && neverDone.has(script.fate)) say('is done')
  if (error && committed.scripts.has(script.id)) say(`is done, and told to have failed: ${error.message}`)
  if (error && !(error instanceof Refused) && !expectedErrors[script.fate].test(error.message)) say(error.message)
  return complaints
}

const seeds = Array.from({ length: 12 }, (_, seed) => seed)

test.each(seeds)('each takes effect whole or not at all, as one at a time (seed %i)', async (seed) => {
  await using opened = await open()
  const scripts = scriptsOf(seed)
  let isOver = false
  const disturbed = disturb(opened, () => isOver)
  const watched = watch(opened, () => isOver)
  const outcomes = await Promise.all(scripts.map((script) => run(opened, script)))
  isOver = true
  await disturbed
  await sleep(5) // What was left behind comes late.
  const order = opened.all('select script from history where seq > 1 order by seq').map(({ script }) => Number(script))
  const states = model(scripts, order)
  expect(outcomes.flatMap((outcome) => complaintsOf(outcome, states))).toEqual([])
  for (const { seen, committedSeq } of await watched) {
    expect(seen).toEqual(states[seen.seq - 1])
    expect(committedSeq).toBeGreaterThanOrEqual(seen.seq)
  }
  expect(await look(opened.db)).toEqual(states.at(-1))
  const marks = opened
    .all("select script || ' ' || at as mark from mark order by script, at")
    .map(({ mark: one }) => one)
  const whole = order.toSorted((a, b) => a - b).flatMap((id) => marksOf(scripts[id]!))
  expect(marks).toEqual(whole)
  expect(opened.all('select * from child')).toEqual([])
  // Or nothing of the above is seen to hold.
  expect(order.length).toBeGreaterThan(scriptsPerSeed / 5)
  expect(new Set(outcomes.map(({ error }) => error?.constructor.name)).size).toBeGreaterThan(2)
})

const marksOf = ({ id, marks, fate }: Script): string[] => [
  ...Array.from({ length: marks }, (_, at) => `${id} ${at}`),
  ...(fate === 'large' ? [`${id} 100`] : []),
]
