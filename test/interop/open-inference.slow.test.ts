// Stock clients of the Open Inference Protocol over HTTP against a real worker: Triton's client, KServe's SDK, MLServer's types.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Signature } from '../../src/models/signature.ts'
import {
  integerAttribute,
  longTensor,
  modelFile,
  node,
  regressionModel,
  smallModel,
  smallSignature,
  valueInfo,
} from '../../src/models/testing.ts'
import {
  startTestWorker,
  testEndpoint,
  testVariant,
  type TestModel,
  type TestWorker,
} from '../../src/serving/testing.ts'
import { ensureVenv } from './venv.ts'

const run = promisify(execFile)
const [float, int64] = [1, 7]

/** How far an id is from 2^53: right only where whole numbers arrive exactly. */
function idModel(): { bytes: Uint8Array; signature: Signature } {
  const bytes = modelFile({
    inputs: [valueInfo('id', int64, ['N', 1])],
    outputs: [valueInfo('prediction', float, ['N', 1])],
    initializers: [longTensor('base', [1], [2 ** 53])],
    nodes: [
      node({ operator: 'Sub', inputs: ['id', 'base'], outputs: ['distance'] }),
      node({
        operator: 'Cast',
        inputs: ['distance'],
        outputs: ['prediction'],
        attributes: [integerAttribute('to', float)],
      }),
    ],
  })
  const signature: Signature = {
    task: 'regression',
    inputs: [{ name: 'id', type: 'long', required: true }],
    classes: [],
    tensors: [{ name: 'id', elementType: 'int64', columns: ['id'] }],
  }
  return { bytes, signature }
}

const small = smallModel()
const models: Readonly<Record<string, TestModel>> = {
  flights: { bytes: small },
  price: regressionModel(),
  ids: idModel(),
  numbered: { bytes: small, signature: { ...smallSignature, classes: ['0', '1'] } },
  flagged: { bytes: small, signature: { ...smallSignature, classes: ['false', 'true'] } },
}

let gateway: TestWorker
beforeAll(async () => {
  const endpoints = Object.entries(models).map(([name, model], at) => {
    const variant = testVariant(at + 1, model)
    return testEndpoint([{ ...variant, version: name === 'flights' ? variant.version : `${name}/1` }], { name })
  })
  gateway = await startTestWorker({ generation: 1, endpoints }, Object.values(models))
})
afterAll(async () => gateway[Symbol.asyncDispose]())

/** Runs a script and answers how many things it found to be right; it fails with the first that is not. */
async function checksOf(script: string, packages: readonly string[], venv: string): Promise<number> {
  const { python } = await ensureVenv(packages, venv)
  const folder = join(import.meta.dirname, 'open_inference')
  const { stdout } = await run(python, [join(folder, script), new URL(gateway.url).host])
  return Number(stdout.trim().split('\n').at(-1))
}

const triton = ['tritonclient[http]==2.73.0']

test('Triton’s client: health, metadata, tensors of every kind, compression, model control, statistics, refusals', async () => {
  expect(await checksOf('triton_http.py', triton, 'triton-http')).toBeGreaterThan(150)
})

test('Triton’s client with asyncio: 200 requests at once', async () => {
  expect(await checksOf('triton_aio.py', triton, 'triton-http')).toBeGreaterThan(400)
})

test('KServe’s SDK with the protocol v2', async () => {
  expect(await checksOf('kserve_v2.py', ['kserve==0.21.0'], 'kserve')).toBeGreaterThan(10)
})

test('MLServer’s types take every answer, and its codecs are understood', async () => {
  expect(await checksOf('mlserver_types.py', ['mlserver==1.7.1', 'pandas==2.3.3'], 'mlserver')).toBeGreaterThan(20)
})
