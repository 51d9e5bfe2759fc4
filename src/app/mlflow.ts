// MLflow's API over the stages: which methods there are, and what each of their areas is given.
import type { FastifyInstance } from 'fastify'
import { absentRoutes } from '../mlflow/absent-routes.ts'
import { absentAnswers } from '../mlflow/absent.ts'
import { artifactFileRoutes } from '../mlflow/artifacts/file-routes.ts'
import { artifactListingMethods } from '../mlflow/artifacts/listing-methods.ts'
import { artifactProxyRoutes } from '../mlflow/artifacts/proxy-routes.ts'
import { artifactUploadMethods } from '../mlflow/artifacts/upload-methods.ts'
import { labellingMethods } from '../mlflow/labelling/methods.ts'
import { onlineScoringRoutes } from '../mlflow/labelling/online-scoring-routes.ts'
import { loggedModelMethods } from '../mlflow/logged-models/logged-model-methods.ts'
import { loggedModelSearchMethods } from '../mlflow/logged-models/search-methods.ts'
import { registryMethods } from '../mlflow/registry/methods.ts'
import { bind, type BoundMethods } from '../mlflow/rpc.ts'
import { mlflowRoutes } from '../mlflow/server.ts'
import type { LocationRules } from '../mlflow/tracking/artifact-location.ts'
import { experimentMethods } from '../mlflow/tracking/experiment-methods.ts'
import { inputMethods } from '../mlflow/tracking/input-methods.ts'
import { metricBulkRoute } from '../mlflow/tracking/metric-bulk-route.ts'
import { metricMethods } from '../mlflow/tracking/metric-methods.ts'
import { runMethods, type RunDeps } from '../mlflow/tracking/run-methods.ts'
import { searchMethods } from '../mlflow/tracking/search-methods.ts'
import { traceArtifactRoute } from '../mlflow/traces/artifact-route.ts'
import { allTraceMethods } from '../mlflow/traces/methods.ts'
import { otlpRoute } from '../mlflow/traces/otlp-route.ts'
import { webhookMethods } from '../mlflow/webhooks/webhook-methods.ts'
import type { Transaction } from '../platform/database.ts'
import { forgetRun } from '../tracing/assessments.ts'
import { createSpanWriter } from '../tracing/span-writer.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import { artifactDeps } from './mlflow-artifacts.ts'
import { modelUses } from './model-uses.ts'
import type { Tables } from './tables.ts'
import { webhookDeps } from './webhooks.ts'

export async function registerMlflow(server: FastifyInstance, config: Config, context: Context): Promise<void> {
  const { db, log, reader, writer } = context
  const { truncatesLongValues } = config.mlflow
  const locations = locationRules(config)
  const runs: RunDeps = {
    db,
    writer,
    truncatesLongValues,
    // The writer's transactions are of all tables.
    alsoDeleted: (trx, runId) => forgetRun(trx as Transaction<Tables>, runId),
  }
  const artifacts = artifactDeps(config, context)
  const traces = { ...artifacts, db, reader, truncatesLongValues, spans: createSpanWriter(db) }
  const methods: BoundMethods = {
    ...absentAnswers(),
    ...bind(artifactListingMethods, artifacts),
    ...bind(artifactUploadMethods, artifacts),
    ...bind(experimentMethods, { db, locations }),
    ...bind(runMethods, runs),
    ...bind(inputMethods, runs),
    ...bind(metricMethods, { ...runs, reader }),
    ...bind(searchMethods, { db, reader }),
    ...bind(loggedModelMethods, { db }),
    ...bind(loggedModelSearchMethods, { db, reader }),
    ...bind(labellingMethods, { db }),
    ...bind(allTraceMethods, traces),
    ...bind(webhookMethods, webhookDeps(config, context)),
    ...bind(registryMethods, { db, reader, uses: modelUses, locations, sourcePattern: config.mlflow.sourcePattern }),
  }
  await server.register(mlflowRoutes, { methods, log, graphql: config.mlflow.graphql })
  await server.register(absentRoutes, { log })
  await server.register(onlineScoringRoutes, { db, log })
  await server.register(metricBulkRoute, { db, reader, log })
  await server.register(artifactProxyRoutes, { ...artifacts, log })
  await server.register(artifactFileRoutes, { ...artifacts, log })
  await server.register(otlpRoute, { ...traces, log })
  await server.register(traceArtifactRoute, { ...traces, log })
}

/** A client's relative location is one below the folder in which the server was started, as MLflow's has it. */
const locationRules = ({ mlflow }: Config): LocationRules => ({
  artifactRoot: mlflow.defaultArtifactRoot,
  directory: process.cwd(),
  allowedSchemes: mlflow.allowedHostSchemes,
})
