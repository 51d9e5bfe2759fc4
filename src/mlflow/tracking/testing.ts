// For tests: MLflow's methods of runs and experiments over a test database.
import type { FastifyInstance } from 'fastify'
import type { AlsoDeleted } from '../../experiments/deletion.ts'
import { ensureDefaultExperiment } from '../../experiments/experiments.ts'
import { artifactMigrations } from '../../artifacts/migrations.ts'
import { experimentMigrations } from '../../experiments/migrations.ts'
import type { RecordingTables } from '../../experiments/recording.ts'
import { createRunWriter } from '../../experiments/run-writer.ts'
import { governanceMigrations } from '../../governance/migrations.ts'
import { testActor, type TestServerOptions } from '../../governance/testing.ts'
import { eventMigrations } from '../../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../../platform/testing.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer, type Answer } from '../testing.ts'
import { experimentMethods } from './experiment-methods.ts'
import { inputMethods } from './input-methods.ts'
import { runMethods } from './run-methods.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
const artifactRoot = 'mlflow-artifacts:/'

type Ask = (path: string, fields?: object) => Promise<Answer>

export interface TrackingTest extends AsyncDisposable {
  readonly server: FastifyInstance
  readonly db: TestDatabase<RecordingTables>
  /** `post('runs/create', {...})` of version 2.0. */
  readonly post: Ask
  readonly get: Ask
}

export async function openTracking(
  options: TestServerOptions & {
    readonly truncatesLongValues?: boolean
    readonly db?: TestDatabase<RecordingTables>
    readonly alsoDeleted?: AlsoDeleted
  } = {},
): Promise<TrackingTest> {
  const { truncatesLongValues = true, alsoDeleted = async () => undefined, ...caller } = options
  const db = options.db ?? (await createTestDatabase<RecordingTables>(migrations))
  await ensureDefaultExperiment(db, testActor(), { artifactRoot })
  const deps = { db, writer: createRunWriter(db), truncatesLongValues, alsoDeleted }
  const locations = { artifactRoot, directory: '/srv/work', allowedSchemes: new Set<string>(), lengthMax: 2048 }
  const methods = {
    ...bind(runMethods, deps),
    ...bind(inputMethods, deps),
    ...bind(experimentMethods, { db, locations, alsoDeleted }),
  }
  const mlflow = await createMlflowTestServer(methods, caller)
  return {
    db,
    server: mlflow.server,
    post: (path, fields) => mlflow.call('POST', `2.0/mlflow/${path}`, fields),
    get: (path, fields) => mlflow.call('GET', `2.0/mlflow/${path}`, fields),
    async [Symbol.asyncDispose]() {
      await mlflow[Symbol.asyncDispose]()
      if (!options.db) await db[Symbol.asyncDispose]()
    },
  }
}
