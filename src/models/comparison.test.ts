// Real trainers, real ONNX Runtime: two models on the same held-out rows, what the gate says of them, and the baseline of one.
import { beforeAll, expect, test } from 'vitest'
import { areaUnderCurve } from '../statistics/classification.ts'
import { createGenerator } from '../statistics/random.ts'
import { takeRows, type Frame } from '../training/frame.ts'
import { TrainerSpec } from '../training/trainer-spec.ts'
import { train } from '../training/trainer.ts'
import { computeBaseline, crossFittedDays } from './baseline-builder.ts'
import { baselineFits, Baseline } from './baseline.ts'
import { evaluatePair } from './comparison.ts'
import { GateEvidence } from './evaluation.ts'
import { examplesFrom } from './examples.ts'
import { loadModel, type LoadedModel } from './inference.ts'
import { Examples } from './examples.ts'
import { answersFor, decodeLosses, encodeLosses } from './scoring.ts'
import { slicesOf } from './slice.ts'
import { smallModel, smallSignature } from './testing.ts'

const signature = smallSignature
const spec = TrainerSpec.parse({ trainer: 'gradient_boosting', iterations: 20, maxLeaves: 8 })
const options = { confidence: 0.95, resamples: 300, seed: 1 }
const carriers = ['AA', 'BB', 'CC', '']

/** Ten days of rows; the target depends on x and the carrier. */
function frameOf(rowCount: number, seed: number): Frame {
  const generator = createGenerator(seed)
  const x = Float64Array.from({ length: rowCount }, () =>
    generator.uniform() < 0.05 ? Number.NaN : generator.uniform() * 4 - 2,
  )
  const codes = Int32Array.from({ length: rowCount }, () => generator.integer(5) - 1)
  const micros = BigInt64Array.from(
    { length: rowCount },
    (_, row) => BigInt(Math.floor((row / rowCount) * 10 * 86_400)) * 1_000_000n,
  )
  const target = Float64Array.from(x, (value, row) => {
    const logit = (Number.isNaN(value) ? 0 : value) + (codes[row] === 0 ? 1 : -0.5)
    return generator.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0
  })
  const columns = [
    { kind: 'number', name: 'x', values: x },
    { kind: 'category', name: 'carrier', codes, categories: carriers },
    { kind: 'time', name: 'date', micros },
    { kind: 'number', name: 'unused', values: x },
  ] as const
  return { rowCount, columns, target }
}

const numbersOf = ({ columns: [x] }: Frame): Float64Array => (x?.kind === 'number' ? x.values : new Float64Array())
const codesOf = ({ columns: [, carrier] }: Frame): Int32Array =>
  carrier?.kind === 'category' ? carrier.codes : new Int32Array()
const withoutUnused = (frame: Frame): Frame => ({ ...frame, columns: frame.columns.slice(0, 3) })
const shuffled = (frame: Frame): Frame => ({
  ...frame,
  target: frame.target.toReversed().map((_, row) => ((row * 7919) % 3 === 0 ? 1 : 0)),
})
const trained = (frame: Frame) => train({ spec, frame: withoutUnused(frame), seed: 1, threads: 1 })
const loaded = async (frame: Frame): Promise<LoadedModel> => loadModel((await trained(frame)).onnx, { signature })

const training = frameOf(4000, 1)
const heldOut = frameOf(6000, 2)
let good: LoadedModel
let bad: LoadedModel
beforeAll(async () => {
  good = await loaded(training)
  bad = await loaded(shuffled(training))
})

test('the graph answers as the trainer predicts, and stored examples say so', async () => {
  const model = await trained(training)
  const predicted = model.predict(withoutUnused(heldOut))
  const answers = await answersFor(good, heldOut)
  expect(answers.broken).toEqual([])
  const differences = answers.values.map((value, index) => Math.abs(value - predicted[index]!))
  expect(Math.max(...differences)).toBeLessThan(1e-5)
  const examples = examplesFrom({ frame: heldOut, signature }, { values: predicted, width: 2 }, 10)
  expect(Examples.parse(examples)).toEqual(examples)
  expect(Object.keys(examples.rows[0]!)).toEqual(['x', 'carrier', 'date'])
  expect(examples.rows[1]!['date']).toBe('1970-01-02T00:00:00.000000Z')
  expect(examples.outputs[3]).toEqual([predicted[2 * 1800], predicted[2 * 1800 + 1]])
})

test('a better candidate is better by an interval that says so, a worse one worse, the same one not at all', async () => {
  const of = (candidate: LoadedModel, champion: LoadedModel | null) =>
    evaluatePair({ candidate, champion, frame: heldOut, slices: [{ column: 'carrier', most: 10 }], options })
  const { evidence: better, losses } = await of(good, bad)
  expect(GateEvidence.parse(JSON.parse(JSON.stringify(better)))).toEqual(better)
  expect(better.comparison!.upper).toBeLessThan(0)
  expect(better.candidate.metrics.auc).toBeGreaterThan(0.7)
  expect(better.comparison!.difference).toBeCloseTo(
    better.candidate.metrics.log_loss! - better.champion!.metrics.log_loss!,
    6,
  )
  expect(losses).toHaveLength(6000)
  expect(losses.reduce((sum, loss) => sum + loss, 0) / 6000).toBeCloseTo(better.candidate.metrics.log_loss!, 5)
  expect(decodeLosses(encodeLosses(losses))).toEqual(losses)
  const { evidence: worse } = await of(bad, good)
  expect(worse.comparison!.lower).toBeGreaterThan(0)
  const { evidence: same } = await of(good, good)
  expect(same.comparison).toMatchObject({ difference: 0, lower: 0, upper: 0, rows: 6000 })
  const { evidence: first } = await of(good, null)
  expect(first).toMatchObject({ champion: null, comparison: null, sliceComparisons: [] })
  const { evidence: byArea } = await evaluatePair({
    candidate: good,
    champion: bad,
    frame: heldOut,
    slices: [],
    options: { ...options, metric: 'auc' },
  })
  expect(byArea.comparison!.upper).toBeLessThan(0)
  const mse = evaluatePair({
    candidate: good,
    champion: bad,
    frame: heldOut,
    slices: [],
    options: { ...options, metric: 'mse' },
  })
  await expect(mse).rejects.toMatchObject({ code: 'metric_unsuited' })
})

