// The built-in trainers beside scikit-learn: as good on real data, and files that Python's onnx.checker accepts.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { takeRows, type Frame, type Objective } from '../../src/training/frame.ts'
import { compareWithRuntime, syntheticFrame } from '../../src/training/testing.ts'
import { TrainerSpec } from '../../src/training/trainer-spec.ts'
import { train } from '../../src/training/trainer.ts'
import { flightsOfMonth, writeRawTable } from './training-flights.ts'
import { ensureVenv } from './venv.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, 'training_reference.py')
let directory: string
let python: (...args: string[]) => Promise<unknown>

beforeAll(async () => {
  const venv = await ensureVenv(['scikit-learn==1.9.1', 'onnx==1.23.1'])
  directory = await mkdtemp(join(tmpdir(), 'trueloop-training-'))
  python = async (command, ...args) =>
    JSON.parse((await run(venv.python, [script, command!, directory, ...args])).stdout)
}, 600_000)

afterAll(async () => rm(directory, { recursive: true, force: true }))

interface Quality {
  readonly auc: number
  readonly logLoss: number
}

test('on real flights a month ahead, the AUC is within half a percent of HistGradientBoosting at like settings, or better', async () => {
  const [january, february] = [await flightsOfMonth(1), await flightsOfMonth(2)]
  expect(january.rowCount).toBeGreaterThan(500_000)
  const spec = TrainerSpec.parse({ trainer: 'gradient_boosting' })
  const model = await train({ spec, frame: january, seed: 1, threads: 2 })
  const predicted = model.predict(february).filter((_, index) => index % 2 === 1)
  await writeRawTable(directory, 'train', { frame: january, like: january })
  await writeRawTable(directory, 'test', { frame: february, like: january })
  await writeFile(join(directory, 'test.predicted'), predicted)
  const { sklearn, ours } = (await python('flights', '100')) as { sklearn: Quality; ours: Quality }
  process.stdout.write(
    `flights: AUC ${ours.auc.toFixed(5)}, scikit-learn ${sklearn.auc.toFixed(5)}; log loss ${ours.logLoss.toFixed(5)}, ${sklearn.logLoss.toFixed(5)}\n`,
  )
  expect(ours.auc).toBeGreaterThan(sklearn.auc * 0.995)
  const sample = takeRows(
    february,
    Array.from({ length: 20_000 }, (_, index) => index * 20),
  )
  expect((await compareWithRuntime(model, sample)).largestDifference).toBeLessThan(1e-5)
})

interface BundledSet {
  readonly objective: Objective
  readonly x: number[][]
  readonly y: number[]
  readonly folds: { readonly train: number[]; readonly test: number[] }[]
  readonly losses: Record<'gradient_boosting' | 'linear', number[]>
  readonly linearAnswers: number[][]
}

describe('on the bundled sets, over the same 5 times 5 folds', () => {
  let sets: Record<string, BundledSet>
  beforeAll(async () => {
    await python('folds')
    sets = JSON.parse(await readFile(join(directory, 'folds.json'), 'utf8')) as Record<string, BundledSet>
  }, 300_000)

  test.each(['breast_cancer', 'diabetes', 'wine'])(
    '%s: the mean loss of boosting is within one standard error of scikit-learn',
    async (name) => {
      const set = sets[name]!
      const theirs = set.losses.gradient_boosting
      const ours = await foldLosses(set, { trainer: 'gradient_boosting', objective: set.objective })
      const [mean, reference] = [average(ours.losses), average(theirs)]
      const error = Math.sqrt(average(theirs.map((loss) => (loss - reference) ** 2)) / (theirs.length - 1))
      process.stdout.write(
        `${name}: loss ${mean.toFixed(5)}, scikit-learn ${reference.toFixed(5)}, standard error ${error.toFixed(5)}\n`,
      )
      expect(ours.losses).toHaveLength(25)
      expect(mean).toBeLessThan(reference + error)
    },
  )

  test.each(['breast_cancer', 'diabetes', 'wine'])(
    '%s: the linear model predicts what scikit-learn predicts',
    async (name) => {
      const set = sets[name]!
      const trainer = set.objective === 'regression' ? 'linear_regression' : 'logistic_regression'
      const ours = await foldLosses(set, { trainer, objective: set.objective })
      const scale = set.objective === 'regression' ? 100 : 1
      for (const [fold, answers] of ours.answers.entries()) {
        const largest = answers.reduce(
          (most, answer, index) => Math.max(most, Math.abs(answer - set.linearAnswers[fold]![index]!)),
          0,
        )
        expect(largest / scale).toBeLessThan(2e-4)
      }
    },
  )
})

test('onnx.checker accepts what every trainer exports, for each objective and kind of column', async () => {
  const cases = [
    ['gradient_boosting', 'binary'],
    ['gradient_boosting', 'multiclass'],
    ['gradient_boosting', 'regression'],
    ['logistic_regression', 'binary'],
    ['logistic_regression', 'multiclass'],
    ['linear_regression', 'regression'],
  ] as const
  for (const [trainer, objective] of cases) {
    const frame = syntheticFrame({ rows: 1000, seed: 1, objective })
    const calendar = ['minute_of_day', 'hour', 'weekday', 'day_of_month', 'month', 'days_since_1970']
    const model = await train({ spec: TrainerSpec.parse({ trainer, objective, calendar }), frame, seed: 1, threads: 1 })
    await writeFile(join(directory, `${trainer}-${objective}.onnx`), model.onnx)
  }
  expect(((await python('check')) as { checked: string[] }).checked).toHaveLength(cases.length)
})

async function foldLosses(set: BundledSet, spec: unknown): Promise<{ losses: number[]; answers: number[][] }> {
  const frame: Frame = {
    rowCount: set.y.length,
    columns: set.x[0]!.map((_, column) => ({
      kind: 'number',
      name: `c${column}`,
      values: Float64Array.from(set.x, (row) => row[column]!),
    })),
    target: Float64Array.from(set.y),
  }
  const losses: number[] = []
  const answers: number[][] = []
  for (const fold of set.folds) {
    const model = await train({
      spec: TrainerSpec.parse(spec),
      frame: takeRows(frame, fold.train),
      seed: 1,
      threads: 1,
    })
    const held = takeRows(frame, fold.test)
    const predicted = model.predict(held)
    answers.push([...predicted])
    losses.push(average(Array.from(held.target, (label, row) => lossOf(model.classes, predicted, { row, label }))))
  }
  return { losses, answers }
}

function lossOf(classes: number, predicted: Float64Array, { row, label }: { row: number; label: number }): number {
  return classes === 1 ? (predicted[row]! - label) ** 2 : -Math.log(Math.max(1e-15, predicted[row * classes + label]!))
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
