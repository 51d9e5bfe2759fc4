// A stock server that stock clients filled, brought over: its clients see the same of Trueloop as of it, also after an import that was killed.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres, type Postgres } from '../postgres.ts'
import { runClient } from './mlflow/clients.ts'
import { newestVenv } from './mlflow/environments.ts'
import { startStock, startTrueloop, type MlflowServer } from './mlflow/servers.ts'
import type { Venv } from './venv.ts'

const run = promisify(execFile)
const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
/** Of the secrets of webhooks. */
const environment = { MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=' }
let venv: Venv
let postgres: Postgres

beforeAll(async () => {
  venv = await newestVenv()
  postgres = await startPostgres()
}, 900_000)
afterAll(() => postgres[Symbol.asyncDispose]())

// oxlint-disable-next-line no-explicit-any -- all that a server knows, compared whole
const seenOf = async (server: MlflowServer): Promise<any> => {
  const said = await runClient(server, venv, { name: 'exchange', args: ['dump'] })
  return JSON.parse(said.split('\n').find((line) => line.startsWith('{'))!)
}

test.each(['SQLite', 'PostgreSQL'])(
  'a stock MLflow on %s comes over whole',
  async (kind) => {
    await using stock = await startStock({ environment, ...(kind === 'PostgreSQL' ? { postgres } : {}) })
    await runClient(stock, venv, { name: 'exchange', args: ['fill'] })
    const before = await seenOf(stock)
    const args = [program, 'import', 'mlflow', stock.store, '--artifacts', join(stock.directory, 'mlartifacts')]
    let home: Readonly<Record<string, string>> = {}
    const prepare = async (env: Readonly<Record<string, string>>): Promise<void> => {
      home = env
      const cut = spawn(process.execPath, args, { env, stdio: 'ignore' })
      const ended = once(cut, 'exit')
      await wait(1500)
      cut.kill('SIGKILL')
      await ended
      const { stdout } = await run(process.execPath, args, { env })
      expect(stdout).toMatch(/^metric points +2508$/mv)
      const again = await run(process.execPath, args, { env })
      expect(again.stdout).toMatch(/^runs +4$/mv)
    }
    await using trueloop = await startTrueloop({ prepare, environment })
    const after = await seenOf(trueloop)
    for (const experiment of after.experiments) delete experiment.tags['trueloop.importedFrom']
    // Every home has an experiment 0 of its own.
    for (const { experiments } of [before, after])
      for (const when of ['creation_time', 'last_update_time']) delete experiments[0][when]
    expect(after).toEqual(before)
    await expect(run(process.execPath, args, { env: home })).rejects.toMatchObject({
      stderr: expect.stringContaining('is in use'),
    })
  },
  900_000,
)

test('what is no MLflow is refused', async () => {
  const home = await mkdtemp(join(tmpdir(), 'trueloop-import-'))
  try {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, TRUELOOP_HOME: home }
    for (const source of ['/nowhere/mlflow.db', 'mysql://x:secret@host/db']) {
      const refused = run(process.execPath, [program, 'import', 'mlflow', source], { env })
      await expect(refused).rejects.toMatchObject({
        stderr: expect.stringMatching(/import_source/v) && expect.not.stringContaining('secret'),
      })
    }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})
