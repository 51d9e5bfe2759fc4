// The example of an MLflow script as a loop, all the way round: its own scripts in a world that changes, from a live champion to the next one
// that the loop makes by itself, and what MLflow's own client then sees of both.
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { pathOf } from '../../src/client/http-client.ts'
import { MonitorResult } from '../../src/monitoring/monitor.ts'
import { Rollout, RolloutVerdict } from '../../src/rollouts/rollout.ts'
import { askAll, tellOutcomes, tensor, type Outcome } from '../journeys/callers.ts'
import {
  eventually,
  historyOf,
  loopState,
  openHome,
  untilCalm,
  untilServed,
  type Decision,
  type Home,
} from '../journeys/harness.ts'
import { newestVenv } from './mlflow/environments.ts'
import {
  driftDay,
  historyDays,
  isoDay,
  readingsOf,
  windowDays,
  writeReadingHistory,
  writeReadings,
  type Reading,
} from './seattle.ts'

const root = join(import.meta.dirname, '../..')
const example = join(root, 'examples/sklearn-mlflow')
const run = promisify(execFile)
const startMs = 900_000
const lifeMs = 600_000
/** Of three trainings, each of them Python with MLflow, on a machine that does other things too. */
const trainingMs = 300_000
/** By then the drift is long found and its cure promoted; more days would find nothing new. */
const lastDay = driftDay + 25

const Days = z.object({
  watermarkMs: z.int().nullable(),
  predictionsDropped: z.int(),
  arms: z.array(z.object({ version: z.string(), role: z.string(), predictions: z.int() })),
})

const endings = ['promoted', 'rolled_back', 'inconclusive', 'gate_refused', 'attempt_failed']

let home: Home
let python: string
let folder: string
let data: string
/** Answered, and their outcomes not yet told. */
let untold: Outcome[] = []
let sent = 0
let day = historyDays

