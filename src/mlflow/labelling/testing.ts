// For tests: MLflow's methods of labelling over a database with experiment 0.
import { createExperiment } from '../../experiments/experiments.ts'
import { artifactMigrations } from '../../artifacts/migrations.ts'
import { experimentMigrations } from '../../experiments/migrations.ts'
import { governanceMigrations } from '../../governance/migrations.ts'
import { testActor, type TestServerOptions } from '../../governance/testing.ts'
import { labellingMigrations } from '../../labelling/migrations.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { tracingMigrations } from '../../tracing/migrations.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer, type MlflowTestServer } from '../testing.ts'
import { labellingMethods, type LabellingDeps } from './methods.ts'

type Tables = LabellingDeps['db'] extends Connection<infer T> ? T : never

const migrations = {
  ...eventMigrations,
  ...governanceMigrations,
  ...artifactMigrations,
  ...experimentMigrations,
  ...tracingMigrations,
  ...labellingMigrations,
}

export interface LabellingServer extends Pick<MlflowTestServer, 'call'>, AsyncDisposable {
  readonly db: Connection<Tables>
}

export async function createLabellingServer(options: TestServerOptions = {}): Promise<LabellingServer> {
  const db = await createTestDatabase<Tables>(migrations)
  await transact(db, (trx) => createExperiment(trx, testActor(), { name: 'Default' }))
  const server = await createMlflowTestServer(bind(labellingMethods, { db }), options)
  return {
    db,
    call: (...sent) => server.call(...sent),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}
