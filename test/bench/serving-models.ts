// The two models of the serving benchmark, trained here: a logistic regression on ten numbers, and the boosted trees of the flights. And requests of one
// row for each.
import { computeBaseline } from '../../src/models/baseline-builder.ts'
import { loadModel } from '../../src/models/inference.ts'
import { answersFor } from '../../src/models/scoring.ts'
import { Signature } from '../../src/models/signature.ts'
import { createGenerator } from '../../src/statistics/random.ts'
import { takeRows, type Frame, type FrameColumn } from '../../src/training/frame.ts'
import { TrainerSpec, type TrainerSpec as Spec } from '../../src/training/trainer-spec.ts'
import { train } from '../../src/training/trainer.ts'
import { flightsOfMonth } from '../interop/training-flights.ts'
import type { BenchModel } from './home.ts'

export interface ServedModel extends BenchModel {
  readonly about: string
  /** Requests of one row each, in the Open Inference Protocol. */
  readonly bodies: readonly string[]
}

const smallRows = 5_000
const flightsRows = 50_000
const bodyCount = 64

export async function servedModels(isSmoke: boolean): Promise<ServedModel[]> {
  const flights = await flightsOfMonth(1)
  const step = Math.ceil(flights.rowCount / flightsRows)
  const sample = takeRows(
    flights,
    Array.from({ length: Math.floor(flights.rowCount / step) }, (_, row) => row * step),
  )
  const iterations = isSmoke ? 10 : 100
  const boosting = TrainerSpec.parse({
    trainer: 'gradient_boosting',
    iterations,
    calendar: ['minute_of_day', 'weekday'],
  })
  return [
    await servedModel('small', 'logistic regression on ten numbers', {
      frame: tenNumbers(),
      spec: TrainerSpec.parse({ trainer: 'logistic_regression' }),
    }),
    await servedModel('flights', `${iterations} trees on a time stamp, a number and two strings`, {
      frame: sample,
      spec: boosting,
    }),
  ]
}

function tenNumbers(): Frame {
  const random = createGenerator('bench')
  const columns = Array.from({ length: 10 }, (_, at): FrameColumn & { kind: 'number' } => ({
    kind: 'number',
    name: `x${at}`,
    values: Float64Array.from({ length: smallRows }, () => Math.round(random.normal() * 1000) / 1000),
  }))
  const target = Float64Array.from({ length: smallRows }, (_, row) =>
    columns.reduce((sum, { values }, at) => sum + values[row]! * (at - 4.5), 0) + random.normal() > 0 ? 1 : 0,
  )
  return { rowCount: smallRows, columns, target }
}

async function servedModel(
  name: string,
  about: string,
  { frame, spec }: { frame: Frame; spec: Spec },
): Promise<ServedModel> {
  const { onnx, inputs } = await train({ spec, frame, seed: 1, threads: 2 })
  const signature = Signature.parse({ task: 'binary', inputs, classes: ['false', 'true'] })
  const loaded = await loadModel(onnx, { signature })
  const answers = await answersFor(loaded, frame)
  await loaded.release()
  const baseline = computeBaseline({ frame, signature, answers, days: [] })
  const bodies = Array.from({ length: bodyCount }, (_, at) =>
    requestOf(frame, Math.floor((at * frame.rowCount) / bodyCount)),
  )
  return { name, about, onnx, signature, baseline, bodies }
}

function requestOf({ columns }: Frame, row: number): string {
  const inputs = columns.map((column) => {
    const [datatype, value] = cellOf(column, row)
    return { name: column.name, datatype, shape: [1], data: [value] }
  })
  return JSON.stringify({ inputs })
}

function cellOf(column: FrameColumn, row: number): [string, number | string] {
  switch (column.kind) {
    case 'number':
      return ['FP64', column.values[row]!]
    case 'category':
      return ['BYTES', column.categories[column.codes[row]!]!]
    case 'time':
      return ['BYTES', new Date(Number(column.micros[row]! / 1000n)).toISOString()]
  }
}