beforeAll(async () => {
  python = (await newestVenv()).python
  home = await openHome()
  data = join(home.directory, 'data')
  await writeReadingHistory(data)
  folder = await mkdtemp(join(tmpdir(), 'trueloop-seattle-'))
  for (const script of ['train.py', 'to_onnx.py']) await copyFile(join(example, script), join(folder, script))
  // Beside the environment, whose path it takes from its own.
  await copyFile(join(example, 'loop.ts'), join(folder, 'example.ts'))
  await symlink(dirname(dirname(python)), join(folder, '.venv'))
  await writeFile(join(folder, '.gitignore'), '.venv\n')
  const world = JSON.stringify(join(import.meta.dirname, 'seattle.ts'))
  await writeFile(
    join(folder, 'loop.ts'),
    `import example from './example.ts'
import { seattleLoop } from ${world}
export default seattleLoop(example, ${JSON.stringify(data)})
`,
  )
}, startMs)
afterAll(async () => {
  await home[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const inferenceOf = ({ temp_max, temp_min, wind }: Reading): object => ({
  inputs: Object.entries({ temp_max, temp_min, wind }).map(([name, value]) => tensor(name, 'FP32', value)),
})

/** One day passes: its readings are asked about, the day before becomes known and joins the data. Answers the versions that answered. */
async function live(): Promise<Set<string>> {
  const readings = readingsOf(day)
  const said = await askAll(
    { gatewayUrl: home.gatewayUrl, endpoint: 'weather' },
    readings.map((reading) => ({ time: reading.date, body: inferenceOf(reading) })),
  )
  sent += said.length
  await untilReported(readings)
  if (untold.length > 0) {
    await writeReadings(data, day - 1)
    const receipt = { accepted: untold.length, duplicates: 0, unmatched: 0, revised: 0 }
    expect(await tellOutcomes(home.client, untold)).toEqual(receipt)
  }
  untold = said.map(({ predictionId }, at) => ({ predictionId, value: readings[at]!.precipitation > 0 }))
  await untilCalm(home, 'weather', { timeoutMs: trainingMs })
  day++
  return new Set(said.map(({ version }) => version))
}

const days = () => home.client.call({ path: '/endpoints/weather/days', answer: Days })

async function untilReported(readings: readonly Reading[]): Promise<void> {
  let known: z.infer<typeof Days>
  await eventually(
    `the predictions of day ${day} to be reported`,
    async () => {
      known = await days()
      const answering = known.arms.filter(({ role }) => role !== 'shadow') // A shadow scores what another one answers.
      const predictions = answering.reduce((sum, arm) => sum + arm.predictions, 0)
      return known.watermarkMs === Date.parse(readings.at(-1)!.date) && predictions === sent ? true : undefined
    },
    { timeoutMs: 60_000, known: () => known },
  )
}

const told = async (): Promise<string[]> => (await historyOf(home, 'weather')).map(({ kind }) => kind)

/** What a monitor found of a version, oldest first, once it has found anything to measure. */
function resultsOf(monitor: string, version: string): Promise<MonitorResult[]> {
  const path = '/endpoints/weather/monitor-results'
  const answer = z.object({ results: z.array(MonitorResult) })
  return eventually(
    `${monitor} to have measured ${version}`,
    async () => {
      const { results } = await home.client.call({ path, query: { monitor, limit: 100 }, answer })
      const found = results.filter((result) => result.version === version && result.state !== 'warming_up')
      return found.length > 0 ? found.toReversed() : undefined
    },
    { timeoutMs: 60_000 },
  )
}

test('the example’s scripts go live on daily files', { timeout: lifeMs }, async () => {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, TRUELOOP_HOME: home.directory }
  const program = join(root, 'bin/trueloop.cjs')
  const { stdout, stderr } = await run(process.execPath, [program, 'apply', '--yes', '--wait'], { cwd: folder, env })
  expect(stdout + stderr).toContain('weather/1 is live')
  await untilServed(home, 'weather')
})

test(
  'while the world stays as it was, its monitors look at each day and say nothing',
  { timeout: lifeMs },
  async () => {
    while (day < driftDay) expect(await live()).toEqual(new Set(['weather/1']))
    expect(await told()).toEqual([
      'applied',
      'ingest_started',
      'data_arrived',
      'training_started',
      'gate_passed',
      'went_live',
    ])
    for (const monitor of ['calibration', 'drift.temp_max']) {
      const results = await resultsOf(monitor, 'weather/1')
      for (const { state } of results) expect(state, monitor).toBe('ok')
    }
  },
)

test(
  'when rain follows from other weather, the script runs again by itself and what it makes takes over',
  { timeout: lifeMs },
  async () => {
    while (day < lastDay && !(await told()).some((kind) => endings.includes(kind))) await live()
    const story = await historyOf(home, 'weather')
    const inWords = story.map(({ kind, sentence }) => `${kind}: ${sentence}`).join('\n')
    const after = story.findIndex(({ kind }) => kind === 'alert_opened')
    const decisions = story.slice(after, after + 7)
    const kinds = decisions.map(({ kind }) => kind)
    expect(kinds, inWords).toEqual([
      'alert_opened',
      'ingest_started',
      'data_arrived',
      'training_started',
      'gate_passed',
      'rollout_started',
      'promoted',
    ])
    const gate = expect.stringMatching(/^gate_/v) as string
    const rollout = expect.stringMatching(/^rol_/v) as string
    expect(decisions.map(({ evidence }) => evidence)).toMatchObject([
      { monitor: 'calibration' },
      { monitor: 'calibration' },
      { datasetVersion: 'weather/2' },
      { monitor: 'calibration', datasetVersion: 'weather/2' },
      { modelVersion: 'weather/2', gate },
      { modelVersion: 'weather/2', gate },
      { modelVersion: 'weather/2', rollout },
    ])
    const [alert, , , training, gated, , promoted] = decisions
    expect(alert!.sentence).toMatch(/calibration gap .* of weather\/1 .* is -0\.\d+, below -0\.\d+/v)
    const learned = /trains on weather\/2 of \[(?<from>[\d\-]+), (?<to>[\d\-]+)\)/v.exec(training!.sentence)?.groups
    expect(learned?.['from'] ?? '', `of the new world alone: ${inWords}`).toSatisfy((from) => from >= isoDay(driftDay))
    expect(gated!.sentence).toMatch(/log loss better by \d+\.\d+ than weather\/1 on the same 300 rows/v)
    await expectProven(promoted!)
    expect((await loopState(home, 'weather')).champion).toBe('weather/2')
  },
)

/** By a shadow, then by a canary. */
async function expectProven({ evidence }: Decision): Promise<void> {
  const path = pathOf`/rollouts/${evidence['rollout']!}`
  const rollout = await home.client.call({ path, answer: Rollout })
  expect(rollout).toMatchObject({ state: 'promoted', champion: 1, challenger: 2 })
  const answer = z.object({ verdicts: z.array(RolloutVerdict) })
  const { verdicts } = await home.client.call({ path: `${path}/verdicts`, answer })
  expect(new Set(verdicts.map(({ phase }) => phase))).toEqual(new Set(['shadow', 'canary']))
}

test('only outcomes tell of the new world: the features drift nowhere', async () => {
  // Later days are those of a canary too.
  const firstOf = (results: readonly MonitorResult[]): MonitorResult[] =>
    results.filter(({ windowStartMs }) => windowStartMs >= Date.parse(isoDay(driftDay))).slice(0, windowDays + 1)
  const expected = { calibration: 'breach', 'drift.temp_max': 'ok' }
  for (const [monitor, expectedState] of Object.entries(expected)) {
    const states = firstOf(await resultsOf(monitor, 'weather/1')).map(({ state }) => state)
    expect(states, monitor).toEqual(Array.from({ length: windowDays + 1 }, () => expectedState))
  }
})

test(
  'the next model answers all, by limits of its own, and nothing is trained again',
  { timeout: lifeMs },
  async () => {
    await untilNextModelLoaded()
    for (let more = 0; more < 5; more++) expect(await live()).toEqual(new Set(['weather/2']))
    for (const monitor of ['calibration', 'drift.temp_max']) {
      for (const { state } of await resultsOf(monitor, 'weather/2')) expect(state, monitor).toBe('ok')
    }
    const kinds = await told()
    expect(kinds.filter((kind) => kind === 'training_started')).toHaveLength(2)
    expect(kinds.filter((kind) => kind === 'alert_opened')).toHaveLength(1)
    expect((await days()).predictionsDropped).toBe(0)
  },
)

const untilNextModelLoaded = (): Promise<true> =>
  eventually(
    'the new champion to answer',
    async () => {
      const response = await fetch(new URL('/v2/models/weather', home.gatewayUrl))
      const { versions } = z.object({ versions: z.array(z.string()) }).parse(await response.json())
      return versions.join(',') === '2' ? true : undefined
    },
    { timeoutMs: 180_000 },
  )

const look = `
import json, mlflow
client = mlflow.MlflowClient()
runs = mlflow.search_runs(experiment_names=["weather"], order_by=["attributes.start_time ASC"], output_format="list")
parent_of = lambda run: run.data.tags.get("mlflow.parentRunId")
versions_of = lambda name: {each.version: each.run_id for each in client.search_model_versions(f"name = '{name}'")}
print(json.dumps({
    "parents": [{
        "id": run.info.run_id,
        "status": run.info.status,
        "children": sum(parent_of(child) == run.info.run_id for child in runs),
        "datasets": [[read.dataset.name, read.dataset.digest, read.dataset.source_type] for read in run.inputs.dataset_inputs],
        "metrics": run.data.metrics,
    } for run in runs if parent_of(run) is None],
    "served": versions_of("weather"),
    "logged": versions_of("weather-sklearn"),
    "champion": client.get_model_version_by_alias("weather", "champion").version,
    "steps": [name for name, _ in mlflow.sklearn.load_model("models:/weather-sklearn/2").steps],
}))
`
const Seen = z.object({
  parents: z.array(
    z.object({
      id: z.string(),
      status: z.string(),
      children: z.int(),
      datasets: z.array(z.array(z.string())),
      metrics: z.record(z.string(), z.number()),
    }),
  ),
  served: z.record(z.string(), z.string()),
  logged: z.record(z.string(), z.string()),
  champion: z.string(),
  steps: z.array(z.string()),
})

test('MLflow’s own client sees both trainings, what each read, and the versions that came of them', async () => {
  const env = { ...process.env, MLFLOW_TRACKING_URI: home.url }
  const { stdout } = await run(python, ['-c', look], { env })
  const { parents, ...models } = Seen.parse(JSON.parse(stdout.trim().split('\n').at(-1)!))
  expect(parents.map(({ status, children }) => ({ status, children }))).toEqual([
    { status: 'FINISHED', children: 2 },
    { status: 'FINISHED', children: 2 },
  ])
  const [first, second] = parents.map(({ id }) => id)
  expect(models).toEqual({
    served: { 1: first, 2: second },
    logged: { 1: first, 2: second },
    champion: '2',
    steps: ['standardscaler', 'polynomialfeatures', 'logisticregression'],
  })
  parents.forEach(({ datasets, metrics }, at) => {
    const own = datasets.filter(([, , sourceType]) => sourceType === 'trueloop')
    expect(own).toEqual([['weather', `v${at + 1}`, 'trueloop']])
    expect(metrics['training_accuracy_score']).toBeGreaterThan(0.7)
    expect(metrics['holdout.auc']).toBeGreaterThan(0.6)
  })
  const [before, since] = parents.map(({ metrics }) => metrics['rainy_share'] ?? 0)
  expect(since! - before!, 'what the script itself logged tells of the other world').toBeGreaterThan(0.1)
})
