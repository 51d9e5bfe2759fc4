// The example of an MLflow script as a loop, as its README has it: up to a live champion, and what MLflow's own client then sees.
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHome, untilServed, type Home } from '../journeys/harness.ts'
import { newestVenv } from './mlflow/environments.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'examples/sklearn-mlflow')
const venv = join(folder, '.venv')
let home: Home
let python: string
let isOurs = false

beforeAll(async () => {
  python = (await newestVenv()).python
  if (!existsSync(venv)) {
    await symlink(dirname(dirname(python)), venv)
    isOurs = true
  }
  home = await openHome()
}, 900_000)
afterAll(async () => {
  await home[Symbol.asyncDispose]()
  if (isOurs) await rm(venv)
})

function apply(): Promise<{ code: number | null; said: string }> {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, TRUELOOP_HOME: home.directory }
  const program = join(root, 'bin/trueloop.cjs')
  const child = spawn(process.execPath, [program, 'apply', '--yes', '--wait'], { cwd: folder, env })
  return new Promise((resolve, reject) => {
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, said }))
  })
}

const look = `
import json, mlflow
runs = mlflow.search_runs(experiment_names=["weather"], output_format="list")
children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
parent = mlflow.get_run(children[0].data.tags["mlflow.parentRunId"])
[model] = mlflow.search_logged_models(
    experiment_ids=[parent.info.experiment_id], filter_string=f"source_run_id = '{parent.info.run_id}'", output_format="list"
)
loaded = mlflow.sklearn.load_model(f"models:/{model.model_id}")
print(json.dumps({
    "children": len(children),
    "status": parent.info.status,
    "metrics": parent.data.metrics,
    "params": parent.data.params,
    "datasets": [[read.dataset.name, read.dataset.source_type] for read in parent.inputs.dataset_inputs],
    "steps": [name for name, _ in loaded.steps],
    "registered": [[v.version, v.run_id == parent.info.run_id] for v in mlflow.search_model_versions(filter_string="name = 'weather-sklearn'")],
    "registered_steps": [name for name, _ in mlflow.sklearn.load_model("models:/weather-sklearn/1").steps],
    "version": mlflow.MlflowClient().get_model_version("weather", "1").run_id == parent.info.run_id,
}))
`

test('an MLflow script that knows nothing of Trueloop goes live, and its run is the step’s', async () => {
  const { code, said } = await apply()
  expect(code, said).toBe(0)
  expect(said).toContain('weather/1 is live')
  await untilServed(home, 'weather')
  const answer = await fetch(new URL('/endpoints/weather/invocations', home.gatewayUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_records: [{ temp_max: 9.5, temp_min: 6.1, wind: 4.2 }] }),
  })
  expect([answer.status, await answer.json()]).toMatchObject([200, { predictions: [expect.anything()] }])

  const env = { ...process.env, MLFLOW_TRACKING_URI: home.url }
  const { stdout } = await promisify(execFile)(python, ['-c', look], { env })
  const seen = JSON.parse(stdout.trim().split('\n').at(-1)!)
  expect(seen).toMatchObject({
    children: 5,
    status: 'FINISHED',
    params: { logisticregression__max_iter: '1000', trainer: 'command' },
    steps: ['standardscaler', 'polynomialfeatures', 'logisticregression'],
    registered: [['1', true]], // By the step's own token.
    registered_steps: ['standardscaler', 'polynomialfeatures', 'logisticregression'],
    version: true,
  })
  expect(seen.metrics.training_accuracy_score).toBeGreaterThan(0.7)
  expect(seen.metrics['holdout.auc']).toBeGreaterThan(0.6)
  expect(seen.datasets).toContainEqual(['weather', 'trueloop'])
})
