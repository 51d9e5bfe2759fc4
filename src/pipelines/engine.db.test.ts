// The engine on both databases: order, commits, and what is refused. What may go wrong with processes is in engine.slow.test.ts.
import { expect, test } from 'vitest'
import { readEvents } from '../platform/events.ts'
import type { PipelineRunDetail } from './pipeline-run.ts'
import { createEngineFixture } from './testing/engine.ts'

const outputs = (run: PipelineRunDetail): Record<string, unknown> =>
  Object.fromEntries(run.steps.map((step) => [step.name, step.output]))

test('steps run in processes, in order, and outputs flow to those that refer to them', async () => {
  await using fixture = await createEngineFixture()
  const id = await fixture.run([
    { name: 'c', kind: 'test.echo', input: { sum: [{ $from: 'a', path: 'x' }, { $from: 'b' }] } },
    { name: 'a', kind: 'test.echo', input: { x: 1 } },
    { name: 'b', kind: 'test.event', input: { type: 'test.said' }, needs: ['a'] },
  ])
  const run = await fixture.finished(id)
  expect(run.state).toBe('succeeded')
  expect(outputs(run)).toEqual({ a: { x: 1 }, b: { said: 'test.said' }, c: { sum: [1, { said: 'test.said' }] } })
  const [c, a, b] = run.steps
  for (const step of [a, c]) {
    expect(step?.startedAtMs).toBe(step?.attempts[0]?.startedAtMs)
    expect(step?.finishedAtMs).toBeGreaterThan(step?.startedAtMs ?? Infinity) // A process takes its time.
  }
  expect(b?.startedAtMs).toBeGreaterThanOrEqual(a?.finishedAtMs ?? Infinity)
  const events = await readEvents(fixture.db, { seq: 0 })
  expect(events.map((event) => event.type)).toEqual(['test.said', 'pipeline_run.finished'])
  expect(events[1]?.payload).toMatchObject({ id, pipeline: 'test', state: 'succeeded', outputs: { a: { x: 1 } } })
})

test('a commit that refuses fails the step and leaves no trace of itself', async () => {
  await using fixture = await createEngineFixture()
  const run = await fixture.finished(
    await fixture.run([{ name: 'x', kind: 'test.event', input: { type: 'test.bad' } }]),
  )
  expect(run.steps[0]).toMatchObject({ state: 'failed', errorCode: 'commit_refused' })
  expect((await readEvents(fixture.db, { seq: 0 })).map((event) => event.type)).toEqual(['pipeline_run.finished'])
})

test('a wrong kind, input or reference is an error that names it', async () => {
  await using fixture = await createEngineFixture()
  await expect(fixture.run([{ name: 'x', kind: 'test.nope' }])).rejects.toMatchObject({ code: 'step_kind_unknown' })
  await expect(fixture.run([{ name: 'x', kind: 'test.event', input: { typ: 1 } }])).rejects.toMatchObject({
    code: 'step_input_invalid',
  })
  const run = await fixture.finished(
    await fixture.run([
      { name: 'a', kind: 'test.echo', input: { x: 1 } },
      { name: 'b', kind: 'test.echo', input: { $from: 'a', path: 'y' } },
    ]),
  )
  expect(run.steps[1]).toMatchObject({ state: 'failed', errorCode: 'reference_missing' })
})
