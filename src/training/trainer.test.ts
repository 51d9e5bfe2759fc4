// The trainers end to end: what ONNX Runtime answers to the exported graph is what the trainer predicts, on every kind of column.
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../statistics/random.ts'
import { MISSING_MICROS, takeRows, type Frame, type Objective } from './frame.ts'
import { train } from './trainer.ts'
import { TrainerSpec } from './trainer-spec.ts'
import { compareWithRuntime, syntheticFrame } from './testing.ts'

const spec = (value: unknown): TrainerSpec => TrainerSpec.parse(value)
const split = (frame: Frame, at: number): [Frame, Frame] => {
  const rows = Array.from({ length: frame.rowCount }, (_, row) => row)
  return [takeRows(frame, rows.slice(0, at)), takeRows(frame, rows.slice(at))]
}

describe.each([
  ['gradient_boosting', 'binary'],
  ['gradient_boosting', 'multiclass'],
  ['gradient_boosting', 'regression'],
  ['logistic_regression', 'binary'],
  ['logistic_regression', 'multiclass'],
  ['linear_regression', 'regression'],
] as const)('%s, %s', (trainer, objective: Objective) => {
  test('the graph answers what the trainer predicts, on every row: missing values, unseen categories, moments before 1970', async () => {
    const [frame, held] = split(syntheticFrame({ rows: 3000, seed: 7, objective }), 2000)
    const calendar = ['minute_of_day', 'hour', 'weekday', 'day_of_month', 'month', 'days_since_1970']
    const linear = trainer === 'gradient_boosting' ? { iterations: 40 } : { missingIndicator: true }
    const model = await train({ spec: spec({ trainer, objective, calendar, ...linear }), frame, seed: 1, threads: 1 })
    expect(model.inputs.map(({ type }) => type)).toEqual(['float', 'float', 'float', 'string', 'string', 'datetime'])
    const comparison = await compareWithRuntime(model, held)
    expect(comparison.values).toBe(held.rowCount * model.classes)
    expect(comparison.largestDifference).toBeLessThan(1e-5)
    expect(comparison.skill).toBeGreaterThan(0.1) // It has learned something, so the comparison is of more than a constant.
  })

  test('the loss falls, and every step of it is reported', async () => {
    const [frame, validation] = split(syntheticFrame({ rows: 1500, seed: 3, objective }), 1000)
    const steps: { iteration: number; trainLoss: number; validationLoss?: number }[] = []
    await train({
      spec: spec({ trainer, objective }),
      frame,
      validation,
      seed: 1,
      threads: 1,
      onProgress: (step) => steps.push(step),
    })
    expect(steps.map(({ iteration }) => iteration)).toEqual(steps.map((_, index) => index + 1))
    expect(steps.at(-1)!.trainLoss).toBeLessThan(steps[0]!.trainLoss)
    expect(steps.every(({ validationLoss }) => Number.isFinite(validationLoss))).toBe(true)
  })
})

test('a split between neighbouring float32 values is the same in the graph: epoch seconds, ids above 2^24', async () => {
  const random = createGenerator(5)
  const rows = 4000
  const seconds = Float64Array.from({ length: rows }, () => 1_700_000_000 + Math.floor(random.uniform() * 5000))
  const ids = Float64Array.from({ length: rows }, () => 2 ** 24 + Math.floor(random.uniform() * 300))
  const fine = Float64Array.from({ length: rows }, () => 1000 + random.uniform() * 1e-3)
  const target = seconds.map((second, row) => (Math.round(second / 128) + ids[row]! + Math.round(fine[row]! * 1e5)) % 2)
  const columns = [
    { kind: 'number' as const, name: 'seconds', values: seconds },
    { kind: 'number' as const, name: 'id', values: ids },
    { kind: 'number' as const, name: 'fine', values: fine },
  ]
  const frame: Frame = { rowCount: rows, columns, target }
  const model = await train({
    spec: spec({ trainer: 'gradient_boosting', minSamplesLeaf: 2, iterations: 60 }),
    frame,
    seed: 1,
    threads: 1,
  })
  const comparison = await compareWithRuntime(model, frame)
  expect(comparison.largestDifference).toBeLessThan(1e-5)
  expect(comparison.skill).toBeGreaterThan(0.1)
})

