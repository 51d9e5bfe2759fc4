// Models of scikit-learn, LightGBM, XGBoost, CatBoost and a network, converted with default settings and registered as they are: the gateway
// answers as each library does.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { pathOf } from '../../src/client/http-client.ts'
import { ModelVersion } from '../../src/models/model-version.ts'
import { modelFile, regressionModel } from '../../src/models/testing.ts'
import { eventually, openHome, type Home } from '../journeys/harness.ts'
import { ensureVenv } from './venv.ts'

const packages = [
  'scikit-learn==1.7.2',
  'skl2onnx==1.20.0',
  'onnxmltools==1.16.0',
  // Later releases refuse the numbers of NumPy that these converters write.
  'onnx==1.19.1',
  'protobuf==4.25.8',
  'lightgbm==4.7.0',
  'xgboost==3.2.0',
  'catboost==1.2.10',
  'pandas==3.1.1',
]

const Case = z.object({
  name: z.string(),
  /** Registered with its signature; else with nothing but its file. */
  isTold: z.boolean(),
  task: z.enum(['binary', 'multiclass', 'regression']),
  inputs: z.array(z.object({ name: z.string(), type: z.string() })),
  classes: z.array(z.string()),
  rows: z.array(z.record(z.string(), z.unknown())),
  expected: z.array(z.array(z.number())),
})
type Case = z.infer<typeof Case>

const Stored = z.object({ digest: z.string() })
let folder: string
let home: Home
let cases: Case[]

beforeAll(async () => {
  const { python } = await ensureVenv(packages, 'models')
  folder = await mkdtemp(join(tmpdir(), 'trueloop-models-'))
  await promisify(execFile)(python, [join(import.meta.dirname, 'models_reference.py'), folder])
  cases = z.array(Case).parse(JSON.parse(await readFile(join(folder, 'cases.json'), 'utf8')))
  home = await openHome()
}, 900_000)
afterAll(async () => {
  await home?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const upload = async (bytes: Uint8Array): Promise<string> =>
  (await home.client.call({ method: 'POST', path: '/blobs', bytes: Uint8Array.from(bytes), answer: Stored })).digest

/** Registers the file as it is, approves it and puts it behind an endpoint of its name. */
async function serve({ name, isTold, task, inputs, classes }: Case): Promise<ModelVersion> {
  const { client } = home
  const digest = await upload(await readFile(join(folder, `${name}.onnx`)))
  const path = pathOf`/models/${name}/versions`
  const body = { digest, signature: isTold ? { task, inputs, classes } : {} }
  const version = await client.call({ method: 'POST', path, body, answer: ModelVersion })
  const reason = 'compared with its library'
  const judged = { state: 'approved', reason }
  await client.call({
    method: 'PUT',
    path: pathOf`/models/${name}/versions/1/state`,
    body: judged,
    answer: z.unknown(),
  })
  await client.call({ method: 'POST', path: '/endpoints', body: { name }, answer: z.unknown() })
  const variants = [{ version: `${name}/1`, role: 'champion', weight: 1 }]
  const variantsPath = pathOf`/endpoints/${name}/variants`
  await client.call({ method: 'PUT', path: variantsPath, body: { variants, reason }, answer: z.unknown() })
  return version
}

/** Whole numbers beyond 2^53 stand in the text as they are. */
const exactText = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/\{"int64":"(?<digits>-?\d+)"\}/gv, '$<digits>')

async function post(path: string, body: unknown): Promise<{ status: number; answer: Record<string, unknown> }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(new URL(path, home.gatewayUrl), { method: 'POST', headers, body: exactText(body) })
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> }
}

/** Of a worker that has not heard of the endpoint yet, or not of its version: a newer one takes its place. */
const unheardOf: ReadonlySet<number> = new Set([404, 503])

/** Asked again until it is there. */
const invoke = ({ name, task }: Pick<Case, 'name' | 'task'>, table: object) =>
  eventually(
    `an answer of ${name}`,
    async () => {
      const params = task === 'regression' ? {} : { params: { predict_method: 'predict_proba' } }
      const found = await post(`/endpoints/${name}/invocations`, { ...table, ...params })
      return unheardOf.has(found.status) ? undefined : found
    },
    { timeoutMs: 60_000 },
  )

