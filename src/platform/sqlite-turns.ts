// The one connection to SQLite, used in turns. Transactions that wait for each other share a commit, since most of a small one is waiting for
// the disk: each is a savepoint in one transaction, can fail alone, and is told to be done when all are on the disk. The connection is free
// again as soon as a commit is written; the wait for the disk is another thread's.
import { AsyncLocalStorage } from 'node:async_hooks'
import { CompiledQuery, SqliteDriver, type DatabaseConnection, type QueryResult } from 'kysely'
import { messageOf } from './errors.ts'
import type { SqliteFile } from './sqlite-driver.ts'

/** How many transactions share a commit, and how long the first of them waits for others to begin. */
const sharingMax = 64
const sharingMs = 20

interface Scope {
  state: 'beginning' | 'connected' | 'over'
  readonly isAlone: boolean
}
const transactionScope = new AsyncLocalStorage<Scope>()

/** Whether this code runs inside of a transaction. */
export const isInTransaction = (): boolean => transactionScope.getStore()?.state === 'connected'

/** Runs `work`, whose first query begins a transaction: the plain connection throws inside of it. One that is alone shares no commit. */
export async function beginningTransaction<R>(work: () => Promise<R>, isAlone: boolean): Promise<R> {
  const scope: Scope = { state: 'beginning', isAlone }
  try {
    return await transactionScope.run(scope, work)
  } finally {
    scope.state = 'over' // What the work left running (a timer, a loop) is outside of it from here on.
  }
}

/** Of several transactions, and whose fault it was is not known: each is to be run again, alone. */
export class SharedCommitFailed extends Error {
  constructor(cause: unknown) {
    super(`a transaction that shared the commit failed: ${messageOf(cause)}`, { cause })
    this.name = 'SharedCommitFailed'
  }
}

/** Whether a query may write. */
const mayWrite = (text: string): boolean =>
  !/^\s*(?:select|with)\b/iv.test(text) || (/^\s*with\b/iv.test(text) && /\b(?:insert|update|delete)\b/iv.test(text))

/** One use of the connection: a transaction, or a query outside of one. */
class Turn implements DatabaseConnection {
  readonly #connection: DatabaseConnection
  readonly #file: SqliteFile
  readonly canShare: boolean
  state: 'outside' | 'first' | 'nested' | 'over' = 'outside'
  /** Its transaction is being ended. */
  isEnding = false
  wrote = false

  constructor(connection: DatabaseConnection, file: SqliteFile, canShare: boolean) {
    this.#connection = connection
    this.#file = file
    this.canShare = canShare
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.#assertOpen()
    if (mayWrite(query.sql)) {
      this.#file.assertSound()
      this.wrote = true
    }
    return this.#connection.executeQuery(query)
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    this.#assertOpen()
    return this.#connection.streamQuery(query, chunkSize)
  }

  /** What begins and ends transactions. */
  run(statement: string): Promise<unknown> {
    return this.#connection.executeQuery(CompiledQuery.raw(statement))
  }

  /** Or the query would be of no transaction, and last whatever becomes of its own; or of the next one's. */
  #assertOpen(): void {
    if (this.isEnding || this.state === 'over') {
      throw new Error('a query came when its transaction had ended: wait for each before the work is over')
    }
    if (this.state !== 'outside' && !this.#file.isInTransaction()) {
      throw new Error('SQLite has taken the transaction back, for the error of a query before this one')
    }
  }
}

interface Waiting {
  readonly canShare: boolean
  readonly begin: () => void
}

/** Transactions that are done, or have failed, and wait for the commit. */
interface Sharing {
  readonly done: PromiseWithResolvers<void>[]
  readonly untilMs: number
  wrote: boolean
}

export class SqliteTurns extends SqliteDriver {
  readonly #waiting: Waiting[] = []
  readonly #opened: () => SqliteFile
  #isTaken = false
  #sharing: Sharing | undefined

