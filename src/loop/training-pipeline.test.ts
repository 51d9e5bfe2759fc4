// The pipeline of an attempt: its steps fit together, and the same command gives the same graph.
import { expect, test } from 'vitest'
import { fingerprintOf } from '../pipelines/fingerprint.ts'
import { checkPipeline, needsOf } from '../pipelines/pipeline.ts'
import type { LoopCommand } from './policy-state.ts'
import { testLoop } from './testing.ts'
import { command as commandTrainer } from './index.ts'
import type { Definition } from './plan.ts'
import { trainingPipeline, trainingStep } from './training-pipeline.ts'

const command: Extract<LoopCommand, { kind: 'start_training' }> = {
  id: 'flights.4.start_training',
  kind: 'start_training',
  datasetVersion: 'flights/3',
  window: { training: { fromMs: 0, toMs: 10 }, holdout: { fromMs: 10, toMs: 20 } },
  champion: 'flights/1',
  trigger: { kind: 'manual', reason: 'ann asked for it', evidence: {} },
}

test('every step of the graph waits for what it reads, and the gate comes last', () => {
  const pipeline = trainingPipeline({ spec: testLoop(), code: null }, command)
  checkPipeline(pipeline)
  expect(Object.fromEntries(pipeline.steps.map((step) => [step.name, needsOf(step)]))).toEqual({
    split: [],
    train: ['split'],
    infra: ['train'],
    champion: [],
    evaluate: ['train', 'champion', 'split'],
    register: ['train', 'infra'],
    gate: ['register', 'evaluate', 'infra'],
  })
  expect(trainingPipeline({ spec: testLoop(), code: null }, { ...command, id: 'flights.9.start_training' })).toEqual(
    pipeline,
  )
})

test('a proposed graph takes the place of the training, and no other step changes but for it', () => {
  const onnx = 'ab'.repeat(32)
  const proposal = { onnx, actor: 'ann', reason: 'a forest of our own', evidence: {} }
  const trigger = {
    kind: 'proposal',
    reason: 'ann proposed graph abababababab (a forest of our own)',
    evidence: {},
    proposal,
  } as const
  const pipeline = trainingPipeline({ spec: testLoop(), code: null }, { ...command, trigger })
  checkPipeline(pipeline)
  const adopt = pipeline.steps.find(({ name }) => name === 'adopt')
  expect(adopt).toMatchObject({
    kind: 'models.adopt',
    input: { onnx, origin: trigger.reason, features: ['date', 'distance'] },
  })
  expect(Object.fromEntries(pipeline.steps.map((step) => [step.name, needsOf(step)]))).toEqual({
    split: [],
    adopt: ['split'],
    infra: ['adopt'],
    champion: [],
    evaluate: ['adopt', 'champion', 'split'],
    register: ['adopt', 'infra'],
    gate: ['register', 'evaluate', 'infra'],
  })
})

test('a command trains in the code of the loop, which is a part of its work and of no built-in trainer’s', () => {
  const codeOf = (snapshot: string) => ({ commit: null, isDirty: false, snapshot: snapshot.repeat(64) })
  const trainingOf = (definition: Definition) => {
    const steps = trainingPipeline(definition, command).steps
    return steps.find(({ name }) => name === trainingStep)!
  }
  const workOf = (definition: Definition): string => {
    const { kind, input } = trainingOf(definition)
    return fingerprintOf({ kind, version: 1, input, environmentDigest: '' })
  }
  const builtIn = testLoop()
  expect(workOf({ spec: builtIn, code: codeOf('a') })).toBe(workOf({ spec: builtIn, code: codeOf('b') }))

  const { window } = builtIn.training
  const trainer = commandTrainer(['python3', 'train.py'], { env: { DEPTH: '3' }, timeout: '90m', retries: 1, folds: 5 })
  const spec = testLoop({ training: { trainer, window: window as '28d' } })
  expect(trainingOf({ spec, code: codeOf('a') })).toMatchObject({
    kind: 'training.command',
    retries: 1,
    timeoutMs: 90 * 60_000,
    input: {
      loop: 'flights',
      argv: ['python3', 'train.py'],
      env: { DEPTH: '3' },
      folds: 5,
      code: 'a'.repeat(64),
      seed: 1,
    },
  })
  expect(JSON.stringify(trainingOf({ spec, code: codeOf('a') }).input)).not.toContain('holdout')
  expect(workOf({ spec, code: codeOf('a') })).not.toBe(workOf({ spec, code: codeOf('b') }))
  const refusal = expect.objectContaining({ code: 'loop_code_missing' }) as Error
  expect(() => trainingPipeline({ spec, code: null }, command)).toThrow(refusal)
})
