// Training by a command, as a step does it: real programs, real rows, and what each kind of failure says.
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../data/ingest.ts'
import { storeManifest } from '../../data/manifest-blob.ts'
import { Source } from '../../data/source.ts'
import { openDataWorkshop, type DataWorkshop } from '../../data/testing.ts'
import { Baseline } from '../../models/baseline.ts'
import { sendSnapshot, takeSnapshot } from '../../experiments/take-snapshot.ts'
import type { StepTools } from '../../pipelines/step.ts'
import { silentLog } from '../../platform/log.ts'
import { TrainerSpec } from '../../training/trainer-spec.ts'
import { train } from '../../training/trainer.ts'
import { commandTrainStep } from './command-train-step.ts'
import type { Trained } from './train-step.ts'

const step = commandTrainStep({ path: '/usr/bin:/bin', variables: { TRUELOOP_RUN_ID: 'run_1' } })
const dayMs = 86_400_000
const startMs = Date.parse('2025-03-01')
let shop: DataWorkshop
let manifest: string
let code: string

beforeAll(async () => {
  shop = await openDataWorkshop()
  const { manifest: rows } = await shop.step(async (deps) => {
    const path = join(deps.scratchDirectory, 'in.parquet')
    // Forty days of ten rows; of each day's, the first has no label.
    await deps.tables.run(
      `COPY (SELECT TIMESTAMP '2025-03-01' + to_hours(i * 24 // 10) AS at, (i % 7)::DOUBLE AS amount, 'row' || i AS note, CASE WHEN i % 10 > 0 THEN i % 2 END AS bad FROM range(400) r(i)) TO '${path}' (FORMAT parquet)`,
    )
    return ingest(deps, { source: Source.parse({ kind: 'file', paths: [path] }), timeColumn: 'at', nowMs: 0 })
  })
  manifest = (await storeManifest(shop.blobs, rows)).digest
  const directory = join(shop.folder, 'project')
  await mkdir(join(directory, 'outputs'), { recursive: true })
  await writeFile(join(directory, 'outputs', 'old.onnx'), 'of a trial by hand')
  await writeFile(join(directory, 'graph.onnx'), await graphOfAmount())
  const snapshot = await takeSnapshot({ directory })
  const missing = async (digests: readonly string[]) => digests
  await sendSnapshot({ missing, put: (bytes) => shop.blobs.put(bytes) }, directory, snapshot)
  code = snapshot.code.snapshot
})
afterAll(() => shop[Symbol.asyncDispose]())

async function graphOfAmount(): Promise<Uint8Array> {
  const values = Float64Array.from({ length: 200 }, (_, row) => row % 7)
  const target = values.map((value) => (value > 3 ? 1 : 0))
  const frame = { rowCount: 200, columns: [{ kind: 'number' as const, name: 'amount', values }], target }
  return (await train({ spec: TrainerSpec.parse({ trainer: 'logistic_regression' }), frame, seed: 1, threads: 1 })).onnx
}

/** Runs a script with Node, which every machine that runs this has, in a step that may use two threads. */
async function trained(script: string, change: object = {}): Promise<Trained> {
  const tools: StepTools = {
    blobs: shop.blobs,
    scratchDirectory: await mkdtemp(join(shop.folder, 'scratch-')),
    log: silentLog,
    signal: new AbortController().signal,
    threads: 2,
    memoryLimitBytes: 64e6,
    progress: () => undefined,
    recentLog: async () => '',
    metric: () => undefined,
  }
  const rows = { dataset: 'rows/1', manifest, fromMs: startMs, toMs: startMs + 30 * dayMs }
  const target = { task: 'binary', column: 'bad', operator: '=', value: 1 }
  const argv = [process.execPath, '-e', `const fs = require('fs'); ${script}`]
  const input = {
    loop: 'loans',
    code,
    argv,
    env: {},
    rows,
    features: ['amount'],
    target,
    folds: 0,
    seed: 3,
    threads: 8,
    ...change,
  }
  return step.execute(tools, step.input.parse(input))
}

const copyGraph = `fs.copyFileSync('graph.onnx', 'outputs/model.onnx');`
const write = (name: string, text: string): string => `fs.writeFileSync('outputs/${name}', ${JSON.stringify(text)});`

