// Where a test's home keeps its metadata and bytes: in its own folder, or on the servers that the suite is told to use.
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { processEnvironment } from '../src/app/config.ts'
import { on, openDatabase } from '../src/platform/database.ts'

export interface Storage extends AsyncDisposable {
  /** None of what the home has in its own folder. */
  readonly settings: Readonly<Record<string, string>>
}

/**
 * A database of its own on the PostgreSQL server TRUELOOP_TEST_DATABASE, gone when disposed of, and a prefix of its own in the bucket
 * TRUELOOP_TEST_BLOBS, where they are set.
 */
export async function openStorage(): Promise<Storage> {
  const { TRUELOOP_TEST_DATABASE: server, TRUELOOP_TEST_BLOBS: bucket } = processEnvironment()
  const name = `home_${randomBytes(6).toString('hex')}`
  const settings: Record<string, string> = {}
  if (bucket) settings['TRUELOOP_BLOBS'] = below(bucket, name)
  if (!server) return { settings, [Symbol.asyncDispose]: async () => undefined }
  const admin = await openDatabase<unknown>(server)
  await sql`create database ${sql.id(name)}`.execute(on(admin.db))
  settings['TRUELOOP_DATABASE'] = below(server, name, '/')
  return {
    settings,
    async [Symbol.asyncDispose]() {
      await sql`drop database ${sql.id(name)} with (force)`.execute(on(admin.db))
      await admin[Symbol.asyncDispose]()
    },
  }
}

/** The URL with the name at the end of its path, or in the place of it. */
function below(text: string, name: string, path = new URL(text).pathname): string {
  const url = new URL(text)
  url.pathname = `${path.replace(/\/$/v, '')}/${name}`
  return url.href
}
