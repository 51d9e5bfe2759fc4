// For tests: the artifact routes and methods on a real HTTP server over a database, blobs and uploads of their own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { ArtifactOwnerTables } from '../../experiments/artifact-uris.ts'
import { loggedModelNotFound } from '../../experiments/logged-model.ts'
import { artifactMigrations } from '../../artifacts/migrations.ts'
import { experimentMigrations } from '../../experiments/migrations.ts'
import { createRun, type RecordingTables } from '../../experiments/recording.ts'
import { governanceMigrations } from '../../governance/migrations.ts'
import { createTestServer, testActor, type TestServerOptions } from '../../governance/testing.ts'
import { openDirectoryBlobs } from '../../platform/blobs-directory.ts'
import { systemClock } from '../../platform/clock.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { silentLog } from '../../platform/log.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { bind } from '../rpc.ts'
import { mlflowRoutes } from '../server.ts'
import type { ArtifactDeps } from './deps.ts'
import { artifactFileRoutes } from './file-routes.ts'
import { artifactListingMethods } from './listing-methods.ts'
import { artifactProxyRoutes } from './proxy-routes.ts'
import { artifactUploadMethods } from './upload-methods.ts'

export interface ArtifactTestServer extends AsyncDisposable {
  readonly server: FastifyInstance
  /** Of the server that listens. */
  readonly url: string
  readonly deps: ArtifactDeps
  readonly db: Connection<RecordingTables & ArtifactOwnerTables>
  /** Milliseconds that the clock is ahead. */
  readonly clock: { aheadMs: number }
  readonly folder: string
  /** A new run of experiment 0; answers its id. */
  createRun(id?: string): Promise<string>
}

export interface ArtifactTestOptions extends TestServerOptions {
  /** Folder of blobs and uploads; a temporary one by default. */
  readonly storage?: string
}

export async function createArtifactServer(options: ArtifactTestOptions = {}): Promise<ArtifactTestServer> {
  await using stack = new AsyncDisposableStack()
  const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
  const db = stack.use(await createTestDatabase<RecordingTables & ArtifactOwnerTables>(migrations))
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-artifacts-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const storage = options.storage ?? folder
  const clock = { aheadMs: 0 }
  const deps: ArtifactDeps = {
    db,
    blobs: openDirectoryBlobs(join(storage, 'blobs')),
    uploads: join(storage, 'uploads'),
    clock: () => systemClock() + clock.aheadMs,
    linkKey: 'a key of the test',
    downloadSeconds: 300,
    places: { folders: [join(folder, 'places')], s3: {}, isOwnHost: () => false },
    versionUri: async ({ name }) => {
      throw loggedModelNotFound(name)
    },
  }
  const methods = { ...bind(artifactListingMethods, deps), ...bind(artifactUploadMethods, deps) }
  const all: FastifyPluginAsyncZod<object> = async (server) => {
    await server.register(mlflowRoutes, { methods, log: silentLog, graphql: { rootFieldsMax: 10, aliasesMax: 10 } })
    await server.register(artifactProxyRoutes, { ...deps, log: silentLog })
    await server.register(artifactFileRoutes, { ...deps, log: silentLog })
  }
  const server = stack.use(await createTestServer(all, {}, options))
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const resources = stack.move()
  return {
    server,
    url,
    deps,
    db,
    clock,
    folder,
    createRun: (id) => transact(db, (trx) => createRun(trx, testActor(), { experiment: 'Default', id })),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
