// OpenTelemetry's own exporters against a running Trueloop, on both databases. MLflow's clients are mlflow-clients.slow.test.ts.
import { afterAll, beforeAll, test } from 'vitest'
import { startPostgres, type Postgres } from '../postgres.ts'
import { runClient } from './mlflow/clients.ts'
import { startTrueloop } from './mlflow/servers.ts'
import { ensureVenv, type Venv } from './venv.ts'

const packages = ['opentelemetry-sdk==1.45.2', 'opentelemetry-exporter-otlp-proto-http==1.45.2']

let postgres: Postgres
let venv: Venv
beforeAll(async () => {
  venv = await ensureVenv(packages, 'opentelemetry')
  postgres = await startPostgres()
}, 300_000)
afterAll(() => postgres[Symbol.asyncDispose]())

test.each(['SQLite', 'PostgreSQL'])('spans of OpenTelemetry’s SDK are traces on %s', async (database) => {
  await using server = await startTrueloop(database === 'SQLite' ? {} : { postgres })
  await runClient(server, venv, { name: 'otlp_exporter' })
})
