// The control plane killed with SIGKILL again and again in the middle of runs: nothing finished is repeated, nothing is lost, nobody is left behind.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../platform/database.ts'
import { readEvents } from '../platform/events.ts'
import { isAlive } from '../platform/processes.ts'
import { createGenerator } from '../statistics/random.ts'
import { readIdentity } from './attempts/attempt-directory.ts'
import { getPipelineRun } from './run-start.ts'
import type { EngineTables } from './step-transitions.ts'

const seed = 20_261_121
const runs = 3
const killsPerRun = 10
const killWithinMs = 2_500
const entry = join(import.meta.dirname, 'testing', 'engine-entry.ts')

async function readState(directory: string, id: string) {
  await using database = await openDatabase<EngineTables>(`sqlite:${join(directory, 'test.db')}`)
  const { db } = database
  return { run: await getPipelineRun(db, id), events: await readEvents(db, { seq: 0 }) }
}

test('thirty kills of the control plane lose nothing and repeat nothing', { timeout: 900_000 }, async () => {
  const random = createGenerator(seed)
  for (let i = 0; i < runs; i++) {
    const directory = await mkdtemp(join(tmpdir(), 'trueloop-crash-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const trace = join(directory, 'trace')
    const step = (name: string, needs: string[], ms: number) => ({
      name,
      kind: 'test.traced',
      input: { trace, name, ms },
      needs,
    })
    const steps = [
      step('a', [], 900),
      step('b', ['a'], 1200),
      step('c', ['a'], 300),
      step('d', ['b', 'c'], 1500),
      { name: 'e', kind: 'test.event', input: { type: 'test.said' }, needs: ['d'] },
      step('f', ['e'], 500),
    ]
    const start = (): ChildProcess =>
      spawn(process.execPath, [entry, directory, `run${i}`, JSON.stringify(steps)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    for (let kill = 0; kill < killsPerRun; kill++) {
      const child = start()
      const ended = once(child, 'exit')
      await wait(random.uniform() * killWithinMs)
      child.kill('SIGKILL')
      expect(await ended, 'it lived until it was killed').toEqual([null, 'SIGKILL'])
    }
    const child = start()
    onTestFinished(() => void child.kill('SIGKILL'))
    await expect
      .poll(async () => existsSync(join(directory, 'test.db')) && (await readState(directory, `run${i}`)).run.state, {
        timeout: 120_000,
        interval: 500,
      })
      .toBe('succeeded')
    child.kill('SIGKILL')
    const { events, run } = await readState(directory, `run${i}`)
    // Steps do not die here, so each ran exactly once, whoever watched it.
    expect((await readFile(trace, 'utf8')).trim().split('\n').toSorted()).toEqual(['a', 'b', 'c', 'd', 'f'])
    expect(run.steps.map((one) => one.state)).toEqual(Array(6).fill('succeeded'))
    expect(events.map((event) => event.type)).toEqual(['test.said', 'pipeline_run.finished'])
    for (const attempt of await readdir(join(directory, 'attempts'))) {
      const identity = await readIdentity(join(directory, 'attempts', attempt))
      expect(identity && isAlive(identity)).toBeFalsy()
    }
  }
})
