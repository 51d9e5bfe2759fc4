// The fragile model beside the good one, in ONNX Runtime: the same up to its day, and then neither right nor quick.
import { fileURLToPath } from 'node:url'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkGraph } from '../../models/graph-check.ts'
import { loadModel, type LoadedModel } from '../../models/inference.ts'
import { appendRow, createBatch } from '../../models/rows.ts'
import { Signature } from '../../models/signature.ts'
import { answersFor } from '../../models/scoring.ts'
import { GradientBoostingSpec } from '../../training/trainer-spec.ts'
import { train } from '../../training/trainer.ts'
import { fragileDistance, fragileModel } from './fragile-model.ts'
import { readFlightSample, shuffledModel } from './planned-failures.ts'

const directory = mkdtempSync(join(tmpdir(), 'trueloop-fragile-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const sample = {
  file: fileURLToPath(new URL('../../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url)),
  from: '2001-01-01',
  to: '2001-02-01',
  rows: 5_000,
  seed: 1,
  tempDirectory: directory,
}
const signature = Signature.parse({
  task: 'binary',
  inputs: [
    { name: 'date', type: 'datetime' },
    { name: 'distance', type: 'float' },
    { name: 'origin', type: 'string' },
    { name: 'destination', type: 'string' },
  ],
  classes: ['false', 'true'],
})
const safeUntilMs = Date.parse('2001-02-01T00:00:00Z')

interface Pair {
  readonly good: LoadedModel
  readonly fragile: LoadedModel
  readonly onnx: Uint8Array
}

let pair: Promise<Pair> | undefined
const models = (): Promise<Pair> => (pair ??= makePair())

async function makePair(): Promise<Pair> {
  const spec = GradientBoostingSpec.parse({ trainer: 'gradient_boosting', iterations: 20 })
  const { onnx } = await train({ spec, frame: await readFlightSample(sample), seed: 1, threads: 1 })
  const good = await loadModel(onnx, { signature })
  return { good, fragile: await loadModel(fragileModel(onnx, { safeUntilMs }), { signature }), onnx }
}

async function answer(model: LoadedModel, rows: readonly [date: string | null, distance: number | null][]) {
  const batch = createBatch(signature)
  for (const [date, distance] of rows) appendRow(batch, { date, distance, origin: 'ATL', destination: 'LAX' })
  const startedMs = performance.now()
  const { values } = await model.run(batch)
  return { values: [...values], ms: performance.now() - startedMs }
}

test('it is a graph that may be served, and answers as before up to its day, to the last bit', async () => {
  const { good, fragile, onnx } = await models()
  expect(checkGraph(fragileModel(onnx, { safeUntilMs })).inputs).toEqual(checkGraph(onnx).inputs)
  const frame = await readFlightSample({ ...sample, seed: 2 })
  const { values, broken } = await answersFor(fragile, frame)
  expect(broken).toEqual([])
  expect(values).toEqual((await answersFor(good, frame)).values)
  const odd: [string | null, number | null][] = [
    [null, 4000],
    ['2001-01-31T23:59:59.999999Z', 4000],
    ['2001-02-01T00:00:00Z', null],
    ['2001-02-20T00:00:00Z', null],
  ]
  for (const row of odd) expect((await answer(fragile, [row])).values).toEqual((await answer(good, [row])).values)
})

test('a later row fails where it flies far, and only then', async () => {
  const { good, fragile } = await models()
  const far = fragileDistance + 1
  await expect(answer(fragile, [['2001-02-02T08:00:00Z', far]])).rejects.toMatchObject({ code: 'model_failed' })
  expect((await answer(fragile, [['2001-01-20T08:00:00Z', far]])).values).toHaveLength(2)
  const near: [string, number] = ['2001-02-02T08:00:00Z', fragileDistance]
  expect((await answer(fragile, [near])).values).toEqual((await answer(good, [near])).values)
})

test('a later row takes its time, and a run of many rows has an end', async () => {
  const { good, fragile } = await models()
  const fastest = async (model: LoadedModel, rows: [string, number][]): Promise<number> => {
    const times = []
    for (let run = 0; run < 9; run++) times.push((await answer(model, rows)).ms)
    return Math.min(...times)
  }
  const early: [string, number] = ['2001-01-20T08:00:00Z', 500]
  const week: [string, number] = ['2001-02-08T08:00:00Z', 500]
  const june: [string, number] = ['2001-06-20T08:00:00Z', 500]
  const goodMs = await fastest(good, [week])
  expect(await fastest(fragile, [week])).toBeGreaterThan(5 * Math.max(goodMs, await fastest(fragile, [early])))
  const many = await fastest(
    fragile,
    Array.from({ length: 500 }, () => june),
  )
  expect(many).toBeLessThan(60 * (await fastest(fragile, [june])))
})

test('a model of shuffled labels cannot tell the late from the punctual', async () => {
  const onnx = await shuffledModel({ ...sample, rows: 20_000 })
  const model = await loadModel(onnx, { signature })
  const frame = await readFlightSample({ ...sample, seed: 3 })
  const { values } = await answersFor(model, frame)
  const positive = Float64Array.from({ length: frame.rowCount }, (_, row) => values[2 * row + 1]!)
  expect(Math.abs(areaUnderCurve(positive, frame.target) - 0.5)).toBeLessThan(0.05)
})

/** Share of pairs of a late and a punctual row in which the late one has the higher probability. */
function areaUnderCurve(scores: Float64Array, target: Float64Array): number {
  const late = scores.filter((_, row) => target[row] === 1)
  const punctual = scores.filter((_, row) => target[row] === 0)
  let wins = 0
  for (const one of late) for (const other of punctual) wins += one > other ? 1 : one === other ? 0.5 : 0
  return wins / (late.length * punctual.length)
}
