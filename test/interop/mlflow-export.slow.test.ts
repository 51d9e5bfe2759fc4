// A home that stock clients filled, exported, and served by a stock server: its clients see the same as before.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { runClient } from './mlflow/clients.ts'
import { newestVenv } from './mlflow/environments.ts'
import { startStock, startTrueloop } from './mlflow/servers.ts'

const program = join(import.meta.dirname, '../../bin/trueloop.cjs')

/** Of the secrets of webhooks. */
const environment = { MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=' }

test('what is exported is what stock clients see, of a stock server as of Trueloop', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-export-'))
  await using ends = new AsyncDisposableStack()
  ends.defer(() => rm(folder, { recursive: true, force: true }))
  const venv = await newestVenv()
  const trueloop = ends.use(await startTrueloop({ environment }))
  await runClient(trueloop, venv, { name: 'exchange', args: ['fill'] })
  const before = await runClient(trueloop, venv, { name: 'exchange', args: ['dump'] })
  const target = join(folder, 'mlflow')
  const { PATH, HOME } = process.env
  const keyless = { PATH, HOME, TRUELOOP_HOME: trueloop.directory }
  const env = { ...keyless, ...environment }
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'export', 'mlflow', target], { env })
  expect(stdout).toMatch(/^metrics +2508$/mv)
  expect(stdout).not.toContain('has no secret')
  const other = [program, 'export', 'mlflow', join(folder, 'keyless')]
  const unsigned = await promisify(execFile)(process.execPath, other, { env: keyless })
  expect(unsigned.stdout).toContain('the webhook "signed" is off there and has no secret')
  const refused = promisify(execFile)(process.execPath, [program, 'export', 'mlflow', target], { env })
  await expect(refused).rejects.toMatchObject({ stderr: expect.stringContaining('is not empty') })
  const args = [
    '--backend-store-uri',
    `sqlite:///${join(target, 'mlflow.db')}`,
    '--artifacts-destination',
    join(target, 'artifacts'),
  ]
  const stock = ends.use(await startStock({ args, environment, isSmall: true }))
  const after = await runClient(stock, venv, { name: 'exchange', args: ['dump'] })
  const seen = (said: string): unknown => JSON.parse(said.split('\n').find((line) => line.startsWith('{'))!)
  expect(seen(after)).toEqual(seen(before))
}, 900_000)
