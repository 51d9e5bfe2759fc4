// The disposable process, with models that are good, wrong, refused and endless.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Examples } from './examples.ts'
import { assertInfraPassed, validateInfra } from './infra-validation.ts'
import {
  endlessModel,
  floatTensor,
  fragileModel,
  modelFile,
  node,
  regressionModel,
  smallModel,
  smallSignature,
  valueInfo,
} from './testing.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'infra-validation-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

let files = 0
async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(directory, `${++files}.onnx`)
  await writeFile(path, bytes)
  return path
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))
const example = (x: number, carrier: string, logit: number) => ({
  row: { x, carrier, date: '2001-01-01' },
  output: [1 - sigmoid(logit), sigmoid(logit)],
})
const examplesOf = (all: readonly ReturnType<typeof example>[]): Examples => ({
  rows: all.map(({ row }) => row),
  outputs: all.map(({ output }) => output),
})
const good = examplesOf([example(1, 'AA', 1.5), example(-2, 'BB', -2.5)])

test('a good model passes with its times, its size and its largest difference', async () => {
  const path = await fileOf(smallModel())
  const result = await validateInfra({ path, signature: smallSignature, examples: good })
  assertInfraPassed('small/1', result)
  expect(result.examples).toBe(2)
  expect(result.differenceMax).toBeLessThan(1e-6)
  expect(result.loadMs).toBeGreaterThan(0)
  expect(result.oneRow.runs).toBeGreaterThan(10)
  expect(result.oneRow.p50Ms).toBeLessThanOrEqual(result.oneRow.p99Ms)
  expect(result.hundredRows.p50Ms).toBeGreaterThan(0)
})

test('a model whose answers change with the rows beside them is refused, should only real rows show it', async () => {
  // x and the mean, over the batch, of what is above 10.
  const above = modelFile({
    inputs: [valueInfo('x', 1, ['N', 1])],
    outputs: [valueInfo('prediction', 1, ['N', 1])],
    initializers: [floatTensor('ten', [1], [10])],
    nodes: [
      node({ operator: 'Sub', inputs: ['x', 'ten'], outputs: ['rest'] }),
      node({ operator: 'Relu', inputs: ['rest'], outputs: ['above'] }),
      node({ operator: 'ReduceMean', inputs: ['above'], outputs: ['mean'] }),
      node({ operator: 'Add', inputs: ['x', 'mean'], outputs: ['prediction'] }),
    ],
  })
  const examples = { rows: [{ x: 20 }, { x: 30 }], outputs: [[35], [45]] }
  const { signature } = regressionModel()
  const result = await validateInfra({ path: await fileOf(above), signature, examples })
  expect(result).toMatchObject({ passed: false, failure: 'graph_refused' })
  expect(result).toMatchObject({ reason: expect.stringContaining('the rows beside it') as string })
})

test('a model that answers otherwise than its trainer, fails, or is no model is refused with the reason', async () => {
  const wrong = examplesOf([example(1, 'AA', 1.5), example(1, 'BB', 1.5)])
  const rare = examplesOf([example(1, 'AA', 1.5), example(1, 'ZZ', 1)])
  const small = { signature: smallSignature, examples: good }
  const results = await Promise.all([
    validateInfra({ ...small, path: await fileOf(smallModel()), examples: wrong }),
    validateInfra({ ...small, path: await fileOf(fragileModel()), examples: rare }),
    validateInfra({ ...small, path: await fileOf(smallModel().subarray(0, 300)) }),
    validateInfra({ ...small, path: await fileOf(regressionModel().bytes) }),
  ])
  expect(results).toMatchObject([
    { passed: false, failure: 'answer_differs', reason: expect.stringContaining('example 1: expected') as string },
    { passed: false, failure: 'run_failed', reason: expect.stringContaining('failed on these rows') as string },
    { passed: false, failure: 'graph_refused', reason: expect.stringContaining('no whole ONNX model') as string },
    { passed: false, failure: 'graph_refused', reason: expect.stringContaining('"carrier" is no input') as string },
  ])
  expect(() => assertInfraPassed('small/2', results[0]!)).toThrow(
    expect.objectContaining({ code: 'infra_validation_failed' }),
  )
})

test('a graph that would run for ever is refused by the policy, and killed where the policy was skipped', async () => {
  const { bytes, signature } = endlessModel()
  const request = { path: await fileOf(bytes), signature, examples: { rows: [{ x: 1 }], outputs: [[1]] } }
  expect(await validateInfra(request)).toMatchObject({
    failure: 'graph_refused',
    reason: expect.stringContaining('Loop') as string,
  })
  const result = await validateInfra({ ...request, isChecked: false }, { timeoutMs: 1200 })
  expect(result).toMatchObject({ passed: false, failure: 'timeout' })
})

test('a validation that nobody waits for any more is ended', async () => {
  const { bytes, signature } = endlessModel()
  const examples = { rows: [{ x: 1 }], outputs: [[1]] }
  const stop = new AbortController()
  const running = validateInfra(
    { path: await fileOf(bytes), signature, examples, isChecked: false },
    { signal: stop.signal },
  )
  setTimeout(() => stop.abort(new Error('cancelled')), 500)
  await expect(running).rejects.toThrow('cancelled')
})

test('a process that cannot even read its model tells how it ended', async () => {
  const path = join(directory, 'absent.onnx')
  const result = await validateInfra({ path, signature: smallSignature, examples: good })
  expect(result).toMatchObject({
    passed: false,
    failure: 'crashed',
    reason: expect.stringContaining('ENOENT') as string,
  })
})
