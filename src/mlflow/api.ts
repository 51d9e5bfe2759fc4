// MLflow's API over the stages: which methods and routes there are, and what each of their areas is given.
import type { FastifyInstance } from 'fastify'
import type { ModelUses } from '../models/registered-models.ts'
import { createSpanWriter } from '../tracing/span-writer.ts'
import { absentRoutes } from './absent-routes.ts'
import { absentAnswers } from './absent.ts'
import type { ArtifactDeps } from './artifacts/deps.ts'
import { artifactFileRoutes } from './artifacts/file-routes.ts'
import { artifactListingMethods } from './artifacts/listing-methods.ts'
import { artifactProxyRoutes } from './artifacts/proxy-routes.ts'
import { artifactUploadMethods } from './artifacts/upload-methods.ts'
import type { QueryLimits } from './graphql/limits.ts'
import { labellingMethods } from './labelling/methods.ts'
import { onlineScoringRoutes } from './labelling/online-scoring-routes.ts'
import type { ScorerDeps } from './labelling/scorer-methods.ts'
import { loggedModelMethods, type LoggedModelDeps } from './logged-models/logged-model-methods.ts'
import { loggedModelSearchMethods } from './logged-models/search-methods.ts'
import type { RegistryDeps } from './registry/deps.ts'
import { registryMethods } from './registry/methods.ts'
import { bind, type BoundMethods } from './rpc.ts'
import { mlflowRoutes, type MlflowDeps } from './server.ts'
import type { LocationRules } from './tracking/artifact-location.ts'
import { experimentMethods } from './tracking/experiment-methods.ts'
import { inputMethods } from './tracking/input-methods.ts'
import { metricBulkRoute } from './tracking/metric-bulk-route.ts'
import { metricMethods } from './tracking/metric-methods.ts'
import { runMethods, type RunDeps } from './tracking/run-methods.ts'
import { searchMethods } from './tracking/search-methods.ts'
import { traceArtifactRoute } from './traces/artifact-route.ts'
import type { TraceDeps } from './traces/deps.ts'
import { allTraceMethods } from './traces/methods.ts'
import { otlpRoute } from './traces/otlp-route.ts'
import type { WebhookDeps } from './webhooks/deps.ts'
import { webhookMethods } from './webhooks/webhook-methods.ts'

export type { ArtifactDeps } from './artifacts/deps.ts'
export { isMlflowPath, isProbePath } from './paths.ts'
export type { LocationRules } from './tracking/artifact-location.ts'
export type { WebhookDeps } from './webhooks/deps.ts'

export interface ApiDeps {
  readonly db: RunDeps['db'] & LoggedModelDeps['db'] & ScorerDeps['db'] & RegistryDeps['db'] & TraceDeps['db']
  readonly log: MlflowDeps['log']
  readonly reader: RegistryDeps['reader']
  readonly runs: Omit<RunDeps, 'db'>
  readonly artifacts: ArtifactDeps
  readonly webhooks: WebhookDeps
  readonly locations: LocationRules
  readonly uses: ModelUses
  readonly alsoDeletedTraces: TraceDeps['alsoDeletedTraces']
  readonly sourcePattern: RegExp | undefined
  readonly graphql: QueryLimits
}

export async function registerApi(server: FastifyInstance, deps: ApiDeps): Promise<void> {
  const { alsoDeletedTraces, db, log, reader, artifacts, locations } = deps
  const runs = { ...deps.runs, db }
  const { truncatesLongValues } = runs
  const traces = { ...artifacts, db, reader, truncatesLongValues, alsoDeletedTraces, spans: createSpanWriter(db) }
  const methods: BoundMethods = {
    ...absentAnswers(),
    ...bind(artifactListingMethods, artifacts),
    ...bind(artifactUploadMethods, artifacts),
    ...bind(experimentMethods, { db, locations, alsoDeleted: runs.alsoDeleted }),
    ...bind(runMethods, runs),
    ...bind(inputMethods, runs),
    ...bind(metricMethods, { ...runs, reader }),
    ...bind(searchMethods, { db, reader }),
    ...bind(loggedModelMethods, { db }),
    ...bind(loggedModelSearchMethods, { db, reader }),
    ...bind(labellingMethods, { db }),
    ...bind(allTraceMethods, traces),
    ...bind(webhookMethods, deps.webhooks),
    ...bind(registryMethods, { db, reader, uses: deps.uses, locations, sourcePattern: deps.sourcePattern }),
  }
  await server.register(mlflowRoutes, { methods, log, graphql: deps.graphql })
  await server.register(absentRoutes, { log })
  await server.register(onlineScoringRoutes, { db, log })
  await server.register(metricBulkRoute, { db, reader, log })
  await server.register(artifactProxyRoutes, { ...artifacts, log })
  await server.register(artifactFileRoutes, { ...artifacts, log })
  await server.register(otlpRoute, { ...traces, log })
  await server.register(traceArtifactRoute, { ...traces, log })
}
