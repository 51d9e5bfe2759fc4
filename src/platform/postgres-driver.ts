// A connection to PostgreSQL: planned for short reads by index, and errors that a caller can expect told as such.
import {
  CompiledQuery,
  PostgresDialect,
  PostgresDriver,
  type DatabaseConnection,
  type PostgresDialectConfig,
} from 'kysely'
import { DomainError } from './errors.ts'

const character = (): DomainError =>
  new DomainError(
    'invalid',
    'text_character',
    'a text holds the character U+0000, which PostgreSQL does not keep: leave it out',
  )
const tooLong = (): DomainError =>
  new DomainError(
    'invalid',
    'text_too_long',
    'a name, key or id is too long for an index of PostgreSQL: use at most 600 characters',
  )
const full = (): DomainError =>
  new DomainError(
    'unavailable',
    'disk_full',
    'the disk of PostgreSQL is full: free some space or move its data to a larger disk; nothing was stored',
  )

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const expected = new Map([
  ['22021', character],
  ['54000', tooLong],
  ['53100', full],
])

const told = (error: unknown): unknown => expected.get(String((error as { code?: unknown }).code))?.() ?? error

/**
 * PostgreSQL plans for a disk whose head moves: it would rather read all runs than look a thousand up, and starts processes for what takes
 * milliseconds. Searches of 100,000 runs take less than half the time so. What the operator has set otherwise stays.
 */
const planning = CompiledQuery.raw(`select set_config(name, wanted, false)
  from (values
    ('random_page_cost', '4', '1.1'),
    ('max_parallel_workers_per_gather', '2', '0'),
    ('jit', 'on', 'off')
  ) as setting (name, usual, wanted)
  where current_setting(name) = usual`)

class TellingDriver extends PostgresDriver {
  readonly #telling = new WeakSet<DatabaseConnection>()

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection()
    if (this.#telling.has(connection)) return connection // The pool gives the same ones again.
    try {
      await connection.executeQuery(planning)
    } catch (error) {
      await super.releaseConnection(connection as Parameters<PostgresDriver['releaseConnection']>[0])
      throw told(error)
    }
    this.#telling.add(connection)
    const execute = connection.executeQuery.bind(connection)
    connection.executeQuery = async (query, options) => {
      try {
        return await execute(query, options)
      } catch (error) {
        throw told(error)
      }
    }
    return connection
  }
}

/** @throws DomainError text_character, text_too_long, disk_full from any statement */
export class TellingPostgresDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig
  constructor(config: PostgresDialectConfig) {
    super(config)
    this.#config = config
  }
  override createDriver(): PostgresDriver {
    return new TellingDriver(this.#config)
  }
}
