// For tests: MLflow's registry over a test database.
import { artifactMigrations } from '../../artifacts/migrations.ts'
import { experimentMigrations } from '../../experiments/migrations.ts'
import { governanceMigrations } from '../../governance/migrations.ts'
import type { TestServerOptions } from '../../governance/testing.ts'
import { modelMigrations } from '../../models/migrations.ts'
import { eventMigrations } from '../../platform/events.ts'
import { readerOf } from '../../platform/reader.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer, type MlflowTestServer } from '../testing.ts'
import type { RegistryDeps, RegistryMethodTables } from './deps.ts'
import { registryMethods } from './methods.ts'

export interface RegistryTest extends AsyncDisposable {
  readonly db: RegistryDeps['db']
  readonly server: MlflowTestServer['server']
  /** `post('registered-models/create', {...})`, below `2.0/mlflow/`. */
  readonly call: (
    method: 'DELETE' | 'GET' | 'PATCH' | 'POST',
    path: string,
    fields?: object,
  ) => ReturnType<MlflowTestServer['call']>
}

export async function openRegistry(
  change: Partial<RegistryDeps> = {},
  options: TestServerOptions = {},
): Promise<RegistryTest> {
  const migrations = {
    ...eventMigrations,
    ...governanceMigrations,
    ...artifactMigrations,
    ...experimentMigrations,
    ...modelMigrations,
  }
  const db = await createTestDatabase<RegistryMethodTables>(migrations)
  const deps: RegistryDeps = {
    db,
    reader: readerOf(db),
    uses: { findUse: async () => undefined },
    locations: { artifactRoot: 'mlflow-artifacts:/', allowedSchemes: new Set() },
    sourcePattern: undefined,
    ...change,
  }
  const server = await createMlflowTestServer(bind(registryMethods, deps), options)
  return {
    db,
    server: server.server,
    call: (method, path, fields) => server.call(method, `2.0/mlflow/${path}`, fields),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}
