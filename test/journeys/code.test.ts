// A project in a git repository whose trainer is a program of its own: what fails is told, what it makes goes live, and its run gives the code back.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { pathOf } from '../../src/client/http-client.ts'
import { WireRun } from '../../src/experiments/run.ts'
import { openTables } from '../../src/platform/tables.ts'
import { literal } from '../../src/platform/tables-sql.ts'
import type { Frame } from '../../src/training/frame.ts'
import { TrainerSpec } from '../../src/training/trainer-spec.ts'
import { train } from '../../src/training/trainer.ts'
import { predictAll } from './callers.ts'
import { eventually, openHome, untilServed, type Home } from './harness.ts'
import { historyDays, loansOf, writeHistory } from './loans.ts'

const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
let home: Home
let folder: string
let project: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trueloop-code-'))
  project = join(folder, 'project')
  await mkdir(project)
  home = await openHome()
  await writeHistory(join(project, 'data'))
  await writeFile(join(project, 'loop.ts'), loopText)
  await writeFile(join(project, '.gitignore'), 'data/\n')
  await writeFile(join(project, 'graph.onnx'), await loansGraph())
  await mkdir(join(project, 'inputs'))
  await writeFile(join(project, 'inputs', 'sample.csv'), 'to try the program on by hand')
  await writeFile(join(project, 'train.mjs'), "throw new Error('no such column: amuont')\n")
  git('init', '-q')
  commit('first')
})
afterAll(async () => {
  await home[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function git(...args: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false']
  return execFileSync('git', ['-C', project, ...who, ...args], { encoding: 'utf8' }).trim()
}

function commit(message: string): void {
  git('add', '-A')
  git('commit', '-q', '-m', message)
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function trueloop(...args: string[]): Promise<Ended> {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, TRUELOOP_HOME: home.directory }
  const child = spawn(process.execPath, [program, ...args], { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] })
  return new Promise((resolve, reject) => {
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

const loopText = `import { binary, command, csv, dataset, gate, loop, retrain, rollout } from 'trueloop'

export default loop({
  name: 'loans',
  clock: 'event',
  dataset: dataset('loans', { source: csv('data/*.csv'), timeColumn: 'time' }),
  target: binary('defaulted', '=', 1),
  labelDelay: '1d',
  features: ['time', 'amount', 'country'],
  training: {
    trainer: command([${JSON.stringify(process.execPath)}, 'train.mjs', '{outputs}'], {
      env: { DEPTH: '3' },
      timeout: '1m',
      retries: 0,
    }),
    window: '10d',
    firstWindow: ['2025-03-01', '2025-03-15'],
    holdout: '2d',
    seed: 7,
  },
  gate: [gate.minimumRows(200), gate.metric('auc', { min: 0.6 })],
  rollout: rollout.atOnce(),
  retrain: retrain({ on: { every: '30d' } }),
})
`

/** As a trainer in any language would: reads what it is given, tells its run something, and leaves a graph. */
const trainText = `import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
const { TRUELOOP_URL, TRUELOOP_TOKEN, TRUELOOP_RUN_ID, DEPTH } = process.env
const said = JSON.parse(readFileSync('inputs/loop.json', 'utf8'))
const post = (path, body) =>
  fetch(TRUELOOP_URL + path, {
    method: 'POST',
    headers: { authorization: 'Bearer ' + TRUELOOP_TOKEN, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const own = await post('/api/runs/' + TRUELOOP_RUN_ID + '/batch', { params: { depth: DEPTH } })
const foreign = await post('/api/loops/loans/trigger', { reason: 'not its business' })
console.log('trained on', said.rows, 'rows')
copyFileSync('graph.onnx', process.argv[2] + '/model.onnx')
copyFileSync('inputs/training/part-00000.parquet', 'outputs/rows.parquet')
copyFileSync('inputs/loop.json', 'outputs/said.json')
writeFileSync('outputs/token.txt', TRUELOOP_TOKEN)
writeFileSync(
  'outputs/metrics.json',
  JSON.stringify({ rows: said.rows, own: own.status, foreign: foreign.status, sample: existsSync('inputs/sample.csv') ? 1 : 0 }),
)
`

/** A graph as somebody else's tool would leave it: one that fits the columns. */
async function loansGraph(): Promise<Uint8Array> {
  const loans = Array.from({ length: historyDays }, (_, day) => loansOf(day)).flat()
  const categories = [...new Set(loans.map(({ country }) => country))].toSorted()
  const frame: Frame = {
    rowCount: loans.length,
    columns: [
      { kind: 'time', name: 'time', micros: BigInt64Array.from(loans, ({ time }) => BigInt(Date.parse(time)) * 1000n) },
      { kind: 'number', name: 'amount', values: Float64Array.from(loans, ({ amount }) => amount) },
      {
        kind: 'category',
        name: 'country',
        codes: Int32Array.from(loans, ({ country }) => categories.indexOf(country)),
        categories,
      },
    ],
    target: Float64Array.from(loans, ({ defaulted }) => defaulted),
  }
  const spec = TrainerSpec.parse({ trainer: 'gradient_boosting', iterations: 10, maxLeaves: 8 })
  return (await train({ spec, frame, seed: 1, threads: 1 })).onnx
}

const Runs = z.object({ runs: z.array(z.object({ id: z.string(), state: z.string() })) })
const Loop = z.object({ version: z.int(), code: z.object({ snapshot: z.string() }).nullable() })

const runs = async () =>
  (await home.client.call({ method: 'POST', path: '/runs/search', body: { limit: 10 }, answer: Runs })).runs
const loopNow = () => home.client.call({ path: '/loops/loans', answer: Loop })
const blob = async (digest = ''): Promise<Buffer> =>
  Buffer.from(await (await home.client.send({ path: pathOf`/blobs/${digest}` })).arrayBuffer())

let run: z.infer<typeof WireRun>

test('a program that fails ends the attempt with the end of its log, and its run', async () => {
  const { code, err } = await trueloop('apply', '--yes', '--wait')
  expect(code, err).toBe(1)
  expect(err).toContain('gave exit code 1; its log ends: ')
  expect(err).toContain('Error: no such column: amuont')
  const state = await eventually('the run to end', async () => (await runs()).find((each) => each.state === 'failed'), {
    timeoutMs: 60_000,
  })
  expect(state.state).toBe('failed')
})

test('the program that was mended goes live as the first champion', async () => {
  await writeFile(join(project, 'train.mjs'), trainText)
  commit('a trainer that trains')
  const plan = await trueloop('plan')
  expect(plan.out).toContain('~ code.loans')
  expect(plan.out).toContain('The code changed')
  const { code, err } = await trueloop('apply', '--yes', '--wait')
  expect(code, err).toBe(0)
  expect(err).toContain('loans/1 is live')
  await untilServed(home, 'loans')
  expect(await predictAll(home.gatewayUrl, loansOf(historyDays).slice(0, 20))).toHaveLength(20)
})

test('its run says what it was, and has all that it left', async () => {
  const finished = (await runs()).find(({ state }) => state === 'finished')
  run = await home.client.call({ path: pathOf`/runs/${finished?.id ?? ''}`, answer: WireRun })
  expect(run.code).toEqual({
    commit: git('rev-parse', 'HEAD'),
    isDirty: false,
    snapshot: (await loopNow()).code?.snapshot,
  })
  expect(run.params).toMatchObject({ trainer: 'command', seed: '7', depth: '3' })
  const latest = Object.fromEntries(Object.entries(run.metrics).map(([key, metric]) => [key, Number(metric.latest)]))
  // Twelve days of the first window; the last two are held out and nowhere in reach.
  expect(latest).toMatchObject({ rows: 3600, own: 200, foreign: 403, sample: 0 })
  expect(latest['holdout.auc']).toBeGreaterThan(0.6)
  const digests = Object.fromEntries(run.artifacts.map(({ name, blob: { digest } }) => [name, digest]))
  expect(Object.keys(digests).toSorted()).toEqual([
    'baseline.json',
    'examples.json',
    'model.onnx',
    'rows.parquet',
    'said.json',
    'token.txt',
  ])
  expect(await blob(digests['model.onnx'])).toEqual(await readFile(join(project, 'graph.onnx')))
  expect(JSON.parse((await blob(digests['said.json'])).toString())).toEqual({
    loop: 'loans',
    target: { task: 'binary', column: 'defaulted', operator: '=', value: 1 },
    features: ['time', 'amount', 'country'],
    inputs: [
      { name: 'time', type: 'datetime' },
      { name: 'amount', type: 'float' },
      { name: 'country', type: 'string' },
    ],
    classes: ['false', 'true'],
    timeColumn: 'time',
    window: { from: '2025-03-01T00:00:00.000Z', to: '2025-03-13T00:00:00.000Z' },
    rows: 3600,
    fold: null,
    seed: 7,
    threads: 1,
  })
  const file = join(folder, 'rows.parquet')
  await writeFile(file, await blob(digests['rows.parquet']))
  await using tables = await openTables({ memoryLimitBytes: 64e6, tempDirectory: folder, threads: 1 })
  const rows = `SELECT count(*)::INT AS n, max(time) AS newest FROM read_parquet(${literal(file)})`
  expect(await tables.rows(rows)).toEqual([{ n: 3600, newest: loansOf(11).at(-1)!.time.replace('.000Z', 'Z') }])
  const log = await home.client.call({
    path: pathOf`/pipeline-runs/${run.pipelineRunId ?? ''}/steps/train/log`,
    answer: z.object({ text: z.string() }),
  })
  expect(log.text).toContain('trained on 3600 rows')
  // The token was the step's, and the step has ended.
  const token = (await blob(digests['token.txt'])).toString()
  const answer = await fetch(new URL('/api/runs/search', home.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  })
  expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'token_unknown' }])
})

test('the code of the run comes back byte for byte, whatever was changed since', async () => {
  const listed = git('ls-files').split('\n')
  const before = await Promise.all(listed.map((path) => readFile(join(project, path))))
  await writeFile(join(project, 'train.mjs'), 'changed since\n')
  const restored = join(folder, 'restored')
  const { code, out, err } = await trueloop('run', 'code', run.id, '--to', restored)
  expect(code, err).toBe(0)
  expect(out).toContain(`They are of commit ${run.code?.commit}.`)
  expect(await Promise.all(listed.map((path) => readFile(join(restored, path))))).toEqual(before)
  expect(existsSync(join(restored, 'data'))).toBe(false)
  const again = await trueloop('run', 'code', run.id, '--to', restored)
  expect(again).toMatchObject({ code: 6 })
  expect((await trueloop('run', 'show', run.id)).out).toContain(`snapshot ${run.code?.snapshot}`)
})

test('code that is too large applies nothing and names what is', async () => {
  const before = await loopNow()
  await writeFile(join(project, 'weights.bin'), '')
  await truncate(join(project, 'weights.bin'), 51 * 1024 * 1024)
  const { code, err } = await trueloop('apply', '--yes')
  expect(code).toBe(1)
  expect(err).toContain('weights.bin (51.0 MB)')
  await rm(join(project, 'weights.bin'))
  expect(await loopNow()).toEqual(before)
  // Changed code alone is another version, and the champion stays without a retrain.
  expect((await trueloop('apply', '--yes', '--wait')).out).toContain('loans/1 goes on serving')
  expect((await loopNow()).version).toBe(before.version + 1)
  expect(await runs()).toHaveLength(2)
})