const tolerance = 1e-5

function largestDifference(found: unknown, expected: readonly (readonly number[])[]): number {
  const rows = (found as (number | number[])[]).map((row) => [row].flat())
  expect(rows.map((row) => row.length)).toEqual(expected.map((row) => row.length))
  return Math.max(...expected.flatMap((row, at) => row.map((value, index) => Math.abs(value - rows[at]![index]!))))
}

test('each answers as its library does, with gaps, text and whole numbers beyond 2^53', async () => {
  const differences: Record<string, number> = {}
  const untouched: string[] = []
  for (const each of cases) {
    const { signature, rewritten } = await serve(each)
    expect([each.name, signature]).toMatchObject([each.name, { task: each.task, classes: each.classes }])
    if (!rewritten) untouched.push(each.name)
  }
  for (const each of cases) {
    const { status, answer } = await invoke(each, { dataframe_records: each.rows })
    expect([each.name, status, answer], JSON.stringify(answer)).toMatchObject([each.name, 200, {}])
    differences[each.name] = largestDifference(answer['predictions'], each.expected)
  }
  expect(cases.map(({ name }) => name)).toHaveLength(29)
  expect(Object.entries(differences).filter(([, difference]) => !(difference < tolerance))).toEqual([])
  // What has neither ZipMap nor names of its own is served as its maker left it.
  expect(untouched).toEqual([
    'sklearn-perceptron-texts',
    'sklearn-bayes-texts',
    'sklearn-bayes-codes',
    'sklearn-neighbours-cdist',
    'xgboost-binary',
    'xgboost-classes',
  ])
})

test('no rows are answered with no rows, and a row alone as among others', async () => {
  for (const each of cases) {
    const { name, inputs, rows, expected } = each
    const columns = inputs.map((input) => input.name)
    const none = await invoke(each, { dataframe_split: { columns, data: [] } })
    expect([name, none]).toEqual([name, { status: 200, answer: { predictions: [] } }])
    const data = [columns.map((column) => rows[3]![column])]
    const { answer } = await invoke(each, { dataframe_split: { columns, data } })
    expect([name, largestDifference(answer['predictions'], expected.slice(3, 4)) < tolerance]).toEqual([name, true])
  }
})

test('a matrix comes whole in the Open Inference Protocol', async () => {
  const { name, rows, inputs, expected } = cases.find((each) => each.name === 'lightgbm-binary')!
  const data = rows.map((row) => inputs.map((input) => row[input.name]))
  const tensor = { name: 'input', datatype: 'FP32', shape: [rows.length, inputs.length], data }
  const { status, answer } = await post(`/v2/models/${name}/infer`, {
    inputs: [tensor],
    outputs: [{ name: 'probabilities' }],
  })
  expect(status, JSON.stringify(answer)).toBe(200)
  const [output] = answer['outputs'] as { data: number[]; shape: number[] }[]
  expect(output!.shape).toEqual([rows.length, 2])
  const found = rows.map((_, row) => output!.data.slice(row * 2, row * 2 + 2))
  expect(largestDifference(found, expected)).toBeLessThan(tolerance)
})

test('what cannot be written for a model is refused with the column', async () => {
  const pipeline = cases.find(({ name }) => name === 'sklearn-columns')!
  const { rows } = pipeline
  for (const [change, message] of [
    [{ country: 'D\0E' }, 'U+0000'],
    [{ visits: null }, 'the model takes int64'],
    [{ visits: 1.5 }, 'visits'],
  ] as const) {
    const { status, answer } = await invoke(pipeline, { dataframe_records: [{ ...rows[0], ...change }] })
    expect([status, answer['message']]).toEqual([400, expect.stringContaining(message)])
  }
})

test('an operator set that is too new is refused with the one to convert to', async () => {
  const { signature } = regressionModel()
  const digest = await upload(modelFile({ inputs: [], outputs: [], nodes: [] }, 28))
  const response = await fetch(new URL('/api/models/new/versions', home.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ digest, signature }),
  })
  expect(await response.json()).toMatchObject({
    code: 'graph_opset',
    detail: expect.stringContaining('target_opset <= 26') as unknown,
  })
})
