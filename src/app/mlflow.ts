// What MLflow's API is given in this home.
import type { FastifyInstance } from 'fastify'
import { registerApi, type LocationRules } from '../mlflow/api.ts'
import type { Config } from './config.ts'
import type { Context } from './context.ts'
import { alsoDeletedRuns, alsoDeletedTraces } from './deletions.ts'
import { artifactDeps } from './mlflow-artifacts.ts'
import { modelUses } from './model-uses.ts'
import { webhookDeps } from './webhooks.ts'

export async function registerMlflow(server: FastifyInstance, config: Config, context: Context): Promise<void> {
  const { db, log, reader, writer } = context
  const { graphql, sourcePattern, truncatesLongValues } = config.mlflow
  await registerApi(server, {
    db,
    log,
    reader,
    runs: {
      writer,
      truncatesLongValues,
      alsoDeleted: alsoDeletedRuns,
    },
    alsoDeletedTraces,
    artifacts: artifactDeps(config, context),
    webhooks: webhookDeps(config, context),
    locations: locationRules(config),
    uses: modelUses,
    sourcePattern,
    graphql,
  })
}

/** A client's relative location is one below the folder in which the server was started, as MLflow's has it. */
const locationRules = ({ mlflow }: Config): LocationRules => ({
  artifactRoot: mlflow.defaultArtifactRoot,
  directory: process.cwd(),
  allowedSchemes: mlflow.allowedHostSchemes,
  lengthMax: mlflow.artifactLocationLengthMax,
})
