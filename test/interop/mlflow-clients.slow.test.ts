// Stock MLflow's clients, the newest and one of the 2.x series, against a running Trueloop on both databases. With TRUELOOP_TEST_MLFLOW=stock
// against a stock server instead, which holds the scripts themselves to it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryOf } from '../bench/processes.ts'
import { startPostgres, type Postgres } from '../postgres.ts'
import { runClient, type ClientScript } from './mlflow/clients.ts'
import { newestVenv, olderVenv } from './mlflow/environments.ts'
import { startStock, startTrueloop, type MlflowServer } from './mlflow/servers.ts'
import type { Venv } from './venv.ts'

const environment = {
  MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'http,https',
  MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true',
  MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: 'U0Vbn1rTeVRsTHL3pmwkmSjyRf3mYcVfIeqXcG4Ul4U=',
}
const isStock = process.env['TRUELOOP_TEST_MLFLOW'] === 'stock'
const isLarge = process.env['TRUELOOP_TEST_MLFLOW'] !== 'stock'

const everywhere: ClientScript[] = [
  { name: 'fluent' },
  { name: 'client' },
  { name: 'registry' },
  { name: 'search' },
  { name: 'parallel' },
  { name: 'autolog', args: ['sklearn'] },
  { name: 'autolog', args: ['xgboost'] },
  { name: 'autolog', args: ['lightgbm'] },
  { name: 'artifacts', args: ['8'] },
]
const newest: ClientScript[] = [
  ...everywhere,
  { name: 'log_model' },
  { name: 'artifacts', args: ['64', 'multipart'] },
  { name: 'tracing' },
  { name: 'prompts' },
  { name: 'datasets' },
  { name: 'labelling' },
  { name: 'webhooks' },
  { name: 'rest_of_client' }, // After `prompts`, which lists every prompt there is.
]
const older: ClientScript[] = [...everywhere, { name: 'log_model_2' }, { name: 'tracing_2' }]
const titleOf = ({ name, args = [] }: ClientScript): string => [name, ...args].join(' ')

let postgres: Postgres
beforeAll(async () => {
  await Promise.all([newestVenv(), olderVenv()])
  postgres = await startPostgres()
}, 900_000)
afterAll(() => postgres[Symbol.asyncDispose]())

describe.each([
  { database: 'SQLite', version: 'the newest', venvOf: newestVenv, scripts: newest },
  { database: 'SQLite', version: '2.x', venvOf: olderVenv, scripts: older },
  { database: 'PostgreSQL', version: 'the newest', venvOf: newestVenv, scripts: newest },
  { database: 'PostgreSQL', version: '2.x', venvOf: olderVenv, scripts: older },
])('$version MLflow on $database', ({ database, venvOf, scripts }) => {
  let server: MlflowServer
  let venv: Venv
  beforeAll(async () => {
    venv = await venvOf()
    const options = { environment, postgres: database === 'SQLite' ? undefined : postgres }
    server = await (isStock ? startStock({ ...options, isSmall: true }) : startTrueloop(options))
  }, 300_000)
  afterAll(() => server[Symbol.asyncDispose]())

  test.each(scripts.map((script) => ({ title: titleOf(script), script })))('$title', async ({ script }) => {
    await runClient(server, venv, script)
  })

  test.runIf(isLarge)('a file of 1 GB goes up and comes down in bounded memory', async () => {
    const before = memoryOf(server.pid).residentBytes
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, memoryOf(server.pid).residentBytes)), 50)
    try {
      await runClient(server, venv, { name: 'artifacts', args: ['1024'] })
    } finally {
      clearInterval(watch)
    }
    expect(peak - before).toBeLessThan(largeBytesMax)
  })
})

/** What may be held of a file of any size while it passes through. */
const largeBytesMax = 150 * 1024 * 1024