test('slices hold the rows they name, and their metrics are those of the rows alone', async () => {
  const specs = [
    { column: 'carrier', most: 2 },
    { column: 'x', edges: [0, 1] },
    { column: 'date', calendar: 'weekday' as const },
    {
      name: 'mine',
      where: [
        { column: 'carrier', in: ['AA'] },
        { column: 'x', from: 0 },
      ],
    },
  ]
  const slices = slicesOf(heldOut, specs)
  const rowsOf = (name: string) => slices.find((slice) => slice.name === name)!.rows
  const sizeOf = (...names: string[]) => names.reduce((sum, name) => sum + rowsOf(name).length, 0)
  expect(sizeOf('x < 0', '0 <= x < 1', 'x >= 1', 'x missing')).toBe(6000)
  expect(slices.filter(({ name }) => name.startsWith('date on'))).toHaveLength(7)
  expect(rowsOf('date on Thursday')[0]).toBe(0)
  const { evidence } = await evaluatePair({ candidate: good, champion: bad, frame: heldOut, slices: specs, options })
  const mine = takeRows(heldOut, rowsOf('mine'))
  expect(new Set(codesOf(mine))).toEqual(new Set([0]))
  const answers = await answersFor(good, mine)
  const area = areaUnderCurve(
    mine.target,
    Array.from(mine.target, (_, row) => answers.values[row * 2 + 1]!),
  )
  const found = evidence.candidate.slices.find(({ name }) => name === 'mine')!
  expect(found).toMatchObject({ rows: mine.rowCount, metrics: { auc: area } })
  expect(() => slicesOf(heldOut, [{ column: 'nope', most: 3 }])).toThrow(
    expect.objectContaining({ code: 'slice_column' }),
  )
  expect(() => slicesOf(heldOut, [{ column: 'x', most: 3 }])).toThrow('which is a number column')
})

test('rows on which a model fails are counted and left out, one by one', async () => {
  const fragile = await loadModel(smallModel({ weights: [0, 0.5, -0.5] }), { signature })
  const { evidence } = await evaluatePair({ candidate: fragile, champion: good, frame: heldOut, slices: [], options })
  const column = heldOut.columns[1]!
  const x = heldOut.columns[0]!
  const isBroken = (row: number): boolean =>
    (column.kind === 'category' && column.codes[row] === 2) || (x.kind === 'number' && Number.isNaN(x.values[row]))
  const broken = Array.from(heldOut.target.keys()).filter(isBroken).length
  expect(broken).toBeGreaterThan(1000)
  expect(evidence.candidate).toMatchObject({ brokenRows: broken, rows: 6000 - broken })
  expect(evidence.comparison!.rows).toBe(6000 - broken)
})

test('rows that lack a column of the model are refused by its name', async () => {
  const lacking = { ...heldOut, columns: heldOut.columns.slice(1) }
  await expect(answersFor(good, lacking)).rejects.toMatchObject({
    code: 'input_column_missing',
    message: expect.stringContaining('"x"') as string,
  })
})

test('a baseline counts every training row in each feature, and knows each day by a model that has not seen it', async () => {
  const seen: number[] = []
  const trainPart = async (part: Frame) => {
    seen.push(part.rowCount)
    const model = await trained(part)
    return (rows: Frame) => model.predict(withoutUnused(rows))
  }
  const time = training.columns[2]!
  const days = await crossFittedDays(trainPart, {
    frame: training,
    signature,
    micros: time.kind === 'time' ? time.micros : new BigInt64Array(),
  })
  expect(seen).toEqual([3200, 3200, 3200, 3200, 3200])
  expect(days.map(({ rows }) => rows)).toEqual(Array.from({ length: 10 }, () => 400))
  expect(days.reduce((sum, day) => sum + day.sumObserved, 0)).toBe(
    training.target.reduce((sum, label) => sum + label, 0),
  )
  expect(Math.abs(days.reduce((sum, day) => sum + day.sumPredicted - day.sumObserved, 0)) / 4000).toBeLessThan(0.02)
  const answers = await answersFor(good, training)
  const baseline = computeBaseline({ frame: training, signature, answers, days })
  expect(Baseline.parse(JSON.parse(JSON.stringify(baseline)))).toEqual(baseline)
  baselineFits(baseline, signature)
  expect(baseline.features.map(({ name, derive }) => `${name}.${derive}`)).toEqual([
    'x.value',
    'carrier.value',
    'date.hour',
    'date.weekday',
  ])
  for (const { counts } of [...baseline.features, baseline.prediction])
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4000)
  const [x, carrier, hour, weekday] = baseline.features
  expect(x!.counts[0]).toBe(numbersOf(training).filter(Number.isNaN).length)
  // Code -1 and the category '' are both missing.
  const codes = codesOf(training)
  expect(carrier!.counts[0]).toBe(codes.filter((code) => code === -1 || code === 3).length)
  expect(hour!.counts.slice(2, 26).every((count) => count > 100)).toBe(true)
  expect(weekday!.counts.slice(2, 9)).toEqual([400, 400, 400, 800, 800, 800, 400])
})
