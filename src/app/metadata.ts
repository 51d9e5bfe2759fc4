// Opening the metadata database of a home: brought up to date, after a copy of what was there.
import { existsSync } from 'node:fs'
import { migrate, openDatabase, pendingMigrations, type Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import type { Config } from './config.ts'
import { snapshotMetadata } from './snapshot.ts'
import { migrations, type Tables } from './tables.ts'

/** @throws DomainError database_url, database_unreachable */
export async function openMetadata(
  config: Pick<Config, 'database'>,
  deps: { log: Log; clock: () => number },
): Promise<Database<Tables>> {
  const path = config.database.startsWith('sqlite:') ? config.database.slice('sqlite:'.length) : undefined
  const isOld = path !== undefined && existsSync(path)
  const database = await openDatabase<Tables>(config.database)
  try {
    const pending = await pendingMigrations(database.db, migrations)
    if (isOld && pending.length > 0 && pending.length < Object.keys(migrations).length) {
      const copy = `${path}.before-${pending[0]}-${deps.clock()}`
      await snapshotMetadata(config.database, copy)
      deps.log.info('the metadata was copied before it is brought up to date', { copy, migrations: pending.length })
    }
    await migrate(database.db, migrations)
    return database
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}