test('a column of hundreds of categories trains, its rare ones sharing a bin, and set splits are the same in the graph', async () => {
  const random = createGenerator(11)
  const rows = 20_000
  const categories = Array.from({ length: 600 }, (_, index) => `airport ${index}`)
  const effect = categories.map(() => random.uniform() * 4 - 2)
  const codes = Int32Array.from({ length: rows }, () => Math.floor(random.uniform() ** 3 * categories.length))
  const target = Float64Array.from(codes, (code) => (random.uniform() < 1 / (1 + Math.exp(-effect[code]!)) ? 1 : 0))
  const [frame, held] = split(
    { rowCount: rows, columns: [{ kind: 'category', name: 'airport', codes, categories }], target },
    15_000,
  )
  const model = await train({ spec: spec({ trainer: 'gradient_boosting' }), frame, seed: 1, threads: 1 })
  const unseen: Frame = {
    ...held,
    columns: [
      {
        kind: 'category',
        name: 'airport',
        codes: held.rowCount ? codes.slice(15_000) : codes,
        categories: categories.map((name, index) => (index % 7 === 0 ? `new ${name}` : name)),
      },
    ],
  }
  for (const other of [held, unseen])
    expect((await compareWithRuntime(model, other)).largestDifference).toBeLessThan(1e-5)
  expect((await compareWithRuntime(model, held)).skill).toBeGreaterThan(0.1)
})

test('one and two threads give the same bytes', async () => {
  const frame = syntheticFrame({ rows: 20_000, seed: 2, objective: 'binary' })
  const request = {
    spec: spec({ trainer: 'gradient_boosting', iterations: 4, earlyStopping: { rounds: 2 } }),
    frame,
    seed: 9,
  }
  const [one, two] = [await train({ ...request, threads: 1 }), await train({ ...request, threads: 2 })]
  expect(Buffer.from(two.onnx).equals(one.onnx)).toBe(true)
})

test('the seed decides what is held out, and the same seed gives the same model', async () => {
  const frame = syntheticFrame({ rows: 2000, seed: 4, objective: 'binary' })
  const request = {
    spec: spec({ trainer: 'gradient_boosting', iterations: 20, earlyStopping: { rounds: 3 } }),
    frame,
    threads: 1,
  }
  const [first, again, other] = [
    await train({ ...request, seed: 1 }),
    await train({ ...request, seed: 1 }),
    await train({ ...request, seed: 2 }),
  ]
  expect(Buffer.from(again.onnx).equals(first.onnx)).toBe(true)
  expect(Buffer.from(other.onnx).equals(first.onnx)).toBe(false)
})

test('early stopping keeps the iterations up to the best validation loss', async () => {
  const frame = syntheticFrame({ rows: 1500, seed: 6, objective: 'binary' })
  const losses: number[] = []
  const model = await train({
    spec: spec({ trainer: 'gradient_boosting', iterations: 500, learningRate: 0.5, earlyStopping: { rounds: 5 } }),
    frame,
    seed: 1,
    threads: 1,
    onProgress: ({ validationLoss }) => losses.push(validationLoss!),
  })
  expect(losses.length).toBeLessThan(500)
  expect(model.iterations).toBe(losses.indexOf(Math.min(...losses)) + 1)
  expect(losses.length).toBe(model.iterations + 5)
})

test('training ends with the reason of its signal', async () => {
  const frame = syntheticFrame({ rows: 500, seed: 1, objective: 'binary' })
  const controller = new AbortController()
  const training = train({
    spec: spec({ trainer: 'gradient_boosting' }),
    frame,
    seed: 1,
    threads: 1,
    signal: controller.signal,
    onProgress: ({ iteration }) => iteration === 3 && controller.abort(new Error('stop here')),
  })
  await expect(training).rejects.toThrow('stop here')
})

test('the most telling feature leads the list of importances', async () => {
  const random = createGenerator(8)
  const rows = 3000
  const useful = Float64Array.from({ length: rows }, () => random.uniform())
  const noise = Float64Array.from({ length: rows }, () => random.uniform())
  const columns = [
    { kind: 'number' as const, name: 'noise', values: noise },
    { kind: 'number' as const, name: 'useful', values: useful },
  ]
  const target = useful.map((value) => 3 * value)
  for (const trainer of ['gradient_boosting', 'linear_regression']) {
    const model = await train({
      spec: spec({ trainer, objective: 'regression' }),
      frame: { rowCount: rows, columns, target },
      seed: 1,
      threads: 1,
    })
    expect(model.featureImportance[0]!.name).toBe('useful')
    expect(model.featureImportance[0]!.gain).toBeGreaterThan(10 * model.featureImportance[1]!.gain)
  }
})

