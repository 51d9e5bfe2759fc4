// The metadata database: SQLite or PostgreSQL behind one Kysely type. Stages own their tables; `app` composes them.
import {
  Kysely,
  PostgresAdapter,
  SqliteAdapter,
  SqliteDialect,
  sql,
  type Transaction as KyselyTransaction,
} from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { sleep } from './clock.ts'
import { DomainError } from './errors.ts'
import { TellingPostgresDialect } from './postgres-driver.ts'
import { openSqliteDriver } from './sqlite-driver.ts'
import { beginningTransaction, isInTransaction, SharedCommitFailed, SqliteTurns } from './sqlite-turns.ts'

declare const tables: unique symbol
declare const role: unique symbol

/**
 * A connection or a transaction on tables `T`. A wider database fits wherever a narrower one is asked for: of two handles only the table types
 * are compared, where two of Kysely's own would be compared method by method, which took most of the type check's time. `on` opens a handle.
 */
export interface Db<out T> {
  readonly [tables]: T
}
export interface Connection<out T> extends Db<T> {
  readonly [role]: 'connection'
}
export interface Transaction<out T> extends Db<T> {
  readonly [role]: 'transaction'
}

/** The query builder of a handle: `on(trx).selectFrom('run')`. */
export const on = <T>(db: Db<T>): Kysely<T> => db as unknown as Kysely<T>

const connection = <T>(db: Kysely<T>): Connection<T> => db as unknown as Connection<T>
const transaction = <T>(trx: KyselyTransaction<T>): Transaction<T> => trx as unknown as Transaction<T>

export type DatabaseKind = 'sqlite' | 'postgres'

/** Migrations of one stage, keyed by date and subject (`2026-11-21-audit`); all stages' keys sort into one history. */
export type Migrations = Readonly<Record<string, Migration>>

export interface Database<T> extends AsyncDisposable {
  readonly kind: DatabaseKind
  readonly db: Connection<T>
}

const poolSize = 8
const transactionTries = 12
const retryBaseMs = 2
const retryCapMs = 250
const serializationFailures = new Set(['40001', '40P01'])

/** The turns on the one connection are taken in the driver, which knows what they are for, and not before it is asked. */
class GuardedSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
  /** Kysely would not use it: a first start that is killed would leave half of the tables, and no later one could begin. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class GuardedSqliteDialect extends SqliteDialect {
  readonly #path: string
  constructor(path: string) {
    super({ database: async () => openSqliteDriver(path) })
    this.#path = path
  }
  override createAdapter(): SqliteAdapter {
    return new GuardedSqliteAdapter()
  }
  override createDriver(): SqliteTurns {
    return new SqliteTurns(() => openSqliteDriver(this.#path))
  }
}

/**
 * @param url `sqlite:<file>`, `sqlite::memory:`, or `postgres://user:password@host:port/database`.
 * @throws DomainError database_url for any other scheme; database_unreachable when PostgreSQL does not answer.
 */
export async function openDatabase<T>(url: string, schema?: string): Promise<Database<T>> {
  if (url.startsWith('sqlite:')) {
    const db = new Kysely<T>({ dialect: new GuardedSqliteDialect(url.slice('sqlite:'.length)) })
    return { kind: 'sqlite', db: connection(db), [Symbol.asyncDispose]: () => db.destroy() }
  }
  if (!/^postgres(?:ql)?:\/\//v.test(url)) {
    throw new DomainError(
      'invalid',
      'database_url',
      `"${url.split(':')[0]}:" is no database: use sqlite:<file> or postgres://…`,
    )
  }
  return openPostgres<T>(url, schema)
}

