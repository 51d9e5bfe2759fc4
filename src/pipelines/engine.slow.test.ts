// The engine and its real processes: retries, timeouts, cancel, cache, reports, restarts.
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { testActor } from '../governance/testing.ts'
import { readEvents } from '../platform/events.ts'
import { identifyProcess } from '../platform/processes.ts'
import type { StepMetrics } from './engine-context.ts'
import type { PipelineRunDetail } from './pipeline-run.ts'
import { createEngineFixture, type EngineFixture } from './testing/engine.ts'

const states = (run: PipelineRunDetail): Record<string, string> =>
  Object.fromEntries(run.steps.map((step) => [step.name, step.state]))
const outputs = (run: PipelineRunDetail): Record<string, unknown> =>
  Object.fromEntries(run.steps.map((step) => [step.name, step.output]))
const traced = (fixture: EngineFixture, name: string, more: Record<string, unknown> = {}) => ({
  name,
  kind: 'test.traced',
  input: { trace: fixture.tracePath, name, ...more } as Record<string, string>,
})

test('a step that fails is tried again, and what it gives at last counts', async () => {
  await using fixture = await createEngineFixture()
  const input = { trace: fixture.tracePath, name: 'f', failures: 1 }
  const run = await fixture.finished(await fixture.run([{ name: 'f', kind: 'test.flaky', input, retries: 1 }]))
  expect(run).toMatchObject({ state: 'succeeded', steps: [{ output: 2, errorCode: null }] })
  expect(run.steps[0]?.attempts).toMatchObject([
    { number: 1, state: 'failed', errorCode: 'step_failed', errorMessage: 'failure 1' },
    { number: 2, state: 'succeeded', errorCode: null },
  ])
  expect(run.steps[0]?.startedAtMs).toBe(run.steps[0]?.attempts[0]?.startedAtMs)
})

test('an expected failure is final at once; what needs the step is skipped, the rest of the run goes on', async () => {
  await using fixture = await createEngineFixture()
  const id = await fixture.run([
    { name: 'bad', kind: 'test.refuse', input: { trace: fixture.tracePath, name: 'bad' }, retries: 5 },
    { name: 'after', kind: 'test.echo', needs: ['bad'] },
    { name: 'later', kind: 'test.echo', needs: ['after'] },
    { name: 'beside', kind: 'test.echo' },
  ])
  const run = await fixture.finished(id)
  expect(run.state).toBe('failed')
  expect(states(run)).toEqual({ bad: 'failed', after: 'skipped', later: 'skipped', beside: 'succeeded' })
  expect(run.steps[0]).toMatchObject({ errorCode: 'data_invalid', errorMessage: 'these rows are wrong' })
  expect(await fixture.trace()).toEqual(['bad'])
})

test('a process that dies without a result is a failed attempt that says so', async () => {
  await using fixture = await createEngineFixture()
  const run = await fixture.finished(await fixture.run([{ name: 'x', kind: 'test.crash', retries: 0 }]))
  expect(run.steps[0]).toMatchObject({ state: 'failed', errorCode: 'step_crashed' })
  expect(run.steps[0]?.errorMessage).toContain('SIGKILL')
})

test('the same work is not done twice, unless asked for', async () => {
  await using fixture = await createEngineFixture()
  const step = traced(fixture, 'once')
  const first = await fixture.finished(await fixture.run([step]))
  const second = await fixture.finished(await fixture.run([{ ...step, name: 'other' }]))
  expect(second.steps[0]).toMatchObject({ state: 'succeeded', cachedFrom: first.steps[0]?.id, attempts: [] })
  expect(outputs(second)['other']).toEqual(outputs(first)['once'])
  await fixture.finished(await fixture.run([{ ...step, cache: 'refresh' }]))
  await fixture.finished(await fixture.run([{ ...step, cache: 'off' }]))
  expect(await fixture.trace()).toEqual(['once', 'once', 'once'])
})

test('a step over its time is ended with all that it started, however it resists', { timeout: 60_000 }, async () => {
  await using fixture = await createEngineFixture()
  const pids = join(fixture.directory, 'pids')
  const id = await fixture.run([{ name: 'x', kind: 'test.stubborn', input: { pids }, timeoutMs: 5_000, retries: 0 }])
  const run = await fixture.finished(id)
  expect(run.steps[0]).toMatchObject({ state: 'failed', errorCode: 'step_timeout', attempts: [{ state: 'timed_out' }] })
  await expectGone(pids)
})