describe('a table that nothing can be learned from is refused by name', () => {
  const good = syntheticFrame({ rows: 50, seed: 1, objective: 'binary' })
  const number = (name: string, length = 50) => ({ kind: 'number' as const, name, values: new Float64Array(length) })
  const cases: [string, Frame][] = [
    ['frame_empty', { ...good, rowCount: 0 }],
    ['frame_empty', { ...good, columns: [] }],
    ['frame_malformed', { ...good, columns: [number('a', 49)] }],
    ['frame_malformed', { ...good, columns: [number('a'), number('a')] }],
    [
      'frame_malformed',
      {
        ...good,
        columns: [{ kind: 'category', name: 'c', codes: new Int32Array(50).fill(2), categories: ['a', 'b'] }],
      },
    ],
    ['column_name_reserved', { ...good, columns: [number('label')] }],
    ['too_many_columns', { ...good, columns: Array.from({ length: 2001 }, (_, index) => number(`c${index}`)) }],
    [
      'too_many_categories',
      {
        ...good,
        columns: [
          {
            kind: 'category',
            name: 'c',
            codes: new Int32Array(50),
            categories: Array.from({ length: 65_537 }, String),
          },
        ],
      },
    ],
    ['target_invalid', { ...good, target: good.target.map((value, row) => (row === 9 ? NaN : value)) }],
    ['target_invalid', { ...good, target: good.target.map((value, row) => (row === 9 ? 2 : value)) }],
    ['target_single_class', { ...good, target: new Float64Array(50) }],
  ]
  test.each(cases)('%s', async (code, frame) => {
    const training = train({ spec: spec({ trainer: 'gradient_boosting' }), frame, seed: 1, threads: 1 })
    await expect(training).rejects.toMatchObject({ name: 'DomainError', kind: 'invalid', code })
  })

  test('and so are an infinite value for a linear model, no threads, and a table that lacks a column', async () => {
    const columns = [
      {
        kind: 'number' as const,
        name: 'a',
        values: Float64Array.from({ length: 50 }, (_, row) => (row === 3 ? 1e300 : row)),
      },
    ]
    const training = train({
      spec: spec({ trainer: 'logistic_regression' }),
      frame: { ...good, columns },
      seed: 1,
      threads: 1,
    })
    await expect(training).rejects.toMatchObject({ code: 'value_infinite' })
    await expect(
      train({ spec: spec({ trainer: 'gradient_boosting' }), frame: good, seed: 1, threads: 0 }),
    ).rejects.toMatchObject({ code: 'threads_invalid' })
    const model = await train({ spec: spec({ trainer: 'gradient_boosting' }), frame: good, seed: 1, threads: 1 })
    expect(() => model.predict({ ...good, columns: good.columns.slice(1) })).toThrow(/column "amount" is missing/)
  })
})

test('trainers cope with columns that say nothing: constant, all missing, one category', async () => {
  const rows = 60
  const target = Float64Array.from({ length: rows }, (_, row) => row % 2)
  const columns = [
    { kind: 'number' as const, name: 'constant', values: new Float64Array(rows).fill(3) },
    { kind: 'number' as const, name: 'empty', values: new Float64Array(rows).fill(NaN) },
    { kind: 'category' as const, name: 'none', codes: new Int32Array(rows).fill(-1), categories: [] },
    { kind: 'category' as const, name: 'one', codes: new Int32Array(rows), categories: ['x'] },
    { kind: 'time' as const, name: 'never', micros: new BigInt64Array(rows).fill(MISSING_MICROS) },
  ]
  for (const trainer of ['gradient_boosting', 'logistic_regression']) {
    const frame: Frame = { rowCount: rows, columns, target }
    const model = await train({ spec: spec({ trainer }), frame, seed: 1, threads: 1 })
    const comparison = await compareWithRuntime(model, frame)
    expect(comparison.largestDifference).toBeLessThan(1e-5)
    expect(model.predict(frame)[1]).toBeCloseTo(0.5, 5)
  }
})

test('a file names its trainer and parameters, and needs no more than one session to answer', async () => {
  const frame = syntheticFrame({ rows: 200, seed: 1, objective: 'multiclass' })
  const model = await train({
    spec: spec({ trainer: 'gradient_boosting', objective: 'multiclass', iterations: 3 }),
    frame,
    seed: 1,
    threads: 1,
  })
  const session = await ort.InferenceSession.create(model.onnx)
  expect(session.inputNames).toEqual(['amount', 'id', 'share', 'city', 'kind', 'at'])
  expect(session.outputNames).toEqual(['label', 'probabilities'])
  expect(Buffer.from(model.onnx).includes('gradient_boosting')).toBe(true)
  await session.release()
})
