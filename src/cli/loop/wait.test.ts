// When waiting for a loop is over, and how it ended.
import { expect, test } from 'vitest'
import { emptyState, type Decision } from '../../loop/policy-state.ts'
import { endingOf } from './wait.ts'
import { runProgress, type StoredDecision } from './loop-view.ts'

const decided = (kind: Decision['kind'], number = 1): StoredDecision => ({
  kind,
  number,
  sentence: `${kind}.`,
  atMs: 0,
  recordedMs: 0,
  evidence: {},
})
const attempt = {
  number: 1,
  beganMs: 0,
  command: 'c',
  window: null,
  candidate: 'churn/2',
  trigger: { kind: 'first' as const, reason: 'the loop begins', evidence: {} },
}
const serving = { ...emptyState, phase: 'watching' as const, champion: 'churn/1' }

test('work that is under way is waited for, whatever was decided before it', () => {
  expect(
    endingOf({ ...serving, phase: 'training', attempt }, [decided('attempt_failed'), decided('training_started', 2)]),
  ).toBeUndefined()
  expect(endingOf(emptyState, [decided('applied')])).toBeUndefined()
})

test('a model that is live, one that the gate refused, and a failure are told apart', () => {
  expect(endingOf(serving, [decided('went_live')])).toMatchObject({ kind: 'live', sentence: 'went_live.' })
  expect(endingOf(serving, [decided('gate_passed'), decided('gate_refused', 2)])).toMatchObject({ kind: 'refused' })
  expect(endingOf(emptyState, [decided('attempt_failed')])).toMatchObject({ kind: 'failed' })
})

test('a paused loop at rest is not waited for', () => {
  expect(endingOf({ ...emptyState, paused: true }, [])).toMatchObject({ kind: 'held' })
})

test('a rollout is not waited for: it takes as long as its traffic', () => {
  const ending = endingOf({ ...serving, phase: 'rolling_out', attempt }, [])
  expect(ending).toMatchObject({ kind: 'rolling_out' })
  expect(ending?.sentence).toContain('churn/2 is in a rollout against churn/1')
})

test('nothing to do and nothing allowed yet end the waiting too', () => {
  expect(endingOf(serving, [decided('applied')])).toMatchObject({ kind: 'unchanged' })
  expect(endingOf({ ...serving, heldFor: 'the cooldown ends tomorrow' }, [])).toMatchObject({ kind: 'held' })
})

test('progress counts finished steps and the part of the one that runs', () => {
  const step = {
    id: 's',
    kind: 'k',
    fingerprint: null,
    output: null,
    cachedFrom: null,
    errorCode: null,
    errorMessage: null,
    startedAtMs: null,
    finishedAtMs: null,
    attempts: [],
  }
  const steps = [
    { ...step, name: 'split', state: 'succeeded' as const, progress: 1, progressText: null },
    { ...step, name: 'train', state: 'running' as const, progress: 0.5, progressText: 'tree 50' },
    { ...step, name: 'gate', state: 'waiting' as const, progress: null, progressText: null },
    { ...step, name: 'register', state: 'waiting' as const, progress: null, progressText: null },
  ]
  expect(runProgress({ steps })).toEqual({ fraction: 0.375, text: 'train: tree 50' })
})
