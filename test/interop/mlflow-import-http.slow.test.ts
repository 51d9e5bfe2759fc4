// A server of which only the address is known, brought over through its API: stock clients see the same of Trueloop as of it.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { runClient } from './mlflow/clients.ts'
import { newestVenv } from './mlflow/environments.ts'
import { startStock, startTrueloop, type MlflowServer } from './mlflow/servers.ts'
import type { Venv } from './venv.ts'

const run = promisify(execFile)
const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
/** Of the secrets of webhooks: without one each process of a stock server has a key of its own. */
const environment = { MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=' }
let venv: Venv

beforeAll(async () => {
  venv = await newestVenv()
}, 900_000)

// oxlint-disable-next-line no-explicit-any -- all that a server knows, compared whole
const seenOf = async (server: MlflowServer): Promise<any> => {
  const said = await runClient(server, venv, { name: 'exchange', args: ['dump'] })
  return JSON.parse(said.split('\n').find((line) => line.startsWith('{'))!)
}

test.each([
  ['stock', startStock],
  ['Trueloop', startTrueloop],
] as const)(
  'what a server, %s, tells over its API comes over whole',
  async (_, start) => {
    await using source = await start({ environment })
    await runClient(source, venv, { name: 'exchange', args: ['fill'] })
    const before = await seenOf(source)
    const args = [program, 'import', 'mlflow', source.url]
    const prepare = async (env: Readonly<Record<string, string>>): Promise<void> => {
      const cut = spawn(process.execPath, args, { env, stdio: 'ignore' })
      const ended = once(cut, 'exit')
      const staged = join(env['TRUELOOP_HOME']!, 'import')
      while (!existsSync(staged)) await wait(20)
      await wait(300)
      cut.kill('SIGKILL')
      await ended
      const { stdout } = await run(process.execPath, args, { env })
      expect(stdout).toMatch(/^metric points +2508$/mv)
      // Whether a client also writes a trace's spans as a file depends on how fast its server is.
      expect(stdout).toMatch(/^files +[23]$/mv)
      expect(stdout).toContain('the webhook "signed" is off and signs nothing')
      expect(readdirSync(staged)).toEqual([])
      const again = await run(process.execPath, args, { env })
      expect(again.stdout).toMatch(/^runs +4$/mv)
    }
    await using trueloop = await startTrueloop({ prepare })
    const after = await seenOf(trueloop)
    for (const { experiments, webhooks } of [before, after]) {
      for (const experiment of experiments) delete experiment.tags['trueloop.importedFrom']
      // Every home has an experiment 0 of its own, and webhooks come off.
      for (const when of ['creation_time', 'last_update_time']) delete experiments[0][when]
      for (const webhook of webhooks) webhook[4] = 'DISABLED'
    }
    expect(after).toEqual(before)
  },
  900_000,
)

test('an address of something else is refused, and nothing of a password is told', async () => {
  const page = createServer((_, response) => response.end('<html>Sign in</html>'))
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
  const url = `http://ann:hidden@127.0.0.1:${(page.address() as AddressInfo).port}`
  await using trueloop = await startTrueloop({
    prepare: async (env) => {
      const refused = run(process.execPath, [program, 'import', 'mlflow', url], { env })
      const { stderr } = await refused.then(
        () => ({ stderr: 'it was not refused' }),
        (error: { stderr: string }) => error,
      )
      expect(stderr).toContain('import_source')
      expect(stderr).not.toContain('hidden')
    },
  })
  expect(trueloop.name).toBe('trueloop')
  await new Promise((resolve) => page.close(resolve))
}, 900_000)