async function expectGone(pids: string): Promise<void> {
  const all = (await readFile(pids, 'utf8')).trim().split('\n').map(Number)
  expect(all).toHaveLength(2)
  for (let waited = 0; waited < 20_000 && all.some((pid) => identifyProcess(pid)); waited += 20) await wait(20)
  expect(all.filter((pid) => identifyProcess(pid))).toEqual([])
}

test('canceling ends what runs and what waits, and says so', { timeout: 60_000 }, async () => {
  await using fixture = await createEngineFixture()
  const pids = join(fixture.directory, 'pids')
  const id = await fixture.run([
    { name: 'runs', kind: 'test.stubborn', input: { pids } },
    { name: 'waits', kind: 'test.echo', needs: ['runs'] },
  ])
  await fixture.until(async () => existsSync(pids))
  await fixture.engine.cancelRun(fixture.db, testActor(), { id, reason: 'enough' })
  const run = await fixture.finished(id)
  expect(run.state).toBe('canceled')
  expect(states(run)).toEqual({ runs: 'canceled', waits: 'canceled' })
  await expectGone(pids)
  const event = (await readEvents(fixture.db, { seq: 0 })).at(-1)
  expect(event).toMatchObject({ type: 'pipeline_run.finished', payload: { state: 'canceled' } })
})

test('metrics come in order and once, progress is shown, and the log has what was printed', async () => {
  const points: StepMetrics['points'][number][] = []
  await using fixture = await createEngineFixture({
    onMetrics: async (_, metrics) => void points.push(...metrics.points),
  })
  const run = await fixture.finished(await fixture.run([{ name: 'r', kind: 'test.report', input: { points: 500 } }]))
  expect(points.map((point) => point.step)).toEqual(Array.from({ length: 500 }, (_, i) => i))
  expect(points[0]?.value).toBeNaN()
  expect(run.steps[0]).toMatchObject({ output: true, progress: 0.5, progressText: 'half' })
  const [attempt] = await readdir(join(fixture.directory, 'attempts'))
  const log = await readFile(join(fixture.directory, 'attempts', attempt ?? '', 'log.txt'), 'utf8')
  expect(log).toContain('to stdout\nto stderr\n')
})

test('after an orderly restart a running step is adopted and not repeated', async () => {
  await using fixture = await createEngineFixture()
  const id = await fixture.run([traced(fixture, 'slow', { ms: 1000 }), { ...traced(fixture, 'next'), needs: ['slow'] }])
  await fixture.until(async () => (await fixture.trace()).length === 1)
  await fixture.restart()
  const run = await fixture.finished(id)
  expect(states(run)).toEqual({ slow: 'succeeded', next: 'succeeded' })
  expect(run.steps[0]?.attempts).toHaveLength(1)
  expect(await fixture.trace()).toEqual(['slow', 'next'])
})

test('a step that ended while nobody watched is harvested; one that died is tried again without using up a retry', async () => {
  await using fixture = await createEngineFixture()
  const done = await fixture.run([traced(fixture, 'done', { ms: 300 })])
  const dies = await fixture.run([{ ...traced(fixture, 'dies', { ms: 6_000 }), retries: 0 }])
  await fixture.until(async () => (await fixture.trace()).length === 2)
  await fixture.engine[Symbol.asyncDispose]()
  const attempts = join(fixture.directory, 'attempts')
  for (const attempt of await readdir(attempts)) {
    const { input } = JSON.parse(await readFile(join(attempts, attempt, 'input.json'), 'utf8')) as {
      input: { name: string }
    }
    const { pid } = JSON.parse(await readFile(join(attempts, attempt, 'process.json'), 'utf8')) as { pid: number }
    if (input.name === 'dies') process.kill(pid, 'SIGKILL')
    else await fixture.until(async () => !identifyProcess(pid))
  }
  await fixture.restart()
  expect(await fixture.finished(done)).toMatchObject({
    state: 'succeeded',
    steps: [{ attempts: [{ state: 'succeeded' }] }],
  })
  expect(await fixture.finished(dies)).toMatchObject({
    state: 'succeeded',
    steps: [{ attempts: [{ state: 'lost' }, { state: 'succeeded' }] }],
  })
  expect((await fixture.trace()).toSorted()).toEqual(['dies', 'dies', 'done'])
})
