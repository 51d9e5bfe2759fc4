// MLflow's scoring protocol: a scikit-learn model behind stock `mlflow models serve` and behind a gateway worker, asked the same, and stock
// MLflow's clients against the worker. Where the answers may differ is what docs/reference/protocols.md says.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Signature } from '../../src/models/signature.ts'

import { startTestWorker, testEndpoint, testVariant, type TestWorker } from '../../src/serving/testing.ts'
import { freePort } from '../free-port.ts'
import { newestVenv, stockVersion } from './mlflow/environments.ts'
import { cases } from './mlflow-scoring-cases.ts'
import type { Venv } from './venv.ts'

interface Made {
  readonly classes: string[]
  readonly labels: string[]
  readonly probabilities: number[][]
}

const script = join(import.meta.dirname, 'mlflow_scoring.py')
const folder = mkdtempSync(join(tmpdir(), 'trueloop-scoring-'))
let venv: Venv
let made: Made
let stock: ChildProcess
let stockUrl: string
let ours: TestWorker

async function python<T>(...args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(venv.python, [script, ...args], { maxBuffer: 16 * 1024 * 1024 })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T
}

/** As `mlflow models serve` starts it. */
async function startStock(): Promise<void> {
  const port = await freePort()
  stockUrl = `http://127.0.0.1:${port}`
  const app = ['-m', 'uvicorn', '--host', '127.0.0.1', '--port', String(port), 'mlflow.pyfunc.scoring_server.app:app']
  const env = { ...process.env, __pyfunc_model_path__: join(folder, 'model') }
  stock = spawn(venv.python, app, { env, stdio: 'ignore' })
  for (let tries = 0; tries < 600; tries++) {
    if ((await fetch(`${stockUrl}/ping`).catch(() => undefined))?.ok) return
    await wait(200)
  }
  throw new Error('stock MLflow did not start')
}

beforeAll(async () => {
  venv = await newestVenv()
  made = await python<Made>('make', folder)
  const signature: Signature = {
    task: 'binary',
    inputs: [
      { name: 'x', type: 'double', required: true },
      { name: 'count', type: 'long', required: true },
      { name: 'carrier', type: 'string', required: true },
    ],
    tensors: [
      { name: 'x', elementType: 'float32', columns: ['x'] },
      { name: 'count', elementType: 'int64', columns: ['count'] },
      { name: 'carrier', elementType: 'string', columns: ['carrier'] },
    ],
    classes: made.classes,
  }
  const model = { bytes: readFileSync(join(folder, 'model.onnx')), signature }
  const endpoint = testEndpoint([testVariant(1, model)], { name: 'late' })
  ours = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [model])
  await startStock()
}, 900_000)
afterAll(async () => {
  stock.kill()
  await ours[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  readonly errorCode: string | undefined
  readonly predictions: unknown
}

const shown = ({ status, errorCode }: Answer): string =>
  [status, errorCode].filter((part) => part !== undefined).join(' ')

/** What stock MLflow and the gateway answer, by request. */
const differences = new Map(
  readFileSync(join(import.meta.dirname, '../../docs/reference/protocols.md'), 'utf8')
    .split("### Where it differs from MLflow's server")[1]!
    .split('\n## ')[0]!
    .split('\n')
    .flatMap((line) => {
      const [, name, theirs, own] = line.split('|').map((cell) => cell.trim())
      return name && theirs && own && /^\d/v.test(theirs) ? [[name, [theirs, own]] as const] : []
    }),
)

async function ask(url: string, [contentType, body]: readonly [string, string | Buffer]): Promise<Answer> {
  // Stock closes the connection after an error of its own, and another request may be on it by then.
  const headers: Record<string, string> = { connection: 'close' }
  if (contentType !== '') headers['content-type'] = contentType
  const response = await fetch(`${url}/invocations`, { method: 'POST', body: Buffer.from(body as string), headers })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  const answer = isJson ? (JSON.parse(text) as { error_code?: string; predictions?: unknown }) : {}
  return { status: response.status, errorCode: answer.error_code, predictions: answer.predictions }
}

test.each(Object.keys(cases))('%s', async (name) => {
  const [theirs, own] = [await ask(stockUrl, cases[name]!), await ask(ours.url, cases[name]!)]
  // Held both ways: a difference that is gone is no longer to be documented.
  const said = differences.get(name)
  if (said) expect([shown(theirs), shown(own)]).toEqual(said)
  else expect(own).toEqual(theirs)
})

test('each documented difference is of a request that is made', () => {
  expect(differences.size).toBeGreaterThan(5) // An empty table must not pass.
  expect([...differences.keys()].filter((name) => !cases[name])).toEqual([])
})

test('the clients of MLflow take the answers for those of a scoring server', async () => {
  const seen = await python<Made & Record<string, unknown>>('clients', ours.url)
  expect(seen).toMatchObject({
    version: stockVersion,
    isResponse: true,
    labels: made.labels,
    frame: made.labels,
    array: made.labels,
    records: ['probabilities', 'label'],
    missing: 4,
    refused: expect.stringContaining("Model is missing inputs ['x']"),
  })
  const distances = seen.probabilities.flatMap((row, at) =>
    row.map((value, column) => Math.abs(value - made.probabilities[at]![column]!)),
  )
  expect(distances).toHaveLength(8)
  expect(Math.max(...distances)).toBeLessThan(1e-5)
})

test('ping, health and version are written as stock MLflow writes them', async () => {
  const look = async (url: string, path: string): Promise<unknown[]> => {
    const response = await fetch(url + path)
    return [response.status, response.headers.get('content-type'), await response.text()]
  }
  for (const [path, own] of [
    ['/ping', '/ping'],
    ['/ping', '/endpoints/late/ping'],
    ['/health', '/endpoints/late/health'],
    ['/version', '/version'],
    ['/version', '/endpoints/late/version'],
  ] as const) {
    expect(await look(ours.url, own)).toEqual(await look(stockUrl, path))
  }
})