  constructor(open: () => SqliteFile) {
    let file: SqliteFile | undefined
    super({ database: async () => (file = open()) })
    this.#opened = () => file!
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const scope = transactionScope.getStore()
    if (scope?.state === 'connected') {
      throw new Error('the plain connection was used inside a transaction: pass `trx` on')
    }
    const isTransaction = scope?.state === 'beginning'
    if (isTransaction) scope.state = 'connected'
    const canShare = isTransaction && !scope.isAlone
    const turn = new Turn(await super.acquireConnection(), this.#opened(), canShare)
    if (this.#isTaken) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push({ canShare, begin: resolve })
      await promise
    }
    this.#isTaken = true
    return turn
  }

  override async releaseConnection(connection?: DatabaseConnection): Promise<void> {
    const turn = connection as Turn
    if (turn.state === 'over') return
    // One that could not even begin must not leave those before it waiting.
    if (this.#sharing && !this.#mayShare()) await this.#commit(turn).catch(() => undefined)
    this.#end(turn)
    if (turn.wrote) await this.#opened().synced()
  }

  override async destroy(): Promise<void> {
    await this.#opened()?.settled()
    await super.destroy()
  }

  #end(turn: Turn): void {
    if (turn.state === 'over') return
    turn.state = 'over'
    const next = this.#waiting.shift()
    // Taken already, or who comes now would be before who has waited.
    if (next) next.begin()
    else this.#isTaken = false
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const turn = connection as Turn
    if (this.#sharing) {
      await turn.run('savepoint turn')
      turn.state = 'nested'
      return
    }
    await turn.run('begin')
    turn.state = 'first'
    this.#sharing = { done: [], untilMs: performance.now() + sharingMs, wrote: false }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const turn = connection as Turn
    turn.isEnding = true
    if (turn.state === 'nested') await turn.run('release turn')
    await this.#commitWithOthers(turn)
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const turn = connection as Turn
    turn.isEnding = true
    if (turn.state === 'over' || turn.state === 'outside') return // Its commit has failed, and with it it was taken back.
    if (turn.state === 'first') return this.#rollback(turn)
    try {
      await turn.run('rollback to turn')
      await turn.run('release turn')
    } catch (error) {
      // SQLite has taken everything back itself, as it does on a full disk.
      return this.#rollback(turn, error)
    }
    // What it failed for may be what it read of the others: it is told when that is on the disk, or it is run again.
    await this.#commitWithOthers(turn)
  }

  async #commitWithOthers(turn: Turn): Promise<void> {
    this.#sharing!.wrote ||= turn.wrote
    if (!turn.canShare || !this.#mayShare()) return this.#commit(turn)
    const done = Promise.withResolvers<void>()
    this.#sharing!.done.push(done)
    this.#end(turn)
    return done.promise
  }

  /** Whether the next in line may go on in this transaction. A query outside of one may not: it would read what could still be taken back. */
  #mayShare(): boolean {
    const { done, untilMs } = this.#sharing!
    return this.#waiting[0]?.canShare === true && done.length < sharingMax && performance.now() < untilMs
  }

  async #commit(turn: Turn): Promise<void> {
    const { done, wrote } = this.#sharing!
    try {
      await turn.run('commit')
    } catch (error) {
      await this.#rollback(turn, error)
      throw done.length > 0 ? new SharedCommitFailed(error) : error
    }
    this.#sharing = undefined
    // The next ones go on while the disk takes this.
    this.#end(turn)
    try {
      if (wrote) await this.#opened().synced()
    } catch (error) {
      for (const each of done) each.reject(error)
      throw error
    }
    for (const each of done) each.resolve()
  }

  async #rollback(turn: Turn, cause?: unknown): Promise<void> {
    const { done } = this.#sharing!
    this.#sharing = undefined
    turn.state = 'outside'
    for (const each of done) each.reject(new SharedCommitFailed(cause))
    try {
      await turn.run('rollback')
    } catch (error) {
      // SQLite has taken it back itself; the error that tells why is the one to be heard.
      if (!messageOf(error).includes('no transaction is active')) throw error
    }
  }
}
