// For tests: a made-up table with everything that columns can hold, and a comparison of a trained model with ONNX Runtime.
import * as ort from 'onnxruntime-node'
import { createGenerator } from '../statistics/random.ts'
import { MISSING_MICROS, type Frame, type FrameColumn, type Objective } from './frame.ts'
import type { TrainedModel } from './trained-model.ts'

/**
 * A table whose target depends on all of its columns: numbers with missing values, a wide range and ids above 2^24, categories few and many, moments
 * from 1900 to 2100. The later half of the rows holds categories that the first half does not.
 */
export function syntheticFrame({ rows, seed, objective }: { rows: number; seed: number; objective: Objective }): Frame {
  const random = createGenerator(seed)
  const make = (value: (row: number) => number) => Float64Array.from({ length: rows }, (_, row) => value(row))
  const amount = make(() => (random.uniform() < 0.1 ? NaN : 100 * random.uniform()))
  const id = make(() => 2 ** 24 + Math.floor(random.uniform() * 1000))
  const share = make(() => (random.uniform() - 0.5) * 1e-3)
  const cities = ['', 'Köln', '東京', ...Array.from({ length: 97 }, (_, index) => `city ${index}`)]
  const city = Int32Array.from({ length: rows }, (_, row) =>
    Math.floor(random.uniform() ** 2 * (row < rows / 2 ? 90 : 100)),
  )
  const kind = Int32Array.from({ length: rows }, () => Math.floor(random.uniform() * 4) - 1)
  const at = BigInt64Array.from(
    Array.from({ length: rows }, () =>
      random.uniform() < 0.05 ? MISSING_MICROS : BigInt(Math.floor((random.uniform() - 0.35) * 6.3e15)),
    ),
  )
  const minute = Array.from(at, (moment) =>
    moment === MISSING_MICROS ? 700 : Number(BigInt.asUintN(64, moment / 60_000_000n) % 1440n),
  )
  const signal = make(
    (row) =>
      (Number.isNaN(amount[row]!) ? 1 : amount[row]! / 50) +
      (id[row]! % 500 > 250 ? 0.5 : 0) +
      share[row]! * 1000 +
      (city[row]! % 3) +
      kind[row]! / 2 +
      minute[row]! / 1440,
  )
  const columns: FrameColumn[] = [
    { kind: 'number', name: 'amount', values: amount },
    { kind: 'number', name: 'id', values: id },
    { kind: 'number', name: 'share', values: share },
    { kind: 'category', name: 'city', codes: city, categories: cities },
    { kind: 'category', name: 'kind', codes: kind, categories: ['a', 'b', 'c'] },
    { kind: 'time', name: 'at', micros: at },
  ]
  const noisy = signal.map((value) => value + random.uniform())
  const target =
    objective === 'regression'
      ? noisy
      : noisy.map((value) =>
          objective === 'binary' ? (value > 3.2 ? 1 : 0) : Math.min(2, Math.max(0, Math.floor(value / 1.5) - 1)),
        )
  return { rowCount: rows, columns, target }
}

/** Feeds of the exported graph for a frame. */
export function runtimeFeeds(frame: Frame): Record<string, ort.Tensor> {
  const shape = [frame.rowCount, 1]
  const tensorOf = (column: FrameColumn): ort.Tensor => {
    if (column.kind === 'number') return new ort.Tensor('float32', Float32Array.from(column.values), shape)
    if (column.kind === 'time') return new ort.Tensor('int64', column.micros, shape)
    return new ort.Tensor(
      'string',
      Array.from(column.codes, (code) => column.categories[code] ?? ''),
      shape,
    )
  }
  return Object.fromEntries(frame.columns.map((column) => [column.name, tensorOf(column)]))
}

export interface Comparison {
  readonly values: number
  /** Of probabilities; of values relative to the largest prediction, if that is above 1. */
  readonly largestDifference: number
  /** How much of the constant model's loss (error rate, squared error) the model takes away. */
  readonly skill: number
}

/** Runs the graph on a frame and compares each answer with the trainer's own. */
export async function compareWithRuntime(model: TrainedModel, frame: Frame): Promise<Comparison> {
  const session = await ort.InferenceSession.create(model.onnx, { intraOpNumThreads: 1 })
  const answers = await session.run(runtimeFeeds(frame))
  await session.release()
  const output = answers[model.objective === 'regression' ? 'prediction' : 'probabilities']!
  const actual = output.data as Float32Array
  const expected = model.predict(frame)
  if (actual.length !== expected.length) throw new Error(`${actual.length} answers for ${expected.length} predictions`)
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
  const largestDifference = expected.reduce((most, value, index) => {
    const difference = Math.abs(value - actual[index]!) / scale
    return difference <= most ? most : difference // A NaN is not <=, so it is passed on.
  }, 0)
  const labels = answers['label'] ? Float64Array.from(answers['label'].data as BigInt64Array, Number) : undefined
  return {
    values: actual.length,
    largestDifference,
    skill: skillOf(frame.target, labels ?? Float64Array.from(actual), labels !== undefined),
  }
}

function skillOf(target: Float64Array, answers: Float64Array, isClass: boolean): number {
  if (isClass) {
    const counts = new Map<number, number>()
    for (const label of target) counts.set(label, (counts.get(label) ?? 0) + 1)
    const constant = target.length - Math.max(...counts.values())
    return 1 - answers.reduce((wrong, label, row) => wrong + (label === target[row] ? 0 : 1), 0) / constant
  }
  const mean = target.reduce((sum, value) => sum + value, 0) / target.length
  const squares = (of: (row: number) => number) => target.reduce((sum, value, row) => sum + (value - of(row)) ** 2, 0)
  return 1 - squares((row) => answers[row]!) / squares(() => mean)
}
