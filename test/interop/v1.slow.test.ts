// TensorFlow Serving's REST protocol, KServe's V1, as KServe's own client and TensorFlow Serving's documented requests speak it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { regressionModel, smallModel, smallSignature } from '../../src/models/testing.ts'
import { startTestWorker, testEndpoint, testVariant } from '../../src/serving/testing.ts'
import { ensureVenv } from './venv.ts'

const run = promisify(execFile)

interface Seen {
  readonly kserve: Readonly<Record<string, unknown>>
  readonly tensorflow: Readonly<Record<string, unknown>>
}

/** A date that the model does not look at may be left out. */
const late = {
  bytes: smallModel(),
  signature: {
    ...smallSignature,
    inputs: smallSignature.inputs.map((input) => ({ ...input, required: input.name !== 'date' })),
  },
}
const near = (...values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 3) as unknown)

test('stock clients of V1 take a gateway for a server of theirs', { timeout: 900_000 }, async () => {
  const { python } = await ensureVenv(['kserve==0.21.0'], 'kserve')
  const half = regressionModel(0.5)
  const endpoints = [
    testEndpoint([testVariant(1, half)], { name: 'half' }),
    testEndpoint([testVariant(2, late)], { name: 'late' }),
    testEndpoint([testVariant(3, half, { quarantined: true })], { name: 'broken' }),
  ]
  await using gateway = await startTestWorker({ generation: 1, endpoints }, [half, late])
  const { stdout } = await run(python, [join(import.meta.dirname, 'v1_clients.py'), gateway.url])
  const { kserve, tensorflow } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Seen

  const records = {
    predictions: [
      { probabilities: near(0.182, 0.818), label: 'yes' },
      { probabilities: near(0.971, 0.029), label: 'no' },
    ],
  }
  expect(kserve).toEqual({
    live: true,
    ready: true,
    broken: false,
    rows: records,
    lists: records,
    labels: { predictions: ['yes', 'no'] },
    unknown: [404, expect.stringContaining('Request for unknown model')],
    refused: [400, expect.stringContaining("Model is missing inputs ['carrier']")],
    explain: [501, expect.stringContaining('only :predict is served')],
  })
  expect(tensorflow).toMatchObject({
    values: { predictions: [1.5, 2, 3.5] },
    columns: { outputs: [1.5, 2, 3.5] },
    version: { predictions: [2.5] },
    label: { predictions: [2.5] },
    base64: { predictions: ['yes'] },
    numbers: [400, { error: expect.stringContaining('Infinity') }],
    status: { model_version_status: [{ version: '1', state: 'AVAILABLE' }] },
    metadata: { model_spec: { name: 'half', version: '1' } },
    missing: [400, { error: expect.stringContaining('"instances"') }],
    classify: [501, { error: expect.stringContaining(':predict') }],
  })
})
