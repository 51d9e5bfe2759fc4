// An mlruns folder that stock clients filled, of MLflow 3 and 2, moved and brought over: they see the same of Trueloop as of the folder, also after kills.
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runClient } from './mlflow/clients.ts'
import { newestVenv, olderVenv } from './mlflow/environments.ts'
import { plainEnvironment, startTrueloop } from './mlflow/servers.ts'
import type { Venv } from './venv.ts'

const run = promisify(execFile)
const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
const points = 22_507
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trueloop-mlruns-'))
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

// oxlint-disable-next-line no-explicit-any -- all that a client knows, compared whole
const seenOf = async (server: { url: string }, venv: Venv): Promise<any> => {
  const said = await runClient({ name: 'stock', log: () => '', ...server }, venv, { name: 'folder', args: ['dump'] })
  return JSON.parse(said.split('\n').find((line) => line.startsWith('{'))!)
}

const countsOf = (said: string): Record<string, number> =>
  Object.fromEntries(
    [...said.matchAll(/^(?<kind>[a-z ]+?) +(?<count>\d+)$/gmv)].map(([, kind, count]) => [kind, Number(count)]),
  )

/** Killed as soon as that is there; answers how it ended. */
async function killedWhen(args: readonly string[], env: NodeJS.ProcessEnv, isThere: () => Promise<boolean>) {
  const cut = spawn(process.execPath, args, { env, stdio: 'ignore' })
  const ended = new Promise<string | null>((resolve) => cut.once('exit', (_, signal) => resolve(signal)))
  while (cut.exitCode === null && !(await isThere())) await wait(5)
  cut.kill('SIGKILL')
  return await ended
}

test.each([
  ['3', newestVenv],
  ['2', olderVenv],
] as const)(
  'a folder of MLflow %s comes over whole',
  async (release, ensure) => {
    const venv = await ensure()
    const written = join(folder, 'written')
    await runClient({ name: 'stock', log: () => '', url: written }, venv, { name: 'folder', args: ['fill'] })
    const before = await seenOf({ url: written }, venv)
    const mlruns = join(folder, 'mlruns')
    await rename(written, mlruns)
    const args = [program, 'import', 'mlflow', mlruns]
    let told: string[] = []
    const prepare = async (env: NodeJS.ProcessEnv): Promise<void> => {
      const home = env['TRUELOOP_HOME']!
      const staged = async (): Promise<boolean> =>
        (await readdir(join(home, 'import')).catch(() => [])).some((name) => name.endsWith('.db'))
      const dry = await run(process.execPath, [...args, '--dry-run'], { env })
      expect(await readdir(home)).toEqual([])
      expect(await killedWhen(args, env, staged)).toBe('SIGKILL')
      expect(await staged()).toBe(true)
      const isWriting = async (): Promise<boolean> => existsSync(join(home, 'blobs'))
      // Null: from here it is so quick that it was done first.
      expect(['SIGKILL', null]).toContain(await killedWhen(args, env, isWriting))
      const once = await run(process.execPath, args, { env })
      const again = await run(process.execPath, args, { env })
      const { spans: _, ...counts } = countsOf(once.stdout)
      expect(counts).toEqual(countsOf(dry.stdout))
      expect(countsOf(again.stdout)).toEqual(countsOf(once.stdout))
      expect(counts).toMatchObject({ 'metric points': points + (release === '3' ? 1 : 0), runs: 5 })
      expect(await readdir(join(home, 'import'))).toEqual([])
      told = again.stdout.split('\n')
    }
    await using trueloop = await startTrueloop({ prepare })
    await rm(mlruns, { recursive: true }) // Nothing is read from there any more.
    const after = await seenOf(trueloop, venv)
    expect(told.filter((line) => line.includes('did not come') || line.includes('stayed behind'))).toEqual([])
    for (const experiment of after.experiments) {
      expect(experiment.tags['trueloop.importedFrom'] ?? '#0').toMatch(/#\d+$/v)
      delete experiment.tags['trueloop.importedFrom']
    }
    // Every home has an experiment 0 of its own.
    for (const { experiments } of [before, after])
      for (const when of ['creation_time', 'last_update_time'])
        delete experiments.find(({ name }: { name: string }) => name === 'Default')[when]
    // MLflow looks for the files of a deleted experiment's runs where they lay before.
    const kept = after.runs.filter(({ files }: { files: string[][] }) => files[0]?.[0] === 'kept.txt')
    expect(kept).toHaveLength(1)
    kept[0].files = []
    expect(after).toEqual(before)
  },
  900_000,
)

test('a folder with a damaged run comes without it, and whole once it is mended', async () => {
  const venv = await newestVenv()
  const mlruns = join(folder, 'mlruns')
  await runClient({ name: 'stock', log: () => '', url: mlruns }, venv, { name: 'folder', args: ['fill'] })
  const id = (await readdir(mlruns)).find((name) => name.length > 10)!
  const runs = (await readdir(join(mlruns, id))).filter((name) => /^[0-9a-f]{32}$/v.test(name))
  // A logged model has a point of this one.
  const damaged = runs.find((name) => existsSync(join(mlruns, id, name, 'metrics', 'score')))!
  const odd = join(mlruns, id, damaged, 'metrics', 'torn')
  await writeFile(odd, '1 2 3\n1795297833993 0.7x')
  const env = { ...plainEnvironment(), TRUELOOP_HOME: join(folder, 'home') }
  const first = await run(process.execPath, [program, 'import', 'mlflow', mlruns], { env })
  expect(first.stdout).toContain(
    `The run ${damaged} of the experiment ${id} did not come: ${odd} has no point in line 2`,
  )
  expect(first.stdout).toMatch(
    new RegExp(`Stayed behind: the metrics of the logged model m-\\w+ that the run ${damaged}`, 'v'),
  )
  expect(countsOf(first.stdout)).toMatchObject({ runs: 4, 'logged models': 1 })
  await writeFile(odd, '1 2 3\n1795297833993 0.7')
  const second = await run(process.execPath, [program, 'import', 'mlflow', mlruns], { env })
  expect(second.stdout).not.toMatch(/did not come|Stayed behind/v)
  expect(countsOf(second.stdout)).toMatchObject({ runs: 5 })
}, 600_000)
