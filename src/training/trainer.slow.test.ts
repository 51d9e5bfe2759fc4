// The same bytes on any number of threads, for each objective, on enough rows that eight threads are used.
import { expect, test } from 'vitest'
import { syntheticFrame } from './testing.ts'
import { TrainerSpec } from './trainer-spec.ts'
import { train } from './trainer.ts'

test.each(['binary', 'multiclass', 'regression'] as const)(
  '%s: one, two and eight threads give the same bytes',
  async (objective) => {
    const frame = syntheticFrame({ rows: 80_000, seed: 2, objective })
    const spec = TrainerSpec.parse({
      trainer: 'gradient_boosting',
      objective,
      iterations: 8,
      earlyStopping: { rounds: 2 },
    })
    const models = []
    for (const threads of [1, 2, 8]) models.push(await train({ spec, frame, seed: 9, threads }))
    for (const model of models) expect(Buffer.from(model.onnx).equals(models[0]!.onnx)).toBe(true)
    expect(models[0]!.iterations).toBe(8)
  },
)
