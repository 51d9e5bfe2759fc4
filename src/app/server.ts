// The control plane of a home: opens its resources in order, registers every stage's routes, and ends in order on SIGTERM and SIGINT.
import type { FastifyInstance } from 'fastify'
import type { Transaction } from '../platform/database.ts'
import { dataRoutes } from '../data/routes.ts'
import { splitRoutes } from '../data/split-routes.ts'
import { artifactRoutes } from '../experiments/artifact-routes.ts'
import { loggedModelRoutes } from '../experiments/logged-model-routes.ts'
import { experimentRoutes, runRoutes } from '../experiments/routes.ts'
import { guard } from '../governance/access.ts'
import { assertMayListen } from '../governance/hosts.ts'
import { loopRoutes } from '../loop/routes.ts'
import { aliasRoutes, modelRoutes, versionRoutes } from '../models/routes.ts'
import { recordReport } from '../monitoring/report.ts'
import { monitoringRoutes } from '../monitoring/routes.ts'
import { pipelineRoutes } from '../pipelines/routes.ts'
import { isStepRunning } from '../pipelines/step-state.ts'
import { messageOf } from '../platform/errors.ts'
import { createHttpServer } from '../platform/http.ts'
import { abTestRoutes } from '../rollouts/ab-routes.ts'
import { rolloutRoutes } from '../rollouts/routes.ts'
import { endpointRoutes, gatewayControlRoutes } from '../serving/routes.ts'
import { traceRoutes } from '../tracing/routes.ts'
import { loadConfig, processEnvironment, type Config } from './config.ts'
import { collectionRoutes } from './collection-routes.ts'
import { createDataWork } from './data-work.ts'
import { openContext, type Context } from './context.ts'
import { alsoDeletedRuns } from './deletions.ts'
import { packageVersion } from './entries.ts'
import { lockHome, removeRuntime, writeRuntime } from './home.ts'
import { identifyWith } from './identity.ts'
import { countResponses, metricRoutes } from './metric-routes.ts'
import { registerMlflow } from './mlflow.ts'
import { guardOrigins } from './origins.ts'
import { systemRoutes } from './system-routes.ts'
import type { Tables } from './tables.ts'
import { stepRunIdOf } from './tracking.ts'

const prefix = '/api'

export async function createServer(config: Config, context: Context): Promise<FastifyInstance> {
  const { log, ids, clock, secrets } = context
  const server = await createHttpServer({ log, ids, version: packageVersion })
  guardOrigins(server, { config, log })
  const isAtWork = (runId: string): Promise<boolean> => isStepRunning(context.db, stepRunIdOf(runId))
  guard(server, identifyWith({ secrets, clock, ids, isAtWork }))
  await server.register(metricRoutes, { db: context.db, answered: countResponses(server) })
  await server.register(async (api) => registerStages(api, config, context), { prefix })
  await registerMlflow(server, config, context)
  return server
}

async function registerStages(api: FastifyInstance, config: Config, context: Context): Promise<void> {
  const { db, blobs, engine, configs, versions, clock, wake } = context
  const { home, database } = config
  await api.register(systemRoutes, {
    db,
    blobs,
    home,
    database,
    version: packageVersion,
    startedAtMs: context.startedAtMs,
  })
  const work = createDataWork({ db, engine })
  await api.register(dataRoutes, { db, blobs, work })
  await api.register(splitRoutes, { db, work })
  await api.register(pipelineRoutes, { db, engine, attemptsDirectory: context.attemptsDirectory })
  await api.register(runRoutes, { db, reader: context.reader, writer: context.writer, alsoDeleted: alsoDeletedRuns })
  await api.register(experimentRoutes, { db, alsoDeleted: alsoDeletedRuns })
  await api.register(traceRoutes, { db, reader: context.reader })
  await api.register(loggedModelRoutes, { db })
  await api.register(artifactRoutes, { db })
  await api.register(collectionRoutes, { collections: context.collections })
  await api.register(modelRoutes, { db, blobs })
  await api.register(versionRoutes, { db, blobs })
  await api.register(aliasRoutes, { db })
  await api.register(endpointRoutes, { db })
  await api.register(gatewayControlRoutes, {
    db,
    configs,
    onReport: async (trx, report) => {
      // The plugin knows serving's tables only; the connection that it was given has all of them.
      await recordReport({ versions, nowMs: clock() }, trx as unknown as Transaction<Tables>, report)
      wake()
    },
  })
  await api.register(monitoringRoutes, { db, versions })
  await api.register(rolloutRoutes, { db, rehearse: context.rehearse })
  await api.register(abTestRoutes, { db })
  await api.register(loopRoutes, { db, blobs, wake })
  // After an accepted write the policies have something to look at.
  api.addHook('onResponse', async ({ method }) => {
    if (method !== 'GET') wake()
  })
}

/** Runs until it is told to end. @throws DomainError home_in_use, bind_refused, and what opening the resources throws */
export async function runServer(config: Config, onReady: (url: string) => void = () => undefined): Promise<void> {
  assertMayListen(config.host, false)
  using _ = lockHome(config.home, 'server')
  const stop = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  await using context = await openContext(config)
  const server = await createServer(config, context)
  const url = await server.listen({ host: config.host, port: config.port })
  await context.listening(url)
  writeRuntime(config.home, 'server', { url })
  context.log.info('the control plane is up', { url, home: config.home })
  onReady(url)
  await stop
  removeRuntime(config.home, 'server')
  await server.close()
}

if (import.meta.main) {
  try {
    await runServer(loadConfig(processEnvironment()))
    process.exit(0) // Steps go on in processes of their own; nothing else may hold this one.
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exit(1)
  }
}
