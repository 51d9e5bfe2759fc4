// Loading and letting go of models, hundreds of times: the memory of a worker and of its compute process stays where it was.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { floatTensor, integerAttribute, modelFile, node, regressionModel, valueInfo } from '../../models/testing.ts'
import { silentLog } from '../../platform/log.ts'
import { startTestWorker, testEndpoint, testVariant, type TestModel } from '../testing.ts'
import { createCompute } from './compute/compute.ts'

const float = 1
const weights = 500_000
const modelBytes = weights * 4

/** x and the mean of two megabytes of weights. */
function largeModel(fill: number): TestModel {
  const bytes = modelFile({
    inputs: [valueInfo('x', float, ['N', 1])],
    outputs: [valueInfo('prediction', float, ['N', 1])],
    initializers: [
      floatTensor(
        'weights',
        [weights],
        Array.from({ length: weights }, (_, at) => fill + (at % 7)),
      ),
    ],
    nodes: [
      node({
        operator: 'ReduceMean',
        inputs: ['weights'],
        outputs: ['mean'],
        attributes: [integerAttribute('keepdims', 0)],
      }),
      node({ operator: 'Add', inputs: ['x', 'mean'], outputs: ['prediction'] }),
    ],
  })
  return { bytes, signature: regressionModel().signature }
}

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(?<kilobytes>\d+)/mv.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.groups?.['kilobytes']) *
  1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** The least of some samples: what is only not collected yet does not count, as far as that is seen. */
const least = (samples: readonly number[], from: number, to: number): number => Math.min(...samples.slice(from, to))

/** A leak of a whole model at each turn would be 300 of them. */
const modelsLeftMax = 30
/** Where nobody collects what is left: V8 lets bytes outside of its heap stand for a while. */
const modelsUncollectedMax = 75

test('a worker that takes 400 versions in and lets them go again is no larger than after the first 100', async () => {
  const models = [largeModel(1), largeModel(2)]
  const configOf = (generation: number) => ({
    generation,
    endpoints: [testEndpoint([testVariant(generation, models[generation % 2]!)])],
  })
  await using gateway = await startTestWorker(configOf(0), models)
  const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [1], data: [1] }] })
  const samples: number[] = []
  for (let generation = 1; generation <= 400; generation++) {
    const { failures } = await gateway.worker.apply(configOf(generation))
    expect(failures).toEqual([])
    const response = await fetch(`${gateway.url}/v2/models/flights/infer`, { method: 'POST', body })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ model_version: String(generation) })
    if (generation % 10 === 0) collect()
    samples.push(residentBytes(process.pid))
  }
  const growth = least(samples, 350, 400) - least(samples, 50, 100)
  expect(growth / modelBytes, `${samples.filter((_, at) => at % 50 === 0).join(', ')}`).toBeLessThan(modelsLeftMax)
})

test('a compute process that loads and releases 400 times is no larger than after the first 100', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-memory-'))
  const { bytes, signature } = largeModel(1)
  const path = join(directory, 'model')
  writeFileSync(path, bytes)
  let pid = 0
  const deps = { lost: () => undefined, copied: () => undefined, log: silentLog }
  const compute = createCompute({ ...deps, noteProcess: (found) => (pid = found ?? 0) })
  try {
    const samples: number[] = []
    for (let turn = 0; turn < 400; turn++) {
      const model = await compute.load({ version: `m/${turn}`, path, signature: signature! })
      await model.release()
      samples.push(residentBytes(pid))
    }
    const growth = least(samples, 350, 400) - least(samples, 50, 100)
    expect(growth / modelBytes, `${samples.filter((_, at) => at % 50 === 0).join(', ')}`).toBeLessThan(
      modelsUncollectedMax,
    )
  } finally {
    compute.close()
    rmSync(directory, { recursive: true })
  }
})