test('a command finds code and rows, and what it leaves becomes a candidate', async () => {
  const seen = `{ said: JSON.parse(fs.readFileSync('inputs/loop.json')), there: fs.readdirSync('.').sort(), left: fs.readdirSync('outputs'), rows: fs.readdirSync('inputs/training') }`
  const candidate = await trained(
    `fs.mkdirSync('outputs/deep'); fs.writeFileSync('outputs/deep/seen.json', JSON.stringify(${seen})); ${copyGraph} ${write('metrics.json', '{"auc": 0.5}')}`,
  )
  expect(candidate).toMatchObject({
    metrics: { auc: 0.5 },
    params: { trainer: 'command', seed: '3' },
    seed: 3,
    rows: 270, // Thirty days; nine of ten rows have a label.
    signature: { task: 'binary', inputs: [{ name: 'amount', type: 'float' }], classes: ['false', 'true'] },
  })
  expect(Object.keys(candidate.artifacts)).toEqual(['deep/seen.json'])
  const { digest = '' } = candidate.artifacts['deep/seen.json'] ?? {}
  const found = JSON.parse(await readFile(await shop.blobs.localPath(digest), 'utf8')) as object
  expect(found).toMatchObject({
    there: ['graph.onnx', 'inputs', 'outputs'],
    left: ['deep'],
    rows: ['part-00000.parquet'],
    said: {
      rows: 270,
      threads: 2,
      seed: 3,
      window: { from: '2025-03-01T00:00:00.000Z', to: '2025-03-31T00:00:00.000Z' },
    },
  })
})

test('with folds it trains once more without each, and its baseline has what it said of the days', async () => {
  const file = join(shop.folder, 'trainings')
  const note = `const { fold, rows } = JSON.parse(fs.readFileSync('inputs/loop.json')); fs.appendFileSync(${JSON.stringify(file)}, JSON.stringify([fold, rows]) + ' ');`
  const candidate = await trained(note + copyGraph, { folds: 3 })
  expect(await readFile(file, 'utf8')).toBe('[null,270] [0,180] [1,180] [2,180] ')
  const baseline = Baseline.parse(
    JSON.parse(await readFile(await shop.blobs.localPath(candidate.baseline.digest), 'utf8')),
  )
  expect(baseline.days.map(({ dayMs: at, rows }) => [at, rows])).toEqual(
    Array.from({ length: 30 }, (_, day) => [startMs + day * dayMs, 9]),
  )
  expect(candidate.metrics['cross_fitted_loss']).toBeGreaterThan(0.5)
  await expect(trained(`${note} if (fold === null) { ${copyGraph} }`, { folds: 2 })).rejects.toMatchObject({
    code: 'model_missing',
  })
})

test.each([
  {
    leaves: 'no graph',
    script: write('model.pkl', 'x'),
    code: 'model_missing',
    says: /wrote no outputs\/model\.onnx: it left model\.pkl/v,
  },
  {
    leaves: 'nothing',
    script: '',
    code: 'model_missing',
    says: /it left no file there; save the ONNX graph as outputs\/model\.onnx/v,
  },
  { leaves: 'no ONNX', script: write('model.onnx', 'pickle'), code: 'graph_corrupt', says: /no whole ONNX model/v },
  {
    leaves: 'metrics in words',
    script: copyGraph + write('metrics.json', '{"auc": "high"}'),
    code: 'command_output_invalid',
    says: /must be one JSON/v,
  },
  {
    leaves: 'metrics that are no JSON',
    script: copyGraph + write('metrics.json', 'NaN'),
    code: 'command_output_invalid',
    says: /must be one JSON/v,
  },
  {
    leaves: 'a name of ours',
    script: copyGraph + write('baseline.json', '{}'),
    code: 'command_output_invalid',
    says: /choose another/v,
  },
  {
    leaves: 'a link',
    script: `${copyGraph} fs.symlinkSync('/etc/passwd', 'outputs/x')`,
    code: 'command_output_invalid',
    says: /plain files/v,
  },
  { leaves: 'an exit code', script: 'process.exit(4)', code: 'command_failed', says: /gave exit code 4/v },
])('a command that leaves $leaves is refused, saying what to do', async ({ script, code: refusal, says }) => {
  await expect(trained(script)).rejects.toMatchObject({
    code: refusal,
    message: expect.stringMatching(says) as unknown,
  })
})

test('a graph that does not take the columns of the loop is refused', async () => {
  const refused = trained(copyGraph, { features: ['amount', 'note'] })
  await expect(refused).rejects.toMatchObject({ code: 'graph_signature_mismatch' })
  await expect(trained('', { argv: ['no-such-program'] })).rejects.toMatchObject({ code: 'command_not_found' })
})
