// The pipeline of an attempt: its steps fit together, and the same command gives the same graph.
import { expect, test } from 'vitest'
import { checkPipeline, needsOf } from '../pipelines/pipeline.ts'
import type { LoopCommand } from './policy-state.ts'
import { testLoop } from './testing.ts'
import { trainingPipeline } from './training-pipeline.ts'

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
