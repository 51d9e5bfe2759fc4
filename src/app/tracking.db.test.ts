// The run of a training: there before its step begins, with the code of the loop's version, and ended with its pipeline run.
import { expect, test } from 'vitest'
import { getRun } from '../experiments/reading.ts'
import { testActor } from '../governance/testing.ts'
import { insertAppliedSpec } from '../loop/loop-store.ts'
import { testLoop } from '../loop/testing.ts'
import { commandStep } from '../pipelines/command-step.ts'
import { processKind } from '../pipelines/engine-kind.ts'
import { getPipelineRun, startPipelineRun } from '../pipelines/run-start.ts'
import { transact } from '../platform/database.ts'
import type { StoredEvent } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { migrations, type Tables } from './tables.ts'
import { beginStepRun, runIdOf, stepRunIdOf, unfinishedRuns } from './tracking.ts'

const environment = { nodeVersion: 'v24', platform: 'linux', lockDigest: null, packages: {}, threads: 1, libraries: {} }
const codeOf = (letter: string) => ({ commit: letter.repeat(40), isDirty: false, snapshot: letter.repeat(64) })

test('a step that begins twice has one run with the code of its version, which a failed pipeline run ends', async () => {
  await using db = await createTestDatabase<Tables>(migrations)
  const actor = testActor('owner')
  for (const [version, code] of [codeOf('a'), codeOf('b'), null].entries()) {
    const applied = { version: version + 1, digest: '', spec: testLoop(), code, appliedBy: 'ann', appliedMs: 0 }
    await transact(db, (trx) => insertAppliedSpec(trx, applied))
  }
  const kinds = ['training.command', 'models.adopt', 'models.evaluate', 'command']
  const engineKinds = kinds.map((kind) => processKind({ ...commandStep({ path: '', variables: {} }), kind }))
  const input = { argv: ['train'] }
  const labels = { loop: 'flights', loop_version: '2' }
  const pipelineRunId = await startPipelineRun(
    { db, kinds: new Map(engineKinds.map((kind) => [kind.kind, kind])) },
    actor,
    {
      spec: {
        name: 'flights.train',
        steps: ['train', 'adopt', 'look', 'report'].map((name, at) => ({ name, kind: kinds[at]!, input })),
      },
      reason: 'test',
      labels,
    },
  )
  const { steps } = await getPipelineRun(db, pipelineRunId)
  for (const [at, { id: stepRunId, name: step }] of [...steps.entries(), ...steps.entries()]) {
    const beginning = { pipelineRunId, stepRunId, step, kind: kinds[at]!, labels }
    await transact(db, (trx) => beginStepRun(trx, { actor, environment }, beginning))
  }
  const [train, adopt, look, report] = steps.map(({ id }) => runIdOf(id)) as [string, string, string, string]
  expect(stepRunIdOf(train)).toBe(steps[0]?.id)
  expect(await getRun(db, train)).toMatchObject({ state: 'running', experiment: 'flights', code: codeOf('b') })
  expect(await getRun(db, adopt)).toMatchObject({ state: 'running', code: null }) // Made by nobody knows what.
  await expect(getRun(db, look)).rejects.toMatchObject({ code: 'run_not_found' })

  const consumer = unfinishedRuns(db, actor)
  const finish = (state: string): Promise<void> =>
    consumer.handle({ payload: { id: pipelineRunId, state } } as StoredEvent, new AbortController().signal)
  await finish('succeeded')
  expect(await getRun(db, train)).toMatchObject({ state: 'running' }) // Until all of it is recorded.
  expect(await getRun(db, report)).toMatchObject({ state: 'finished' })
  await finish('failed')
  await finish('failed')
  expect(await getRun(db, train)).toMatchObject({ state: 'failed' })
  expect(await getRun(db, adopt)).toMatchObject({ state: 'failed' })
})