/** Clients choose some of the 64-bit integers: what a double does not hold is read as a bigint, as on SQLite. */
function exactInteger(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

async function openPostgres<T>(url: string, schema?: string): Promise<Database<T>> {
  // Loaded when first used: a home on SQLite never pays for it.
  const { default: pg } = await import('pg')
  pg.types.setTypeParser(pg.types.builtins.INT8, exactInteger)
  const options = schema ? { options: `-c search_path=${schema}` } : {}
  const pool = new pg.Pool({ connectionString: url, max: poolSize, ...options })
  pool.on('error', () => undefined) // An idle connection that breaks is replaced by the next query's.
  const db = new Kysely<T>({ dialect: new TellingPostgresDialect({ pool }) })
  try {
    await sql`select 1`.execute(db)
  } catch (error) {
    await db.destroy()
    const host = new URL(url).host
    throw new DomainError(
      'unavailable',
      'database_unreachable',
      `PostgreSQL at ${host} does not answer: ${String(error)}`,
    )
  }
  return { kind: 'postgres', db: connection(db), [Symbol.asyncDispose]: () => db.destroy() }
}

/**
 * Runs `work` in one serializable transaction. It is run again when it lost a race on PostgreSQL, or shared a commit that failed on SQLite, so
 * it must have no effect but on `trx`.
 * Every transaction of the program goes through here: inside, a query on the plain connection throws instead of hanging.
 */
export async function transact<T, R>(db: Connection<T>, work: (trx: Transaction<T>) => Promise<R>): Promise<R> {
  if (isInTransaction()) throw new Error('transact() inside of a transaction: pass `trx` on')
  let isAlone = false
  for (let attempt = 1; ; attempt++) {
    try {
      const builder = on(db).transaction()
      const started = databaseKind(db) === 'postgres' ? builder.setIsolationLevel('serializable') : builder
      return await beginningTransaction(() => started.execute((trx) => work(transaction(trx))), isAlone)
    } catch (error) {
      isAlone = error instanceof SharedCommitFailed
      if (isAlone) continue
      const code = (error as { code?: unknown }).code
      if (attempt >= transactionTries || typeof code !== 'string' || !serializationFailures.has(code)) throw error
    }
    // A random wait, or the same writers meet again each time and one of them starves.
    await sleep(Math.random() * Math.min(retryCapMs, retryBaseMs * 2 ** attempt))
  }
}

export const isTransaction = <T>(db: Db<T>): db is Transaction<T> => on(db).isTransaction

/** In the caller's transaction when it is given one, else in its own. */
export function within<T, R>(db: Db<T>, work: (trx: Transaction<T>) => Promise<R>): Promise<R> {
  return isTransaction(db) ? work(db) : transact(db as Connection<T>, work)
}

/**
 * Applies what was not applied yet, all of it or nothing. Answers the names.
 * @throws Error when a migration fails
 */
export async function migrate<T>(db: Connection<T>, migrations: Migrations): Promise<string[]> {
  const migrator = await migratorOf(db, migrations)
  const { error, results } = await migrator.migrateToLatest()
  if (error) throw error instanceof Error ? error : new Error('a migration failed', { cause: error })
  return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName)
}

/** Names of the migrations that were not applied yet, in their order. */
export async function pendingMigrations<T>(db: Connection<T>, migrations: Migrations): Promise<string[]> {
  const migrator = await migratorOf(db, migrations)
  const all = await migrator.getMigrations()
  return all.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name)
}

const migratorOf = async <T>(db: Connection<T>, migrations: Migrations): Promise<Migrator> =>
  new Migrator({
    db: on(db),
    provider: { getMigrations: async () => migrations },
    allowUnorderedMigrations: true,
    ...(await ownSchema(db)),
  })

/** Named, or the migrator takes its tables in another schema of the same database (another home's) for its own. */
async function ownSchema<T>(db: Connection<T>): Promise<{ migrationTableSchema?: string }> {
  if (databaseKind(db) !== 'postgres') return {}
  const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(on(db))
  const name = rows[0]?.name
  return name ? { migrationTableSchema: name } : {}
}

/** Which database a migration or a query runs on, for the few places where the portable subset does not reach. */
export function databaseKind<T>(db: Db<T> | Kysely<T>): DatabaseKind {
  return (db as Kysely<T>).getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite'
}
