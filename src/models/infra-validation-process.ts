// The disposable process of an infra validation: one request on standard input, one result on standard output. It may hang; its parent kills it.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { monotonicMs } from '../platform/clock.ts'
import { DomainError, messageOf } from '../platform/errors.ts'
import { quantileOfSorted } from '../statistics/bootstrap.ts'
import { Examples, examplesTolerance } from './examples.ts'
import { loadModel, loadUnchecked, type LoadedModel } from './inference.ts'
import { assertRowsIndependent, plainRows } from './independence.ts'
import type { InfraFailure, InfraResult, RunLatency } from './infra-result.ts'
import { openEngine } from './onnx/engine.ts'
import { appendRow, appendRows, createBatch, type Batch } from './rows.ts'
import { Signature } from './signature.ts'

const Request = z.strictObject({
  path: z.string(),
  signature: Signature,
  examples: Examples,
  isChecked: z.boolean().default(true),
  measureMs: z.number().nonnegative().default(1500),
})
type Request = z.infer<typeof Request>

const warmUpRuns = 20
const oneRowRunsMax = 1000
const hundredRowsRunsMax = 200

/** What stops the validation, with its reason. */
class Refusal extends Error {
  readonly failure: z.infer<typeof InfraFailure>
  constructor(failure: z.infer<typeof InfraFailure>, reason: string) {
    super(reason)
    this.failure = failure
  }
}

async function validate(request: Request): Promise<InfraResult> {
  const bytes = await readFile(request.path)
  // The engine's own size is no model's.
  const engine = await openEngine()
  const residentBefore = process.memoryUsage.rss()
  const { signature, examples, measureMs } = request
  const started = monotonicMs()
  const model = await load(() =>
    request.isChecked ? loadModel(bytes, { signature }) : loadUnchecked(engine, { bytes, signature }),
  )
  const loadMs = monotonicMs() - started
  const differenceMax = await askExamples(model, examples)
  const [first, second] = examples.rows
  if (first && second) await assertRowsIndependent(model, [first, second])
  const hundred = hundredRows(signature, examples)
  const one = createBatch(signature)
  appendRows(one, hundred, [0, 1])
  return {
    passed: true,
    loadMs,
    oneRow: await timed(model, one, { runsMax: oneRowRunsMax, measureMs }),
    hundredRows: await timed(model, hundred, { runsMax: hundredRowsRunsMax, measureMs }),
    residentBytes: Math.max(0, process.memoryUsage.rss() - residentBefore),
    examples: examples.rows.length,
    differenceMax,
  }
}

async function load(loading: () => Promise<LoadedModel>): Promise<LoadedModel> {
  try {
    return await loading()
  } catch (error) {
    const isGraph = error instanceof DomainError && error.code.startsWith('graph_')
    throw new Refusal(isGraph ? 'graph_refused' : 'load_failed', messageOf(error))
  }
}

/** Largest difference from what the trainer said, over all examples. */
async function askExamples(model: LoadedModel, { rows, outputs }: Examples): Promise<number> {
  if (outputs.length !== rows.length) {
    throw new Refusal('answer_differs', `${rows.length} stored examples have ${outputs.length} expected outputs`)
  }
  const batch = createBatch(model.signature)
  rows.forEach((row, index) => appendRow(batch, row, { row: index }))
  const { values, width } = await model.run(batch)
  let differenceMax = 0
  for (const [row, expected] of outputs.entries()) {
    if (expected.length !== width)
      throw new Refusal('answer_differs', `example ${row} expects ${expected.length} numbers, the model gives ${width}`)
    for (const [index, wanted] of expected.entries()) {
      const value = values[row * width + index]!
      if (!Number.isFinite(value)) throw new Refusal('answer_not_finite', `example ${row}: the model answered ${value}`)
      const difference = Math.abs(value - wanted) / Math.max(1, Math.abs(wanted))
      if (difference > examplesTolerance) {
        throw new Refusal('answer_differs', `example ${row}: expected ${wanted}, the model answered ${value}`)
      }
      differenceMax = Math.max(differenceMax, difference)
    }
  }
  return differenceMax
}

/** The examples over and over; without any, rows that fit every model. */
function hundredRows(signature: Signature, { rows }: Examples): Batch {
  const batch = createBatch(signature, 100)
  const [plain] = plainRows(signature)
  for (let index = 0; index < 100; index++) appendRow(batch, rows[index % rows.length] ?? plain)
  return batch
}

/** The first run always counts, however little time there is. */
async function timed(
  model: LoadedModel,
  batch: Batch,
  { runsMax, measureMs }: { runsMax: number; measureMs: number },
): Promise<z.infer<typeof RunLatency>> {
  const until = monotonicMs() + measureMs
  for (let run = 0; run < warmUpRuns && monotonicMs() < until; run++) await model.run(batch)
  const times: number[] = []
  do {
    const started = monotonicMs()
    await model.run(batch)
    times.push(monotonicMs() - started)
  } while (times.length < runsMax && monotonicMs() < until)
  const sorted = Float64Array.from(times).sort()
  return { p50Ms: quantileOfSorted(sorted, 0.5), p99Ms: quantileOfSorted(sorted, 0.99), runs: times.length }
}

async function main(): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  let result: InfraResult
  try {
    result = await validate(Request.parse(JSON.parse(Buffer.concat(chunks).toString())))
  } catch (error) {
    if (error instanceof Refusal) result = { passed: false, failure: error.failure, reason: error.message }
    else if (error instanceof DomainError) {
      const failure = error.code.startsWith('graph_') ? 'graph_refused' : 'run_failed'
      result = { passed: false, failure, reason: error.message }
    } else throw error // A bug of ours: the parent tells it with the stack.
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

await main()
