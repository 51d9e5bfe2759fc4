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
  const pipeline = trainingPipeline(testLoop(), command)
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
  expect(trainingPipeline(testLoop(), { ...command, id: 'flights.9.start_training' })).toEqual(pipeline)
})
