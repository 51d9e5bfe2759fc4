// MLflow's API over the stages: which methods there are, and what each of their areas is given.
import type { FastifyInstance } from 'fastify'
import { artifactFileRoutes } from '../mlflow/artifacts/file-routes.ts'
import { artifactListingMethods } from '../mlflow/artifacts/listing-methods.ts'
import { artifactProxyRoutes } from '../mlflow/artifacts/proxy-routes.ts'
import { artifactUploadMethods } from '../mlflow/artifacts/upload-methods.ts'
import { bind, type BoundMethods } from '../mlflow/rpc.ts'
import { mlflowRoutes } from '../mlflow/server.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import { artifactDeps } from './mlflow-artifacts.ts'

export async function registerMlflow(server: FastifyInstance, config: Config, context: Context): Promise<void> {
  const { log } = context
  const artifacts = artifactDeps(config, context)
  const methods: BoundMethods = {
    ...bind(artifactListingMethods, artifacts),
    ...bind(artifactUploadMethods, artifacts),
  }
  await server.register(mlflowRoutes, { methods, log, graphql: config.mlflow.graphql })
  await server.register(artifactProxyRoutes, { ...artifacts, log })
  await server.register(artifactFileRoutes, { ...artifacts, log })
}
